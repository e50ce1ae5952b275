//! What a text means, and where its mistakes are.
use agent_dispatch::config::model::{Agent, Config, Entry, Problem, Settings};
use agent_dispatch::config::read::{ConfigError, parse_text};
use agent_dispatch::config::settings::{MAX_COUNT, MAX_TIMEOUT_SECONDS};

pub fn parse(text: &str) -> Result<Config, ConfigError> {
    parse_text("/cfg/agents.yaml".as_ref(), text, Some("/home/u".into()))
}

fn agent(text: &str) -> Agent {
    let config = parse(&format!("agents:\n  a: {{directory: /x, {text}}}\n")).unwrap();
    config.agent("a").unwrap().as_result().unwrap_or_else(|problem| panic!("{text}: {problem}")).clone()
}

fn problem(config: &Config, name: &str) -> Problem {
    config.agent(name).unwrap().as_result().unwrap_err().clone()
}

#[test]
fn an_empty_config_in_all_its_forms() {
    for text in [
        "",
        "\n",
        "# c\n",
        "---\n",
        "~\n",
        "\u{feff}",
        "agents:\n",
        "agents: {}\n",
        "agents: null\ngroups:\nsettings: ~\n",
    ] {
        assert_eq!(parse(text), Ok(Config::default()), "{text:?}");
    }
}

#[test]
fn numbers_are_read_as_people_write_them() {
    for (text, seconds) in [
        ("timeout: 5", Some(5)),
        ("timeout: '5'", Some(5)),
        ("timeout: 5.0", Some(5)),
        ("timeout: \" 5 \"", Some(5)),
        ("timeout: 1_000", Some(1000)),
        ("timeout: null", None),
        ("timeout: ", None),
        ("timeout: 0", Some(0)),
        ("timeout: 99999999999999999999999", Some(MAX_TIMEOUT_SECONDS)),
        ("timeout: 1e300", Some(MAX_TIMEOUT_SECONDS)),
    ] {
        assert_eq!(agent(text).timeout_seconds, seconds, "{text}");
    }
    assert_eq!(agent("max_budget_usd: '1.5'").max_budget_usd, Some(1.5));
    assert_eq!(agent("max_budget_usd: 2").max_budget_usd, Some(2.0));
    assert_eq!(agent("model: 3.10").model.as_deref(), Some("3.10"), "a version is no float");
}

#[test]
fn wrong_values_disable_their_agent_alone_and_say_where() {
    for value in [
        "timeout: -1",
        "timeout: 1.5",
        "timeout: .inf",
        "timeout: .nan",
        "timeout: true",
        "timeout: abc",
        "timeout: [1]",
        "timeout: 'inf'",
        "max_budget_usd: -0.01",
        "max_budget_usd: .inf",
        "max_budget_usd: '-1'",
        "max_budget_usd: {}",
        "allowed_tools: Read",
        "allowed_tools: [~]",
        "allowed_tools: [[x]]",
        "description: [x]",
        "model: {a: b}",
    ] {
        let text = format!(
            "agents:\n  good: {{directory: /x}}\n  bad:\n    directory: /x\n    {value}\n  last: {{directory: /y}}\n"
        );
        let config = parse(&text).unwrap();
        let problem = problem(&config, "bad");
        assert_eq!(problem.line, Some(5), "{value}: {problem}");
        assert!(problem.column > Some(5) && problem.message.starts_with("agents.bad."), "{value}: {problem}");
        assert!(config.agent("good").unwrap().valid().is_some() && config.agent("last").unwrap().valid().is_some());
    }
}

