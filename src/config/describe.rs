//! A description for an agent whose user gave none: what its project says of itself, in whole sentences.
//!
//! Sources, the first that says something counts: the file that is written for agents, the package's metadata, the README.
//! What MCP servers, stacks and databases were found stands behind it.

mod manifest;
mod prose;

use std::path::{Component, Path, PathBuf};

use super::detect::detect;
use crate::fs::open::read_start;
use prose::Source;

/// How much of a text file is looked at, in bytes: what a project is stands at the top.
const MAX_TEXT_BYTES: usize = 64 * 1024;
/// Longest description, in characters: every session pays for it in `list_agents`.
pub const MAX_DESCRIPTION_CHARS: usize = 300;
/// Room that what was found leaves for what the project says, in characters: a sentence.
const MIN_PROSE_CHARS: usize = 150;
/// Files that are written for agents. `.claude/CLAUDE.md` is Claude Code's other place for the first one.
const FOR_AGENTS: [&str; 3] = ["CLAUDE.md", ".claude/CLAUDE.md", "AGENTS.md"];
/// READMEs in the spellings and formats that are common.
const READMES: [&str; 11] = [
    "README.md",
    "readme.md",
    "Readme.md",
    "README.markdown",
    "README.rst",
    "README.adoc",
    "README.org",
    "README.txt",
    "README",
    "docs/README.md",
    ".github/README.md",
];
/// Between the parts of a description.
const SEPARATOR: &str = " | ";

/// The description, on one line, at most [`MAX_DESCRIPTION_CHARS`] characters. Reads files only; may hang with the file
/// system they are on.
pub fn description(directory: &Path) -> String {
    let found = detect(directory);
    let listed = |label: &str, names: &[&str]| (!names.is_empty()).then(|| format!("{label}: {}", names.join(", ")));
    let servers = found.mcp_servers.iter().map(String::as_str).collect::<Vec<_>>();
    let facts = [listed("MCP", &servers), listed("Stack", &found.stacks), listed("DB", &found.dbs)];
    let facts = facts.into_iter().flatten().collect::<Vec<_>>().join(SEPARATOR);
    let says = says_of_itself(directory);
    let most = MAX_DESCRIPTION_CHARS - MIN_PROSE_CHARS * usize::from(says.is_some()) - SEPARATOR.len();
    let facts = prose::words_within(&facts, most);
    let room = MAX_DESCRIPTION_CHARS - facts.chars().count() - SEPARATOR.len() * usize::from(!facts.is_empty());
    let parts = [says.map(|text| prose::sentences_within(&text, room)), Some(facts)];
    let parts = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>();
    if !parts.is_empty() {
        return parts.join(SEPARATOR);
    }
    let name = directory.file_name().map_or_else(|| "/".into(), |name| name.to_string_lossy());
    prose::words_within(&format!("Agent in {name}"), MAX_DESCRIPTION_CHARS)
}

/// What the project says of itself, on one line.
fn says_of_itself(directory: &Path) -> Option<String> {
    let for_agents = || FOR_AGENTS.iter().find_map(|name| from_agent_file(directory, Path::new(name)));
    let readme = || {
        READMES.iter().find_map(|name| {
            let text = read(directory, Path::new(name))?;
            prose::describing(&text, Path::new(name), Source::Readme)
        })
    };
    let is_more_than_the_name = |text: &String| {
        let name = directory.file_name().map(|name| letters(&name.to_string_lossy())).unwrap_or_default();
        !name.contains(&letters(text))
    };
    for_agents().or_else(|| manifest::description(directory).filter(is_more_than_the_name)).or_else(readme)
}

/// A text without what spellings of a name differ in.
fn letters(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn read(directory: &Path, name: &Path) -> Option<String> {
    read_start(&directory.join(name), MAX_TEXT_BYTES).map(|(text, _)| text)
}

/// What a file for agents says, or else the file that it imports. A file that holds nothing but another one's name is a
/// link that was checked out as text.
fn from_agent_file(directory: &Path, name: &Path) -> Option<String> {
    let text = read(directory, name)?;
    let text = text.trim_start_matches('\u{feff}');
    prose::describing(text, name, Source::ForAgents).or_else(|| {
        imports(text).into_iter().find_map(|import| {
            let path = inside(name.parent().unwrap_or_else(|| Path::new("")), import)?;
            let imported = read(directory, &path).filter(|_| path != name)?;
            prose::describing(&imported, &path, Source::ForAgents)
        })
    })
}

/// Most imports that are followed, each once: what a project is stands in one of the first.
const MAX_IMPORTS: usize = 3;

/// The files that a text imports: words `@path` as Claude Code has them, or the text itself where it is one path.
fn imports(text: &str) -> Vec<&str> {
    let whole = text.trim();
    if !whole.contains(char::is_whitespace) && whole.ends_with(".md") {
        return vec![whole.trim_start_matches('@')];
    }
    let lines = text.lines().map(str::trim).filter_map(|line| line.strip_prefix('@'));
    lines.filter(|path| !path.contains(char::is_whitespace)).take(MAX_IMPORTS).collect()
}

/// A relative path that stays inside the directory by its own words; links in it are not followed by this.
fn inside(base: &Path, import: &str) -> Option<PathBuf> {
    let path = base.join(import);
    let stays = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    stays.then_some(path)
}
