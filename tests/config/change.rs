//! What the arguments of add, update and remove mean.
use agent_dispatch::config::argument::Words;
use agent_dispatch::config::change::{ChangeError, Fields, add_agent, remove_agent, update_agent};
use agent_dispatch::config::path::Environment;
use agent_dispatch::config::read::load;
use serde_json::{Value, json};

use super::place;

fn fields(value: Value) -> Fields {
    serde_json::from_value(value).unwrap()
}

fn text(env: &Environment) -> String {
    std::fs::read_to_string(env.config.as_ref().unwrap()).unwrap()
}

#[test]
fn adding_answers_with_what_was_set() {
    let (_directory, env) = place();
    std::fs::create_dir(env.current_dir.join("p")).unwrap();
    let home = env.current_dir.to_str().unwrap();
    let all = json!({"timeout": "60", "max_budget_usd": 1.5, "max_turns": "12", "model": " opus ", "permission_mode": "plan", "description": "",
        "allowed_tools": "Read, Bash(git log:*), Bash(echo a, b) ,", "disallowed_tools": ["Write"], "unattended_tools": "SendMessage, CronCreate", "capabilities": null, "unknown": 1,
        "instructions": "Line one\nLine two: x"});
    let answer = add_agent(&env, "infra", "~/p", &fields(all)).unwrap();
    assert_eq!(
        answer.to_string(),
        json!({"added": "infra", "directory": format!("{home}/p"), "description": "Agent in p", "timeout": 60,
        "max_budget_usd": 1.5, "max_turns": 12, "model": "opus", "permission_mode": "plan",
        "allowed_tools": ["Read", "Bash(git log:*)", "Bash(echo a, b)"], "disallowed_tools": ["Write"], "unattended_tools": ["SendMessage", "CronCreate"],
        "instructions": "Line one\nLine two: x"})
        .to_string()
    );
    assert_eq!(add_agent(&env, "b", "p/../p", &Fields::default()).unwrap()["directory"], format!("{home}/p"));
    let config = load(env.config.as_ref().unwrap(), None).unwrap();
    assert_eq!(config.agent("b").unwrap().valid().unwrap().timeout_seconds, Some(300));
    assert_eq!(config.agent("infra").unwrap().valid().unwrap().instructions.as_deref(), Some("Line one\nLine two: x"));
}

#[test]
fn adding_refuses_what_cannot_be() {
    let (_directory, env) = place();
    std::fs::write(env.current_dir.join("file"), "").unwrap();
    let add = |name: &str, directory: &str, value: Value| add_agent(&env, name, directory, &fields(value)).unwrap_err();
    assert!(matches!(add("a b", "/", json!({})), ChangeError::Name(_)));
    assert!(matches!(add("a\n", "/", json!({})), ChangeError::Name(_)));
    for directory in ["", "  ", "no/such", "file", "~bob", "/x\0y"] {
        assert!(matches!(add("a", directory, json!({})), ChangeError::Directory { .. }), "{directory:?}");
    }
    for value in [
        json!({"timeout": -1}),
        json!({"timeout": 1.5}),
        json!({"timeout": 1e300}),
        json!({"max_budget_usd": -1}),
        json!({"max_budget_usd": "1e999"}),
        json!({"unattended_tools": ["Bash"]}),
        json!({"unattended_tools": "SendMessage, none"}),
        json!({"max_turns": -1}),
        json!({"max_turns": 1.5}),
        json!({"max_turns": 10_001}),
        json!({"max_turns": "1e999"}),
        json!({"instructions": "x".repeat(70_000)}),
        json!({"capabilities": ["x".repeat(70_000)]}),
    ] {
        assert!(matches!(add("a", "/", value.clone()), ChangeError::Value { .. }), "{value}");
    }
    assert!(serde_json::from_value::<Fields>(json!({"timeout": "soon"})).is_err());
    assert!(!env.config.as_ref().unwrap().exists(), "nothing was written");
    add_agent(&env, "a", "/", &Fields::default()).unwrap();
    assert_eq!(add("a", "/", json!({})), ChangeError::Exists("a".to_owned()));
}

