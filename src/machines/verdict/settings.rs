//! Rules of claude's settings that deny a tool whatever an agent is allowed. Nobody answers an `ask` of an unattended run, and
//! the CLI (2.1.332) puts `ask` and `deny` before `--allowedTools` and before bypassPermissions.

use serde_json::Value;

/// Most rules of a file that are looked at.
const MAX_RULES: usize = 1_000;
/// Most rules that a message names, and most characters of each.
const MAX_TOLD: usize = 3;
const MAX_RULE_CHARS: usize = 120;

/// A settings file that counts for a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsFile {
    /// Path of the file.
    pub path: String,
    /// What it holds, bounded by whoever read it. A file that is no JSON counts for nothing, to the CLI as well.
    pub text: String,
}

/// A rule that stands against a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Against {
    /// `ask` or `deny`.
    kind: &'static str,
    rule: String,
    path: String,
}

/// The rules of the files that stand against one of the tools, in the order in which they are told.
pub(super) fn against(files: &[SettingsFile], tools: &[String]) -> Vec<Against> {
    let mut found = Vec::new();
    for file in files {
        let Some(settings) = parsed(file) else { continue };
        for kind in ["deny", "ask"] {
            let rules = settings.pointer(&format!("/permissions/{kind}")).and_then(Value::as_array);
            for rule in rules.into_iter().flatten().take(MAX_RULES).filter_map(Value::as_str) {
                if tools.iter().any(|tool| concerns(rule, tool)) {
                    found.push(Against { kind, rule: rule.to_owned(), path: file.path.clone() });
                }
            }
        }
    }
    found
}

/// The files whose hooks may decide over tools.
pub(super) fn with_tool_hooks(files: &[SettingsFile]) -> Vec<&str> {
    let has_hooks = |file: &&SettingsFile| {
        let hooks = parsed(file).and_then(|settings| {
            let hooks = settings.pointer("/hooks/PreToolUse").and_then(Value::as_array)?;
            Some(!hooks.is_empty())
        });
        hooks == Some(true)
    };
    files.iter().filter(has_hooks).map(|file| file.path.as_str()).collect()
}

/// Rules in words: "the `ask` rule \"Bash(git push:*)\" in \"/srv/x/.claude/settings.json\"".
pub(super) fn named(rules: &[Against]) -> String {
    use super::super::text::{first_chars, listed, quoted};
    let word = |against: &Against| {
        let rule = quoted(first_chars(&against.rule, MAX_RULE_CHARS));
        format!("the `{}` rule {rule} in {}", against.kind, quoted(&against.path))
    };
    listed(rules.iter().map(word), MAX_TOLD)
}

/// Why these rules deny what an agent is allowed, for each kind of rule.
pub(super) fn reasons(rules: &[Against]) -> String {
    let of_kind = |kind: &str| rules.iter().filter(|rule| rule.kind == kind).cloned().collect::<Vec<_>>();
    let why = |(kind, why): (&str, &str)| {
        let rules = of_kind(kind);
        (!rules.is_empty()).then(|| format!("{} denies it, because {why}", named(&rules)))
    };
    let whys = [
        ("deny", "a deny rule outranks every list of allowed tools and every permission mode"),
        ("ask", "nobody answers questions of such a run"),
    ];
    let told = whys.into_iter().filter_map(why).collect::<Vec<_>>().join("; ");
    format!("{told}; change it there")
}

/// Whether a rule is about a tool. A rule about edits is about all tools that edit, one about an MCP server about all of its
/// tools.
pub(super) fn concerns(rule: &str, tool: &str) -> bool {
    const EDITING: [&str; 3] = ["Write", "MultiEdit", "NotebookEdit"];
    const READING: [&str; 2] = ["Glob", "Grep"];
    let about = rule.split_once('(').map_or(rule, |(about, _)| about).trim();
    let server = about.strip_suffix("__*").unwrap_or(about);
    about == tool
        || (about == "Edit" && EDITING.contains(&tool))
        || (about == "Read" && READING.contains(&tool))
        || (server.starts_with("mcp__") && tool.strip_prefix(server).is_some_and(|rest| rest.starts_with("__")))
}

fn parsed(file: &SettingsFile) -> Option<Value> {
    serde_json::from_str(file.text.trim_start_matches('\u{feff}')).ok()
}
