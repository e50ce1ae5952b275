//! What ends a dialogue, what its two are told, and what its caller is told.

use agent_dispatch::machines::answer::{Answer, ErrorType};
use agent_dispatch::machines::dialogue::prompts::{opening, reply, resolution};
use agent_dispatch::machines::dialogue::record::Record;
use agent_dispatch::machines::dialogue::{Event, Role, State};
use proptest::prelude::*;
use serde_json::json;

#[test]
fn only_the_end_of_a_message_resolves() {
    let resolved = [
        ("fixed it. [RESOLVED]", "fixed it."),
        ("fixed it.\n\n[RESOLVED]\n\n", "fixed it."),
        ("fixed it. **[RESOLVED]**.", "fixed it."),
        ("fixed it.\n`[RESOLVED]`", "fixed it."),
        ("fixed it.\n[RESOLVED]\nSTATUS: done", "fixed it."),
        ("fixed it.\n[RESOLVED]\n\n**STATUS: partial** - the docs are missing", "fixed it."),
        ("fixed it.\nSTATUS: done\n[RESOLVED]", "fixed it."),
        ("[RESOLVED]", ""),
    ];
    for (message, answer) in resolved {
        assert_eq!(resolution(message).as_deref(), Some(answer), "{message:?}");
    }
    let open = [
        "",
        "I will end with [RESOLVED] later",
        "say \"[RESOLVED]\"",
        "shall I write [RESOLVED]?",
        "[RESOLVED] - or is it?",
        "[RESOLVED]\nOne more thing: which host?",
        "done [resolved]",
        "RESOLVED",
        "STATUS: done",
        "[RESOLVED]\nSTATUS: done\nAnd now?",
    ];
    for message in open {
        assert_eq!(resolution(message), None, "{message:?}");
    }
}

#[test]
fn each_is_told_who_the_other_is_and_what_it_said() {
    assert!(opening("shop").contains("'shop'") && opening("shop").contains("[RESOLVED]"));
    let told = reply("infra", "Which host?");
    assert!(told.contains("'infra'") && told.contains("\n\nWhich host?\n\n") && told.contains("[RESOLVED]"), "{told}");
    let long = "\u{e9}".repeat(1 << 20);
    let told = reply("infra", &long);
    assert!(told.len() < 300 * 1024 && told.contains("bytes of this message are left out"), "{} bytes", told.len());
}

#[test]
fn the_caller_is_told_everything_that_was_said() {
    let mut record = Record::default();
    let said =
        |agent: &str, text: &str, cost| Answer { cost_usd: cost, duration_ms: Some(7), ..Answer::success(agent, text) };
    assert_eq!(record.add(Role::Responder, 1, said("db", "which?", Some(0.1))), Event::Spoke { resolved: false });
    assert_eq!(record.add(Role::Requester, 1, said("shop", "staging", Some(0.2))), Event::Spoke { resolved: false });
    assert_eq!(record.add(Role::Responder, 2, said("db", "done [RESOLVED]", None)), Event::Spoke { resolved: true });
    let conversation = record.conclude(&State::Resolved { round: 2 });
    let expected = json!({"resolved": true, "rounds": 2, "total_cost_usd": 0.3, "total_duration_ms": 21, "final_answer": "done",
        "conversation": [
            {"agent": "db", "role": "responder", "round": 1, "message": "which?", "cost_usd": 0.1},
            {"agent": "shop", "role": "requester", "round": 1, "message": "staging", "cost_usd": 0.2},
            {"agent": "db", "role": "responder", "round": 2, "message": "done [RESOLVED]", "cost_usd": null}]});
    assert_eq!(serde_json::to_string(&conversation).unwrap(), expected.to_string());
    let mut record = Record::default();
    assert_eq!(record.add(Role::Responder, 1, Answer::failure("db", ErrorType::Timeout, "too slow")), Event::Broke);
    let conversation = serde_json::to_value(record.conclude(&State::Failed { round: 1 })).unwrap();
    assert_eq!((&conversation["resolved"], &conversation["final_answer"]), (&json!(false), &json!("too slow")));
    assert_eq!(conversation["conversation"][0]["error_type"], "timeout");
}

proptest! {
    #[test]
    fn any_message_can_be_looked_at(message in "\\PC{0,40}(\\[RESOLVED\\])?[\\s*_.`]{0,4}(\nSTATUS: done)?") {
        if let Some(answer) = resolution(&message) {
            prop_assert!(message.starts_with(&answer) && message.contains("[RESOLVED]"));
        }
    }
}
