//! The lines that problems propose: each of them, put in place, is right.
use agent_dispatch::config::model::{Config, Entry, Problem};
use proptest::prelude::*;

use super::read::parse;

/// The problems of a text, of the file as a whole or of its entries.
fn problems(text: &str) -> Vec<Problem> {
    let of = |config: Config| {
        fn invalid<T>((_, entry): &(String, Entry<T>)) -> Option<Problem> {
            entry.as_result().err().cloned()
        }
        config.agents.iter().filter_map(invalid).chain(config.groups.iter().filter_map(invalid)).collect()
    };
    let whole = |error: agent_dispatch::config::read::ConfigError| {
        vec![Problem { message: error.fault.to_string(), line: error.line, column: error.column }]
    };
    parse(text).map_or_else(whole, of)
}

/// The text with the line that the problem proposes in the place of the one that it names.
fn corrected(text: &str, problem: &Problem) -> Option<String> {
    let (_, said) = problem.message.rsplit_once("line ")?;
    let (number, quoted) = said.split_once(" is then ")?;
    assert_eq!(number.parse().ok(), problem.line, "{problem}");
    let mark = if quoted.starts_with("``") { 2 } else { 1 };
    Some(replaced(text, problem.line?, &[&quoted[mark..quoted.len() - mark]]))
}

/// The text with the lines that a problem about a key proposes; they have the indentation of the key.
fn renamed(text: &str, problem: &Problem) -> Option<String> {
    let (_, said) = problem.message.split_once("nothing reads `")?.1.split_once("; write `")?;
    let number = problem.line?;
    let line = text.lines().nth(number as usize - 1)?;
    // The value has lines of its own: which of them to replace is not said.
    if line.trim_start().starts_with('-') {
        return None;
    }
    let indentation = &line[..line.len() - line.trim_start().len()];
    let lines: Vec<String> =
        said.trim_end_matches('`').split("` and `").map(|line| format!("{indentation}{line}")).collect();
    Some(replaced(text, number, &lines.iter().map(String::as_str).collect::<Vec<_>>()))
}

fn replaced(text: &str, number: u32, new: &[&str]) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let at = number as usize - 1;
    lines.splice(at..=at, new.iter().copied());
    lines.join("\n") + "\n"
}

/// Puts in place what is proposed, and asserts that it is right; whether something was.
fn proposals_hold(text: &str) -> bool {
    let mut proposed = false;
    for problem in problems(text) {
        let last = text.trim_end().lines().count().max(1);
        assert!(problem.line.is_none_or(|line| (1..=last).contains(&(line as usize))), "{text}\n{problem}");
        let after = corrected(text, &problem).or_else(|| renamed(text, &problem));
        let Some(after) = after else { continue };
        proposed = true;
        let left = problems(&after).into_iter().find(|left| left.line == problem.line);
        assert_eq!(left, None, "\n{text}\n{problem}\n{after}");
    }
    proposed
}

/// A file with these lines in an agent, and what follows it.
fn in_agent(lines: &str) -> String {
    format!("agents:\n  a:\n    directory: /x\n    {lines}\n  other: {{directory: /y}}\n")
}