#[test]
fn entries_of_the_wrong_shape_are_invalid_alone() {
    let text = "agents:\n  a: 5\n  b:\n  c: {timeout: 3}\n  d.e: [x]\n  f: {directory: ''}\n  g: {directory: ~bob/x}\n  ok: {directory: ~/p}\ngroups:\n  bad: {members: [{agent: 'x y'}]}\n  no name: {}\n  ok: {members: [{agent: ok, use_for: all}]}\n";
    let config = parse(text).unwrap();
    for (name, line) in [("a", 2), ("b", 3), ("c", 4), ("d.e", 5), ("f", 6), ("g", 7)] {
        assert_eq!(problem(&config, name).line, Some(line), "{name}");
    }
    assert_eq!(config.agent("ok").unwrap().valid().unwrap().directory, std::path::Path::new("/home/u/p"));
    assert!(config.group("bad").unwrap().valid().is_none() && config.group("no name").unwrap().valid().is_none());
    assert_eq!(config.group("ok").unwrap().valid().unwrap().members[0].use_for.as_deref(), Some("all"));
}

#[test]
fn more_bad_entries_than_readings_are_all_found() {
    let mut text = "agents:\n".to_owned();
    for index in 0..400 {
        text.push_str(&format!(
            "  a{index}: {{directory: /x, timeout: {}}}\n",
            if index % 2 == 0 { "-1" } else { "5" }
        ));
    }
    let config = parse(&text).unwrap();
    for (index, (name, entry)) in config.agents.iter().enumerate() {
        assert_eq!(entry.valid().is_some(), index % 2 == 1, "{name}");
        assert!(index > 60 || index % 2 == 1 || entry.as_result().unwrap_err().line.is_some(), "{name} has a line");
    }
}

#[test]
fn tools_tell_absent_from_empty() {
    let settings = Settings { default_allowed_tools: vec!["Read".to_owned()], ..Settings::default() };
    assert_eq!(agent("model: x").allowed_tools(&settings), ["Read"]);
    assert_eq!(agent("allowed_tools: null").allowed_tools(&settings), ["Read"]);
    assert_eq!(agent("allowed_tools: []").allowed_tools(&settings), [""; 0]);
    assert_eq!(agent("allowed_tools: [Grep]").allowed_tools(&settings), ["Grep"]);
}

#[test]
fn effective_values_fall_back_to_the_settings() {
    let settings = Settings { default_timeout: 77, default_max_budget_usd: Some(2.0), ..Settings::default() };
    assert_eq!(agent("timeout: 0").timeout(&settings), 77);
    assert_eq!(agent("model: x").timeout(&settings), 300);
    assert_eq!(agent("timeout: 9").timeout(&settings), 9);
    assert_eq!(agent("max_budget_usd: 0").budget(&settings), Some(2.0));
    assert_eq!(agent("max_budget_usd: 1").budget(&settings), Some(1.0));
    assert_eq!(agent("model: x").budget(&Settings { default_max_budget_usd: Some(0.0), ..Settings::default() }), None);
}

#[test]
fn settings_take_yaml_1_1_switches_and_bounds() {
    let text = "settings: {usage_log: no, dispatch_protocol: 'OFF', max_concurrency: 1e12, default_timeout: '60', cache: {enabled: 0, ttl: 0}}\n";
    let settings = parse(text).unwrap().settings;
    assert!(!settings.usage_log && !settings.dispatch_protocol && !settings.cache.enabled);
    assert_eq!((settings.max_concurrency, settings.default_timeout, settings.cache.ttl), (MAX_COUNT, 60, 0));
}

#[test]
fn what_breaks_the_whole_file_says_where() {
    for (text, line) in [
        ("agents: [\n", 1),
        ("agents:\n\ta: 1\n", 2),
        ("agents:\n- a\n", 2),
        ("5\n", 1),
        ("- a\n", 1),
        ("agents: {}\nsettings: {max_concurrency: 0}\n", 2),
        ("settings:\n  default_timeout: 0\n", 2),
        ("settings: {cache: {max_size: 0}}\n", 1),
        ("groups: 5\n", 1),
        ("agents: {}\n---\nagents: {}\n", 2),
        ("agents: *nobody\n", 1),
        ("agents:\n  ? [a]\n  : {directory: /x}\n", 2),
        ("a: 'open\n", 1),
        ("agents: {}\n\u{1}\n", 2),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(error.line, Some(line), "{text:?}: {error}");
        assert!(error.to_string().contains("/cfg/agents.yaml") && error.hint().contains("/cfg/agents.yaml"));
    }
}

