//! A description for an agent whose user gave none, told from the files of its project.
use std::path::Path;

use super::detect::detect;
use super::files::read_start;

/// How much of a text file is looked at, in bytes: what a project is stands at the top.
const MAX_TEXT_BYTES: usize = 64 * 1024;
/// Largest package.json that is read, in bytes; JSON cannot be understood in part.
const MAX_JSON_BYTES: usize = 1024 * 1024;
/// Longest part of the description, in characters: every session pays for it in `list_agents`.
const MAX_PART_CHARS: usize = 300;
/// Lines of CLAUDE.md that make a description.
const CLAUDE_MD_LINES: usize = 2;
/// A line of README.md that is not longer than this is a title or a slogan, in characters.
const MIN_README_CHARS: usize = 20;

/// The description. Reads files only; may hang with the file system they are on.
pub fn description(directory: &Path) -> String {
    let found = detect(directory);
    let read = |name: &str| read_start(&directory.join(name), MAX_TEXT_BYTES).map(|(text, _)| text);
    let listed = |label: &str, names: &[String]| (!names.is_empty()).then(|| format!("{label}: {}", names.join(", ")));
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let parts: Vec<String> = [
        read("CLAUDE.md").and_then(|text| from_claude_md(&text)).or_else(|| from_readme(&read("README.md")?)),
        read("pyproject.toml").and_then(|text| from_pyproject(&text)),
        from_package_json(directory),
        listed("MCP", &found.mcp_servers),
        listed("Stack", &owned(&found.stacks)),
        listed("DB", &owned(&found.dbs)),
    ]
    .into_iter()
    .flatten()
    .map(|part| shortened(&part))
    .collect();
    if !parts.is_empty() {
        return parts.join(" | ");
    }
    let name = directory.file_name().map_or_else(|| "/".into(), |name| name.to_string_lossy());
    format!("Agent in {name}")
}

/// On one line, without control characters, cut to the length that is kept.
fn shortened(text: &str) -> String {
    let line = text.split(|letter: char| letter.is_whitespace() || letter.is_control());
    let line = line.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_PART_CHARS) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

/// Whether a line is only there for its looks: a heading, a rule, a fence, a comment.
fn is_decoration(line: &str) -> bool {
    let rule = line.len() >= 3 && line.chars().all(|letter| "-=*_ ".contains(letter));
    rule || line.starts_with(['#', '<']) || line.starts_with("--") || line.starts_with("```") || line.starts_with("~~~")
}

fn from_claude_md(text: &str) -> Option<String> {
    let meaningful = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    let lines: Vec<&str> =
        meaningful.filter(|line| !line.is_empty() && !is_decoration(line)).take(CLAUDE_MD_LINES).collect();
    (!lines.is_empty()).then(|| lines.join(" "))
}

fn from_readme(text: &str) -> Option<String> {
    let mut lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    let says_something =
        |line: &&str| line.chars().count() > MIN_README_CHARS && !is_decoration(line) && !line.starts_with(['[', '!']);
    lines.find(says_something).map(str::to_owned)
}

/// The `description` of `[project]` or `[tool.poetry]`, where it stands on one line.
fn from_pyproject(text: &str) -> Option<String> {
    let mut in_project = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            in_project = matches!(line, "[project]" | "[tool.poetry]");
        } else if in_project
            && let Some((key, value)) = line.split_once('=')
            && key.trim() == "description"
        {
            return toml_text(value.trim());
        }
    }
    None
}

/// The text between TOML quotes.
fn toml_text(value: &str) -> Option<String> {
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let mut text = String::new();
    let mut escaped = false;
    for letter in value.chars().skip(1) {
        match letter {
            '\\' if quote == '"' && !escaped => escaped = true,
            letter if letter == quote && !escaped => break,
            letter => {
                escaped = false;
                text.push(letter);
            }
        }
    }
    (!text.trim().is_empty()).then_some(text)
}

fn from_package_json(directory: &Path) -> Option<String> {
    let (text, false) = read_start(&directory.join("package.json"), MAX_JSON_BYTES)? else { return None };
    let json: serde_json::Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
    let description = json.get("description")?.as_str()?.trim();
    (!description.is_empty()).then(|| description.to_owned())
}
