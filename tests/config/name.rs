//! Names, and answers to names that nobody has.
use agent_dispatch::config::name::{is_valid_name, nearest, unknown_agent};

#[test]
fn the_rule_holds_for_the_whole_string() {
    for name in ["a", "A1", "9-x_y", "infra-prod_2"] {
        assert!(is_valid_name(name), "{name}");
    }
    for name in ["", "-a", "_a", "a b", "a\n", "é", "a.b", "a/b", "../x", "a\0", "٣"] {
        assert!(!is_valid_name(name), "{name:?}");
    }
}

#[test]
fn an_unknown_name_gets_the_known_ones() {
    assert_eq!(unknown_agent("foo", &["infra", "db"]), "Unknown agent: 'foo'. Available: infra, db");
    assert_eq!(unknown_agent("foo", &[]), "Unknown agent: 'foo'. There are none");
    let many: Vec<String> = (0..500).map(|index| format!("service-{index}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let answer = unknown_agent("servcie-499", &many);
    assert!(answer.starts_with("Unknown agent: 'servcie-499'. Available: service-499, "), "{answer}");
    assert!(answer.ends_with("and 480 more") && answer.len() < 600, "{answer}");
    let hostile = "x\n\u{1b}[31m".repeat(10_000);
    let answer = unknown_agent(&hostile, &many);
    assert!(answer.len() < 1_000 && !answer.contains(['\n', '\u{1b}']), "{answer}");
}

#[test]
fn slips_are_recognised_and_strangers_are_not() {
    let known = ["timeout", "model", "directory", "description"];
    for (word, meant) in
        [("timeuot", Some("timeout")), ("Modle", Some("model")), ("directoy", Some("directory")), ("zzz", None)]
    {
        assert_eq!(nearest(word, known.into_iter()), meant, "{word}");
    }
}
