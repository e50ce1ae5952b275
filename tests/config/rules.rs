//! What restricts in agents.yaml holds, or its agent is disabled with the line that would be right.
use agent_dispatch::config::edit::{Action, Node, edit};
use agent_dispatch::config::model::Problem;
use agent_dispatch::machines::rule::{List, check};
use proptest::prelude::*;

use super::edit::agent;
use super::read::parse;

/// The mistake of an agent that has these lines; it alone is disabled.
fn problem(lines: &str) -> Problem {
    let text = format!("agents:\n  a:\n    directory: /x\n    {lines}\n  other: {{directory: /y}}\n");
    let config = parse(&text).unwrap_or_else(|error| panic!("{lines}: {error}"));
    assert!(config.agent("other").unwrap().valid().is_some(), "{lines}");
    config.agent("a").unwrap().as_result().expect_err(lines).clone()
}

/// The mistake of a file whose first agent has these lines.
fn fault(lines: &str) -> String {
    parse(&format!("agents:\n  a:\n    directory: /x\n    {lines}\n")).expect_err(lines).to_string()
}

#[test]
fn rules_without_effect_disable_their_agent_with_the_corrected_line() {
    for (lines, line, corrected) in [
        (
            "allowed_tools: [Read, Bash(git log:*, git show:*)]",
            4,
            "allowed_tools: [Read, 'Bash(git log:*)', 'Bash(git show:*)']",
        ),
        (
            "disallowed_tools: [Bash(frob:*, grob:*), Write]",
            4,
            "disallowed_tools: ['Bash(frob:*)', 'Bash(grob:*)', Write]",
        ),
        ("disallowed_tools: [Bash(echo a, b)]", 4, "disallowed_tools: [\"Bash(echo a, b)\"]"),
        ("disallowed_tools:\n      - Bash(frob #careful)\n      - Write", 5, "- 'Bash(frob #careful)'"),
        ("disallowed_tools:\n      - Write\n      - Bash(frob:*) # why\n      - Bash (rm:*)", 7, "write `Bash(rm:*)`"),
        ("allowed_tools: Read, Grep", 4, "allowed_tools: [Read, Grep]"),
        ("allowed_tools: \"Read Write Glob\"", 4, "allowed_tools: [Read, Write, Glob]"),
        ("allowed_tools: [\"Read Write Glob\"]", 4, "allowed_tools: [Read, Write, Glob]"),
        ("allowed_tools:\n      - Bash(echo \"a: b\")", 5, "- 'Bash(echo \"a: b\")'"),
        ("allowed_tools: [bash]", 4, "write `Bash`"),
        ("allowed_tools: ['*']", 4, "name each tool"),
        ("allowed_tools: [mcp__*, mcp__pg__*]", 4, "name each tool"),
        ("allowed_tools:\n      - Read\n      -", 6, "take it out"),
        ("allowed_tools:\n      - [Read, Grep]", 5, "entry of its own"),
        ("disallowed_tools: [Read, '']", 4, "is empty"),
        ("allowed_tools: ['Bash(touch *))']", 4, "unbalanced brackets"),
    ] {
        let problem = problem(lines);
        assert_eq!(problem.line, Some(line), "{lines}: {problem}");
        assert!(problem.message.contains(corrected), "{lines}: {problem}");
        assert!(problem.message.starts_with("agents.a."), "{lines}: {problem}");
    }
}

#[test]
fn rules_that_claude_takes_are_taken() {
    for lines in [
        "allowed_tools: [mcp__pg__*, mcp__pg, 'Bash(git log:*)', Read(//abs/**), 'WebFetch(domain:x.org)', Skill(name), Agent(name)]",
        "allowed_tools: [Bash(echo (x)), \"Bash(git log --format='%H: %s')\"]",
        "allowed_tools:\n      - Bash(git log:*) # why\n      - Bash(echo a, b)",
        "disallowed_tools: ['*', mcp__*, Bash*]",
        "allowed_tools: []",
        "x-permissions: {deny: [Bash]}",
        "timeuot: 5",
        "cost_center: 7",
        "toolchain: nix",
    ] {
        let text = format!("agents:\n  a:\n    directory: /x\n    {lines}\n");
        let config = parse(&text).unwrap();
        assert!(config.agent("a").unwrap().as_result().is_ok(), "{lines}: {:?}", config.agent("a"));
    }
}

