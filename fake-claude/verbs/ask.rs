//! `ask`: a tool call that the permission mode and the allowed tools decide (CLI contract, chapter 7).

use serde_json::Value;

use crate::stream::Stream;

/// Tools that only read, which no mode asks about.
const READERS: &[&str] = &["Glob", "Grep", "Read", "Skill", "Task", "TodoWrite"];
/// Commands that change files, which `acceptEdits` lets pass in the working directory.
const FILE_COMMANDS: &[&str] = &["touch", "mkdir", "rm", "rmdir", "mv", "cp", "sed"];
/// Commands that only read, which no mode asks about.
const READING_COMMANDS: &[&str] = &["ls", "cat", "pwd", "echo", "head", "tail", "wc", "which", "grep", "find"];

/// May the call pass?
pub fn passes(stream: &Stream, name: &str, input: &Value) -> bool {
    let command = input["command"].as_str().unwrap_or_default();
    if name == "Bash" && command.split_whitespace().any(|w| w == "&") && !command.starts_with("nohup ") {
        // The background operator is refused even where Bash is allowed.
        return stream.mode == "bypassPermissions";
    }
    let first = command.split_whitespace().next().unwrap_or_default();
    let inside = input["file_path"]
        .as_str()
        .is_none_or(|p| !p.starts_with('/') || std::path::Path::new(p).starts_with(&stream.cwd));
    match stream.mode.as_str() {
        "bypassPermissions" | "auto" => return true,
        "acceptEdits" if matches!(name, "Write" | "Edit") && inside => return true,
        "acceptEdits" if name == "Bash" && FILE_COMMANDS.contains(&first) => return true,
        "plan" if matches!(name, "Write" | "Edit") => return false,
        _ => {}
    }
    let reads = (READERS.contains(&name) && inside) || (name == "Bash" && READING_COMMANDS.contains(&first));
    reads || stream.allowed.iter().any(|rule| covers(rule, name, command))
}

/// `Bash`, `Bash(git *)`, `mcp__t`, `mcp__t__*`, `mcp__t__x`; `mcp__*` covers nothing (chapter 14.6).
fn covers(rule: &str, name: &str, command: &str) -> bool {
    if let Some((tool, pattern)) = rule.strip_suffix(')').and_then(|r| r.split_once('(')) {
        let prefix = pattern.trim_end_matches('*').trim_end_matches([':', ' ']);
        return tool == name && command.starts_with(prefix);
    }
    let server = rule.strip_suffix("__*").unwrap_or(rule);
    rule == name || (server != "mcp" && server.starts_with("mcp__") && name.starts_with(&format!("{server}__")))
}

/// Splits `--allowedTools` values: commas and blanks separate rules, except inside parentheses.
pub fn rules(values: &[&str]) -> Vec<String> {
    let mut rules = Vec::new();
    for value in values {
        let (mut rule, mut depth) = (String::new(), 0_u32);
        for c in value.chars() {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 && matches!(c, ',' | ' ') {
                rules.push(std::mem::take(&mut rule));
            } else {
                rule.push(c);
            }
        }
        rules.push(rule);
    }
    rules.retain(|r| !r.is_empty());
    rules
}
