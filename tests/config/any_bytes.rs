//! No bytes make the reader or the editor panic, and a text they accept keeps its meaning.
use agent_dispatch::config::edit::{Action, Node, edit};
use agent_dispatch::config::read::{load, parse_text};
use proptest::prelude::*;

use super::edit::agent;

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "agents",
        "groups",
        "settings",
        ":",
        " ",
        "\n",
        "\n  ",
        "\n    ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "&a ",
        "*a",
        "<<",
        "|",
        ">",
        "'",
        "\"",
        "#",
        "? ",
        "!!str ",
        "!x ",
        "---\n",
        "...\n",
        "a",
        "directory: /x",
        "timeout: 5",
        "timeout: -1",
        "5",
        "~",
        "\t",
        "\r\n",
        "\u{feff}",
        "\u{85}",
        "%YAML 1.2\n",
        "members",
        "é",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in prop_oneof![pieces(), "\\PC{0,60}", "[ -~\n]{0,80}"]) {
        let _ = parse_text("/c/agents.yaml".as_ref(), &text, None);
        let fields = vec![("directory", Node::Text("/x".to_owned()))];
        if let Ok(after) = edit(&text, &agent("new", Action::Add(fields))) {
            let reread: Result<serde_yaml::Value, _> = serde_yaml::from_str(after.trim_start_matches('\u{feff}'));
            prop_assert!(reread.is_ok() || reread.unwrap_err().to_string().contains("duplicate"), "{text:?} -> {after:?}");
        }
        let _ = edit(&text, &agent("a", Action::Set(vec![("timeout", Some(Node::Whole(1)))])));
        let _ = edit(&text, &agent("a", Action::Remove));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes).unwrap();
        let _ = load(file.path(), None);
    }
}