#[test]
fn keys_that_mean_a_restriction_disable_their_agent() {
    for (lines, corrected) in [
        ("allowedTools: [Read]", "write `allowed_tools: [Read]`"),
        ("disallowedTools: Bash, Write", "write `disallowed_tools: [Bash, Write]`"),
        ("disallowed-tools: 'Bash(git log:*) Read'", "write `disallowed_tools: ['Bash(git log:*)', Read]`"),
        ("dissalowed_tools: [Bash]", "write `disallowed_tools: [Bash]`"),
        ("tools: Read, Grep", "write `allowed_tools: [Read, Grep]`"),
        ("deny: [bash]", "write disallowed_tools"),
        ("permissionMode: plan", "write `permission_mode: plan`"),
        ("mode: accept-edits", "write `permission_mode: acceptEdits`"),
        (
            "permissions: {allow: [Read], deny: [Bash], ask: [Write], defaultMode: plan}",
            "write `allowed_tools: [Read]` and `disallowed_tools: [Bash]` and `permission_mode: plan`",
        ),
        ("permissions: {deny: [Bash(a]}", "write allowed_tools, disallowed_tools or permission_mode"),
        ("dangerously_skip_permissions: true", "write permission_mode"),
        ("default_allowed_tools: [Read]", "write `allowed_tools: [Read]`"),
        ("maxBudgetUsd: 1.5", "write `max_budget_usd: 1.5`"),
        ("budget: 2", "write `max_budget_usd: 2`"),
        ("max-turns: 5", "write `max_turns: 5`"),
        ("<<: {denied_tools: [Bash]}", "write `disallowed_tools: [Bash]`"),
    ] {
        let problem = problem(lines);
        assert!(problem.message.contains(corrected) && problem.line == Some(4), "{lines}: {problem:?}");
    }
    let config = parse("groups:\n  g: {members: [{agent: a, disallowed_tools: [Bash]}]}\n").unwrap();
    let problem = config.group("g").unwrap().as_result().unwrap_err();
    assert!(problem.message.contains("it belongs to an agent as `disallowed_tools`"), "{problem}");
}

#[test]
fn settings_and_the_top_of_the_file_restrict_or_say_so() {
    for (text, line, said) in [
        (
            "settings:\n  default_disallowed_tools: [Bash(a:*, b:*)]\n",
            2,
            "default_disallowed_tools: ['Bash(a:*)', 'Bash(b:*)']",
        ),
        ("settings:\n  defaultDisallowedTools: [Bash]\n", 2, "write `default_disallowed_tools: [Bash]`"),
        ("settings:\n  permissions: {deny: [Bash]}\n", 2, "write `default_disallowed_tools: [Bash]`"),
        ("settings:\n  permission_mode: plan\n", 2, "write `default_permission_mode: plan`"),
        ("settings:\n  max_turns: 5\n", 2, "belongs to each agent"),
        ("settings:\n  default_permission_mode: off\n", 2, "a switch"),
        ("disallowed_tools: [Bash]\n", 1, "or to `settings` as `default_disallowed_tools`"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.line == Some(line) && error.to_string().contains(said), "{text}: {error}");
    }
}

#[test]
fn what_stops_the_file_for_want_of_quotes_is_shown_in_quotes() {
    for (lines, corrected) in [
        (
            "allowed_tools: [Read, Bash(git log --format='%H: %s')]",
            "line 4 is then `    allowed_tools: [Read, \"Bash(git log --format='%H: %s')\"]`",
        ),
        (
            "allowed_tools:\n      - Read\n      - Bash(git log --format='%H: %s')",
            "line 6 is then `      - \"Bash(git log --format='%H: %s')\"`",
        ),
        ("description: Infra: the servers", "line 4 is then `    description: 'Infra: the servers'`"),
        ("description: @infra agent", "line 4 is then `    description: '@infra agent'`"),
        ("description: `infra` agent", "line 4 is then ``    description: '`infra` agent'``"),
        ("description: it's: \"x\"", "line 4 is then `    description: 'it''s: \"x\"'`"),
    ] {
        let fault = fault(lines);
        assert!(fault.contains("put it in quotes") && fault.contains(corrected), "{lines}: {fault}");
    }
    assert!(fault("description: \"C:\\Users\\new\"").contains("line 4 is then `    description: 'C:\\Users\\new'`"));
    let tab = fault("allowed_tools:\n\t- Read");
    assert!(tab.contains("no tabs for indentation") && tab.contains("line 5 is then `    - Read`"), "{tab}");
    for lines in ["allowed_tools: [*]", "allowed_tools: [!Bash]"] {
        assert!(!fault(lines).contains("is then"), "no rule either: {}", fault(lines));
    }
}

#[test]
fn numbers_and_modes_say_what_was_meant() {
    for (lines, meant) in [
        ("timeout: 5m", "write `300`"),
        ("timeout: 5:00", "write `300`"),
        ("timeout: 1h30m", "write `5400`"),
        ("timeout: 90 sec", "write `90`"),
        ("max_budget_usd: $1.50", "write `1.50`"),
        ("max_budget_usd: 1,50", "write `1.50`"),
        ("max_budget_usd: 2 USD", "write `2`"),
        ("permission_mode: accept-edits", "write `acceptEdits`"),
        ("permission_mode: paln", "write `plan`"),
        ("permission_mode: off", "a switch"),
        ("permission_mode: dangerously-skip-permissions", "a switch"),
    ] {
        assert!(problem(lines).message.contains(meant), "{lines}: {}", problem(lines));
    }
}

proptest! {
    #[test]
    fn a_list_of_rules_is_read_back_as_it_was_written(
        rules in prop::collection::vec("(Read|Bash|WebFetch|mcp__pg__q)(\\([ -~]{1,16}\\))?", 0..5)
    ) {
        let rules: Vec<String> = rules.into_iter().filter(|rule| check(rule, List::Disallowed).is_ok()).collect();
        let before = "agents:\n  a:\n    directory: /x\n";
        let set = agent("a", Action::Set(vec![("disallowed_tools", Some(Node::List(rules.clone())))]));
        let after = edit(before, &set).unwrap();
        let config = parse(&after).unwrap();
        let read = config.agent("a").unwrap().as_result().map(|agent| agent.disallowed_tools.clone());
        prop_assert_eq!(read, Ok(Some(rules)), "{}", after);
    }
}