#[test]
fn aliases_and_merge_keys_work_and_bombs_do_not() {
    let text = "x-base: &b {timeout: 7, model: m}\nagents:\n  a: {<<: *b, directory: /x, model: null}\n  b: &c {<<: [*b, {directory: /k}]}\n  c: *c\n";
    let config = parse(text).unwrap();
    let get = |name: &str| config.agent(name).unwrap().valid().unwrap();
    assert_eq!((get("a").timeout_seconds, get("a").model.as_deref()), (Some(7), None));
    assert_eq!((get("b").model.as_deref(), get("b").directory.to_str()), (Some("m"), Some("/k")));
    assert_eq!(get("b"), get("c"));
    assert_eq!(config.unknown_keys, [], "x- keys are a place for anchors");

    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..20 {
        let below = format!("*a{}, ", level - 1).repeat(9);
        bomb.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    assert!(parse(&bomb).is_ok(), "what nothing reads is never expanded");
    let read = format!("{bomb}agents: {{a: {{directory: /x, allowed_tools: *a19}}}}\n");
    assert!(parse(&read).map_or(true, |config| config.agent("a").unwrap().valid().is_none()));
    let long = format!(
        "x-long: &l {}\nagents: {{a: {{directory: /x, allowed_tools: [{}]}}}}\n",
        "x".repeat(100_000),
        "*l, ".repeat(10_000)
    );
    assert!(parse(&long).unwrap_err().to_string().contains("aliases"));
    assert!(parse("a: &a [*a]\nagents: {}\n").is_ok_and(|config| config.agents.is_empty()), "nothing reads it");
    assert!(
        parse("agents: &a {x: *a}\n").is_err()
            || parse("agents: &a {x: *a}\n").unwrap().agent("x").unwrap().valid().is_none()
    );
}

#[test]
fn deep_nesting_is_refused_not_overflowed() {
    for text in [
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000),
        "? ".repeat(50_000),
        format!("agents: {}1{}", "[".repeat(500), "]".repeat(500)),
    ] {
        assert!(parse(&text).is_err());
    }
}

#[test]
fn unknown_and_repeated_keys_are_told_with_line_and_likely_meaning() {
    let text = "agents:\n  a:\n    directory: /x\n    timeuot: 5\n  b: {directory: /1}\n  b: {directory: /2}\nsetings: {}\nsettings:\n  cache: {tll: 5}\n";
    let config = parse(text).unwrap();
    let unknown: Vec<_> = config.unknown_keys.iter().map(|key| (key.path.as_str(), key.line, key.nearest)).collect();
    assert_eq!(
        unknown,
        [
            ("agents.a.timeuot", Some(4), Some("timeout")),
            ("setings", Some(7), Some("settings")),
            ("settings.cache.tll", Some(9), Some("ttl")),
        ]
    );
    assert_eq!(
        config.duplicates.iter().map(|key| (key.path.as_str(), key.line)).collect::<Vec<_>>(),
        [("agents.b", Some(6))]
    );
    let Some(Entry::Valid(agent)) = config.agent("b") else { panic!("b is valid") };
    assert_eq!(agent.directory, std::path::Path::new("/2"));
    assert_eq!(config.agent_names().collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn many_duplicate_keys_are_read_in_reasonable_time() {
    let text = format!("agents:\n{}", "  a: {directory: /x, directory: /y, odd: 1}\n".repeat(50_000));
    let config = parse(&text).unwrap();
    assert_eq!(config.agents.len(), 1);
}

#[test]
fn messages_are_bounded() {
    let text = format!("agents:\n  a: {{directory: /x, timeout: '{}'}}\n", "9x".repeat(1_000_000));
    assert!(problem(&parse(&text).unwrap(), "a").to_string().len() < 1_000);
}