#[test]
fn what_is_proposed_is_right_when_it_is_put_in_place() {
    for (lines, corrected) in [
        ("allowed_tools:\n      - Bash(git log: *)", "      - 'Bash(git log:*)'"),
        ("allowed_tools:\n      - Bash(git log: *) # why", "      - 'Bash(git log:*)' # why"),
        ("allowed_tools:\n      - 'Bash(git log: *)'", "      - 'Bash(git log:*)'"),
        ("allowed_tools: [Read, Bash(git log: *)]", "    allowed_tools: [Read, 'Bash(git log:*)']"),
        ("allowed_tools: Bash(git log: *)", "    allowed_tools: ['Bash(git log:*)']"),
        ("disallowed_tools:\n      - WebFetch(domain: x.org)", "      - WebFetch(domain:x.org)"),
        ("disallowed_tools:\n      - bash", "      - Bash"),
        ("allowed_tools: [Read, Grep", "    allowed_tools: [Read, Grep]"),
        ("allowed_tools: [[Read]]", "    allowed_tools: [Read]"),
        ("capabilities: deploy servers, rotate keys", "    capabilities: [deploy servers, rotate keys]"),
        ("description: \"abc", "    description: 'abc'"),
        ("description: 'it's fine", "    description: \"it's fine\""),
        ("description: \"Infra\" agent", "    description: '\"Infra\" agent'"),
        ("description: [draft] Infra [x]", "    description: '[draft] Infra [x]'"),
        ("model: [sonnet]", "    model: sonnet"),
        ("model: [sonnet", "    model: sonnet"),
        ("model: [sonnet] # why", "    model: sonnet # why"),
        ("model: {name: sonnet}", "    model: sonnet"),
        ("model: {sonnet}", "    model: sonnet"),
        ("instructions: ['a: b']", "    instructions: 'a: b'"),
        ("timeout: [5]", "    timeout: 5"),
        ("max_budget_usd: [1.5]", "    max_budget_usd: 1.5"),
        ("permission_mode: [plan]", "    permission_mode: plan"),
    ] {
        let text = in_agent(lines);
        let said: Vec<Problem> = problems(&text);
        let shown = format!("is then `{corrected}`");
        assert!(said.iter().any(|problem| problem.message.ends_with(&shown)), "{lines}: {said:?}");
        assert!(proposals_hold(&text), "{lines}");
    }
    for (lines, said) in [
        ("model: [sonnet, opus]", "expected one value, not a list"),
        ("model: {a: b, c: d}", "expected one value, not a mapping"),
        ("model:\n      - sonnet", "expected one value, not a list"),
        ("timeout: [5, 6]", "expected one value, not a list"),
    ] {
        let found = problems(&in_agent(lines));
        let message = &found[0].message;
        assert!(message.contains(said) && !message.contains("is then"), "{lines}: {message}");
    }
}

#[test]
fn the_place_of_what_is_not_closed_is_where_it_opens() {
    for (text, place) in [
        ("agents:\n  a:\n    directory: /x\n    description: \"abc\n    model: m\n", (4, 18)),
        ("agents:\n  a:\n    directory: /x\n    allowed_tools: [Read\n    model: m\n", (4, 20)),
        ("agents:\n  a: {directory: /x\n  b: {directory: /y}\n", (2, 6)),
        ("agents:\n  a: {directory: /x}\nbad: [\n", (3, 6)),
        ("agents:\n  a: {directory: /x}\nbad: [", (3, 6)),
        ("agents:\n  a: {directory: '[/x'}\n# [\nbad: {\n\n\n", (4, 6)),
        ("agents:\n  a:\n    directory: /x\n    description\n    model: m\n", (4, 5)),
        ("agents:\n  a:\n    directory: /x\n    allowed_tools: [\n      Read, 'x' y,\n      Grep]\n", (5, 17)),
    ] {
        let found = parse(text).expect_err(text);
        assert_eq!((found.line, found.column), (Some(place.0), Some(place.1)), "{text}: {found}");
        assert!(found.hint().contains(&format!("line {} of", place.0)), "{text}: {}", found.hint());
        proposals_hold(text);
    }
}

#[test]
fn tabs_are_named_and_replaced() {
    for (text, line) in [
        ("agents:\n\ta:\n\t\tdirectory: /x\n", "line 2 is then `  a:`"),
        ("agents:\n  a:\n\t\tdirectory: /x\n", "line 3 is then `    directory: /x`"),
    ] {
        let said = parse(text).expect_err(text).to_string();
        assert!(said.contains("YAML takes no tabs for indentation") && said.contains(line), "{text}: {said}");
        assert!(proposals_hold(text), "{text}");
    }
}

#[test]
fn keys_are_proposed_with_a_value_that_can_be_read() {
    for lines in [
        "budget: 2",
        "budget: -1",
        "max-turns: 1.5",
        "mode: 'x: y'",
        "mode: '#1'",
        "permissions: {deny: [Bash], defaultMode: 'a: b'}",
        "deny: ['Bash(echo #x)', 'Bash(git log: *)']",
    ] {
        proposals_hold(&in_agent(lines));
    }
}

