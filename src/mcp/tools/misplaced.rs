//! Where the thing belongs that a call gave under a name that its tool does not know.

use serde_json::Value;

use super::agents::UPDATE;
use super::{ROWS, ToolRow};
use crate::config::name::{echoed, nearest};
use crate::machines::misnamed::{Meant, letters, meant};
use crate::machines::text;
use crate::mcp::arguments::ArgumentError;
use crate::mcp::reply::CallError;
use crate::mcp::table::Parameter;

/// How many unknown parameters are explained: each costs its caller a sentence to read.
const MAX_EXPLAINED: usize = 3;
/// How much of a value is repeated in the call that takes it, in characters.
const VALUE_CHARS: usize = 60;
/// Shortest part of a name that tells what is meant, in characters: shorter ones are parts of too many names.
const MIN_PART_CHARS: usize = 4;

/// Where a parameter is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Home {
    /// In the same tool, under this name.
    Here(&'static str),
    /// In an agent's configuration, under this name.
    Agent(&'static str),
    /// In another tool, under this name.
    Tool(&'static str, &'static str),
}

/// The answer to arguments that cannot be read; `tool` is the row whose parameters they were to be.
pub fn call_error(error: &ArgumentError, tool: &ToolRow) -> CallError {
    let call_error = CallError::new(error.to_string());
    let ArgumentError::Unknown { given, agent, .. } = error else { return call_error };
    let explained = given.iter().take(MAX_EXPLAINED);
    let explained = explained.map(|(name, value)| explain(name, value, tool, agent.as_deref())).collect::<Vec<_>>();
    call_error.with_hint(explained.join("; "))
}

fn explain(name: &str, value: &Value, tool: &ToolRow, agent: Option<&str>) -> String {
    let shown = echoed(name);
    match home(name, tool) {
        _ if tool.parameters.is_empty() => format!("{} takes no parameters", tool.name),
        Some(Home::Here(known)) => format!("'{shown}' is called {known} here"),
        Some(Home::Agent(known)) => {
            let value = value.to_string();
            let value = if value.chars().count() > VALUE_CHARS { "…" } else { &value };
            let agent = text::quoted(agent.unwrap_or("NAME"));
            format!("'{shown}' belongs to the agent: {}(name={agent}, {known}={value}), for all its runs", UPDATE.name)
        }
        Some(Home::Tool(other, known)) => format!("'{shown}': {known} is a parameter of {other}"),
        None => {
            let names = tool.parameters.iter().map(|parameter| parameter.name).collect::<Vec<_>>().join(", ");
            format!("{} takes {names}", tool.name)
        }
    }
}

/// Which of some parameters a name may mean.
type Rule = fn(&str, &'static [Parameter]) -> Option<&'static str>;

/// The likeliest place: the same name in another spelling before another word for it before a part of a name, the tool itself
/// before the agent before other tools, and what only looks alike last.
fn home(name: &str, tool: &ToolRow) -> Option<Home> {
    let own = |rule: Rule| rule(name, tool.parameters).map(Home::Here);
    let agent = |rule: Rule| {
        let known = rule(name, UPDATE.parameters)?;
        // The agent that `name` names is not one of its settings, and what reaches past a run no hint advises to grant.
        (!["name", "unattended_tools"].contains(&known) && tool.name != UPDATE.name).then_some(Home::Agent(known))
    };
    let others = |rule: Rule| {
        let mut others = ROWS.iter().filter(|row| row.name != tool.name);
        others.find_map(|row| rule(name, row.parameters).map(|known| Home::Tool(row.name, known)))
    };
    own(spelt)
        .or_else(|| own(synonym))
        .or_else(|| own(part))
        .or_else(|| agent(spelt))
        .or_else(|| agent(synonym))
        .or_else(|| own(word))
        .or_else(|| others(spelt))
        .or_else(|| own(alike))
        .or_else(|| agent(part))
        .or_else(|| agent(alike))
        .or_else(|| others(part))
}

/// The parameter of the same name in another spelling, such as `timeoutSeconds`.
fn spelt(name: &str, parameters: &'static [Parameter]) -> Option<&'static str> {
    let name = letters(name);
    find(parameters, |known| letters(known) == name)
}

/// The parameter of another word for the same restriction, such as `blocked_tools`, which looks most like `allowed_tools`. What
/// grants has no synonyms: no hint leads to a grant that nobody named.
fn synonym(name: &str, parameters: &'static [Parameter]) -> Option<&'static str> {
    let meant = meant(name).filter(|meant| matches!(meant, Meant::Disallowed | Meant::Budget | Meant::Turns))?;
    find(parameters, |known| known == meant.key())
}

/// What tools call by different names, depending on what they are about. The words of one line stand for each other.
const WORDS: &[&[&str]] = &[
    &["name", "agent", "agent_name", "agent_id"],
    &["name", "group", "group_name", "group_id"],
    &["task", "topic", "prompt", "message", "question", "query"],
    &["job_id", "ref", "job", "id"],
    &["directory", "path", "cwd", "folder", "project"],
    &["dispatches", "items", "requests", "tasks"],
];

/// The parameter that takes what this name takes in another tool: `inspect_agent` calls `name` what `dispatch` calls `agent`.
fn word(name: &str, parameters: &'static [Parameter]) -> Option<&'static str> {
    let name = letters(name);
    let lines = WORDS.iter().filter(|words| words.iter().any(|word| letters(word) == name));
    lines.flat_map(|words| words.iter()).find_map(|word| find(parameters, |known| known == *word))
}

/// The parameter whose name holds this one, or the other way round, such as `timeout`.
fn part(name: &str, parameters: &'static [Parameter]) -> Option<&'static str> {
    let name = letters(name);
    let is_part = |part: &str, whole: &str| part.len() >= MIN_PART_CHARS && whole.contains(part);
    find(parameters, |known| {
        let known = letters(known);
        is_part(&name, &known) || is_part(&known, &name)
    })
}

/// The parameter whose name is a slip of the pen away.
fn alike(name: &str, parameters: &'static [Parameter]) -> Option<&'static str> {
    nearest(name, parameters.iter().map(|parameter| parameter.name))
}

fn find(parameters: &'static [Parameter], is_meant: impl Fn(&str) -> bool) -> Option<&'static str> {
    parameters.iter().map(|parameter| parameter.name).find(|known| is_meant(known))
}