#[test]
fn updating_leaves_clears_and_sets() {
    let (_directory, env) = place();
    let before = "agents:\n  a:\n    directory: /x # here\n    timeout: 5\n    max_budget_usd: 2.0\n    max_turns: 3\n    model: opus\n    allowed_tools: [Read]\n    odd: 1\n";
    std::fs::write(env.config.as_ref().unwrap(), before).unwrap();
    let update = |value: Value| update_agent(&env, "a", &fields(value));
    assert_eq!(
        update(json!({"timeout": 0, "model": "", "allowed_tools": " , ", "max_budget_usd": null})),
        Err(ChangeError::Nothing)
    );
    assert_eq!(text(&env), before);
    let answer = update(
        json!({"timeout": 9.0, "max_budget_usd": -1, "max_turns": -1, "model": "None", "allowed_tools": "none", "capabilities": "none"}),
    )
    .unwrap();
    assert_eq!(
        answer,
        json!({"updated": "a", "fields": ["timeout", "max_budget_usd", "max_turns", "model", "allowed_tools", "capabilities"]})
    );
    assert_eq!(text(&env), "agents:\n  a:\n    directory: /x # here\n    timeout: 9\n    odd: 1\n");
    let answer = update(json!({"permission_mode": "yolo"})).unwrap();
    assert!(answer["warning"].as_str().unwrap().contains("acceptEdits"), "{answer}");
    assert!(text(&env).contains("permission_mode: yolo"), "stored with a warning");
    assert!(update(json!({"permission_mode": "plan"})).unwrap().get("warning").is_none());
}

#[test]
fn an_empty_list_is_set_and_a_rule_without_effect_is_not() {
    let (_directory, env) = place();
    let before = "agents:\n  a:\n    directory: /x\n    capabilities: [logs]\nsettings: {default_max_budget_usd: 2}\n";
    std::fs::write(env.config.as_ref().unwrap(), before).unwrap();
    let update = |value: Value| update_agent(&env, "a", &fields(value));
    update(json!({"allowed_tools": [], "disallowed_tools": "[]", "capabilities": []})).unwrap();
    let after = "agents:\n  a:\n    directory: /x\n    allowed_tools: []\n    disallowed_tools: []\nsettings: {default_max_budget_usd: 2}\n";
    assert_eq!(text(&env), after);
    for (field, value, said) in [
        ("allowed_tools", json!("Read, Bash(git log:*, git show:*)"), "write `Bash(git log:*)` and `Bash(git show:*)`"),
        ("allowed_tools", json!(["Bash(git log:*", "git show:*)"]), "write `Bash(git log:*)` and `Bash(git show:*)`"),
        ("allowed_tools", json!("Read Write"), "write `Read` and `Write`"),
        ("allowed_tools", json!("*"), "name each tool"),
        ("disallowed_tools", json!("bash"), "write `Bash`"),
        ("disallowed_tools", json!("Bash (rm:*)"), "write `Bash(rm:*)`"),
        ("permission_mode", json!("accept-edits"), "write `acceptEdits`"),
        ("permission_mode", json!("off"), "a switch"),
        ("timeout", json!(-3), "1 or more, such as 600"),
    ] {
        let error = update(json!({field: value})).unwrap_err().to_string();
        assert!(error.starts_with(field) && error.contains(said), "{error}");
        let error = add_agent(&env, "b", "/", &fields(json!({field: value}))).unwrap_err().to_string();
        assert!(error.starts_with(field) && error.contains(said), "{error}");
    }
    assert_eq!(text(&env), after);
    update(json!({"disallowed_tools": "*"})).unwrap();
    let answer = update(json!({"max_budget_usd": -1})).unwrap();
    assert!(answer["warning"].as_str().unwrap().contains("2 USD (default_max_budget_usd)"), "{answer}");
}

#[test]
fn unknown_agents_are_told_apart_from_empty_updates() {
    let (_directory, env) = place();
    std::fs::write(env.config.as_ref().unwrap(), "agents: {db: {directory: /x}, bad: 5}\n").unwrap();
    let error = update_agent(&env, "infra", &Fields::default()).unwrap_err();
    assert_eq!(error.to_string(), "Unknown agent: 'infra'. Available: db, bad");
    assert!(remove_agent(&env, "infra").is_err());
    assert_eq!(remove_agent(&env, "bad").unwrap(), json!({"removed": "bad"}), "an invalid entry can be removed");
    assert_eq!(remove_agent(&env, "db").unwrap(), json!({"removed": "db"}));
    assert_eq!(text(&env), "agents: {}\n");
}

#[test]
fn an_invalid_entry_can_be_repaired() {
    let (_directory, env) = place();
    std::fs::write(env.config.as_ref().unwrap(), "agents:\n  a:\n    directory: /x\n    timeout: -5 # oops\n").unwrap();
    update_agent(&env, "a", &fields(json!({"timeout": 5}))).unwrap();
    assert_eq!(text(&env), "agents:\n  a:\n    directory: /x\n    timeout: 5 # oops\n");
}

#[test]
fn words_are_split_outside_parentheses() {
    let split = |text: &str| Words::from_text(text).0.unwrap_or_default();
    assert_eq!(split(" a ,, b(c,d) ,e) ,f"), ["a", "b(c,d)", "e)", "f"]);
    assert_eq!(split(" , "), [""; 0]);
}