#[test]
fn a_section_under_another_name_stops_the_file() {
    let agents = "agents:\n  a: {directory: /x}\n";
    for (text, line, said) in [
        ("agent:\n  a: {directory: /x}\n".to_owned(), 1, "called `agents`; correct it: line 1 is then `agents:`"),
        (format!("{agents}setting:\n  default_max_budget_usd: 1\n"), 3, "line 3 is then `settings:`"),
        (
            format!("{agents}Settings: {{default_max_budget_usd: 1}} # why\n"),
            3,
            "`settings: {default_max_budget_usd: 1} # why`",
        ),
        (format!("{agents}group:\n  g: {{members: []}}\n"), 3, "line 3 is then `groups:`"),
        (format!("{agents}'AGENTS':\n  a: {{directory: /x}}\n"), 3, "`agents` is there too"),
        (format!("{agents}Settings: {{max_concurrency: 0}}\n"), 3, "the section is called `settings`"),
    ] {
        let error = parse(&text).expect_err(&text);
        assert!(error.line == Some(line) && error.to_string().contains(said), "{text}: {error}");
        proposals_hold(&text);
    }
    for harmless in
        ["events: {a: 1}", "agent: bob", "group: [a, b]", "setting:", "x-agents: {a: 1}", "gents: !t 5", "version: 2"]
    {
        assert!(parse(&format!("{agents}{harmless}\n")).is_ok(), "{harmless}");
    }
}

#[test]
fn the_examples_of_a_form_work_when_they_are_copied() {
    let agents = "agents:\n  infra: {directory: /x}\n";
    for (before, key) in [
        ("", "agents"),
        (agents, "groups"),
        (agents, "settings"),
        ("agents:\n", "  infra"),
        ("groups:\n", "  infra"),
        ("groups:\n  g:\n    members:\n", "      -"),
        ("groups:\n  g:\n", "    members"),
        ("settings:\n", "  cache"),
    ] {
        let colon = if key.ends_with('-') { "" } else { ":" };
        let wrong = format!("{before}{key}{colon} wrong\n");
        let said = problems(&wrong);
        let example = said[0].message.split("such as `").nth(1).and_then(|rest| rest.split('`').next());
        let right = format!("{before}{key}{colon} {}\n", example.expect(&wrong));
        assert_eq!(problems(&right), [], "{right}");
    }
    for (lines, corrected) in [
        ("settings:\n  cache: false\n", "  cache: {enabled: false}"),
        ("settings:\n  cache: off # why\n", "  cache: {enabled: off} # why"),
        ("settings:\n  cache: 300\n", "  cache: {ttl: 300}"),
        ("groups:\n  g:\n    members: [infra, db]\n", "    members: [{agent: infra}, {agent: db}]"),
        ("groups:\n  g:\n    members: infra, db\n", "    members: [{agent: infra}, {agent: db}]"),
        ("groups:\n  g:\n    members:\n      - infra\n", "      - agent: infra"),
    ] {
        let said = problems(lines);
        assert!(said[0].message.contains(&format!("is then `{corrected}`")), "{lines}: {said:?}");
        assert!(proposals_hold(lines), "{lines}");
    }
}

const KEYS: &str = "(allowed_tools|disallowed_tools|unattended_tools|capabilities|model|description|instructions|timeout|max_budget_usd|max_turns|permission_mode|directory|tools|deny|mode|budget|maxTurns|permissions)";
const VALUES: &str = "(\\[|\\{|\"|'|\\[\\[|)(Read|Bash\\(git log: \\*\\)|Bash\\(a:\\*, b:\\*\\)|a: b|a #b|plan|5m|-1|1,50|it's|`x`|@y|\\*|![ab]|[-A-Ca-c0-9 ():,*'\"#]{0,12})(, (Read|bash|x: y|mcp__a))?(\\]|\\}|\"|'|\\]\\]|)( # why)?";

proptest! {
    #[test]
    fn no_proposal_is_wrong(key in KEYS, value in VALUES, item in any::<bool>(), tail in "(model: m|description: 'x: y'|b: \\[|)") {
        let between = if item { "\n      - " } else { " " };
        proposals_hold(&in_agent(&format!("{key}:{between}{value}\n    {tail}")));
        proposals_hold(&format!("settings:\n  default_{key}:{between}{value}\n  cache: {value}\ngroups:\n  g:\n    members: {value}\n"));
        proposals_hold(&format!("groups:\n  g:\n    members:\n      - {value}\n    {tail}\n"));
    }
}
