use std::borrow::Cow;

use agent_dispatch::machines::plan::Format;
use agent_dispatch::machines::prompt::{MAX_PROMPT_BYTES, PromptError, compose, for_stdin};
use agent_dispatch::machines::protocol::system_prompt;
use proptest::prelude::*;

#[test]
fn a_bare_task_is_sent_as_it_is() {
    assert_eq!(compose("do it", None, None, None, Format::Text), "do it");
    assert_eq!(compose("do it", Some(" "), Some(""), None, Format::Text), "do it");
}

#[test]
fn context_alone_makes_labelled_blocks() {
    assert_eq!(compose("do it", Some("facts"), None, None, Format::Text), "Context:\nfacts\n\nTask:\ndo it");
}

#[test]
fn caller_or_goal_makes_headings() {
    let all = compose("do it", Some("facts"), Some("shop"), Some("ship"), Format::Text);
    assert_eq!(all, "## Goal\nship\n\n## Dispatched by\nshop\n\n## Context\nfacts\n\n## Task\ndo it");
    assert_eq!(compose("do it", None, Some("shop"), None, Format::Text), "## Dispatched by\nshop\n\n## Task\ndo it");
}

#[test]
fn json_is_asked_for_at_the_end() {
    let prompt = compose("do it", None, None, None, Format::Json);
    let footer = prompt.strip_prefix("do it\n\n").unwrap();
    assert!(footer.contains("one JSON value and nothing else") && footer.contains(r#"{"error": "<reason>"}"#));
}

#[test]
fn what_the_cli_would_take_as_its_own_command_gets_a_newline() {
    for text in ["/clear", "/init now", "/a:b-c_d\n", "/mcp__t__pr"] {
        assert_eq!(for_stdin(text).unwrap(), format!("\n{text}"));
    }
    for text in ["-foo", "--help", " /clear", "\n/clear", "a /b", "\0x", "- bullet", "\u{1b}[0m"] {
        assert!(matches!(for_stdin(text), Ok(Cow::Borrowed(sent)) if sent == text), "{text:?}");
    }
}

#[test]
fn what_the_cli_refuses_is_refused_before_it_costs_a_start() {
    assert_eq!(for_stdin(""), Err(PromptError::Empty));
    assert_eq!(for_stdin(" \n\u{a0}\u{feff}"), Err(PromptError::Blank));
    let fits = "x".repeat(MAX_PROMPT_BYTES);
    assert!(for_stdin(&fits).is_ok());
    let error = for_stdin(&format!("{fits}x")).unwrap_err();
    assert_eq!(error, PromptError::TooLarge { bytes: MAX_PROMPT_BYTES + 1 });
    assert!(error.to_string().contains("file"), "{error}");
    let slash = format!("/{}", &fits[1..]);
    assert_eq!(for_stdin(&slash), Err(PromptError::TooLarge { bytes: MAX_PROMPT_BYTES + 1 }));
}

#[test]
fn the_protocol_tells_what_an_agent_must_know() {
    let text = system_prompt(true, Some("Read-only.\n"), Format::Text, 300, Some(1.5)).unwrap();
    for needle in ["question", "denied", "300 s", "$1.5", "outcome", "STATUS: done", "partial", "blocked"] {
        assert!(text.contains(needle), "{needle} in {text}");
    }
    assert!(text.ends_with("\n\n# Standing instructions\nRead-only."));
    let json = system_prompt(true, None, Format::Json, 300, None).unwrap();
    assert!(!json.contains("STATUS") && !json.contains("Lead with") && !json.contains("cap"), "{json}");
}

#[test]
fn instructions_are_sent_without_the_protocol_too() {
    let text = system_prompt(false, Some("- be brief"), Format::Text, 300, None).unwrap();
    assert_eq!(text, "# Standing instructions\n- be brief");
    assert_eq!(system_prompt(false, None, Format::Text, 300, None), None);
    assert_eq!(system_prompt(false, Some(" \n"), Format::Json, 300, None), None);
}

proptest! {
    #[test]
    fn every_given_part_is_there_in_order(
        task in "[a-z]{1,9}task", context in prop::option::of("[a-z#\n]{1,9}context"),
        caller in prop::option::of("[a-z]{1,9}caller"), goal in prop::option::of("[a-z]{1,9}goal"), json: bool,
    ) {
        let format = if json { Format::Json } else { Format::Text };
        let prompt = compose(&task, context.as_deref(), caller.as_deref(), goal.as_deref(), format);
        let mut rest = prompt.as_str();
        for part in [goal, caller, context, Some(task)].into_iter().flatten() {
            let (_, after) = rest.split_once(part.as_str()).expect("a part is missing or out of order");
            rest = after;
        }
        prop_assert_eq!(!rest.is_empty(), json);
    }

    #[test]
    fn the_text_reaches_the_model_unchanged_but_for_one_newline(text in any::<String>()) {
        if let Ok(sent) = for_stdin(&text) {
            prop_assert!(!sent.starts_with('/'));
            prop_assert!(sent == text || sent.strip_prefix('\n') == Some(text.as_str()));
        }
    }

    #[test]
    fn a_system_prompt_never_looks_like_an_option(on: bool, json: bool, text in "-{0,3}[ a-z\n]{0,9}") {
        let format = if json { Format::Json } else { Format::Text };
        if let Some(prompt) = system_prompt(on, Some(&text), format, 10, None) {
            prop_assert!(prompt.starts_with("# "));
        }
    }
}
