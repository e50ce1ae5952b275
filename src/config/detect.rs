//! What a project is made of, told from the files that are there. Nothing is started and no file is read whole.
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::files::read_start;
use super::threads;

/// Time for looking at all agents of one call. A directory that takes longer is reported as unreadable.
pub const DETECTION_BUDGET: Duration = Duration::from_secs(1);
/// Largest JSON file that is looked into, in bytes.
const MAX_JSON_BYTES: usize = 1024 * 1024;
/// Most MCP servers named for one agent.
const MAX_SERVERS: usize = 50;
/// Longest name of an MCP server that is kept, in characters.
const MAX_SERVER_CHARS: usize = 100;

/// Whether an agent can be dispatched to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Health {
    /// Its directory is there.
    Healthy,
    /// Its directory is gone, or no directory.
    Missing,
    /// Its directory cannot be looked into, or did not answer in time.
    #[default]
    Unreadable,
}

impl Serialize for Health {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Healthy => out.serialize_bool(true),
            Self::Missing => out.serialize_bool(false),
            Self::Unreadable => out.serialize_str("UNREADABLE"),
        }
    }
}

/// What was found in one directory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Detection {
    /// Whether it could be looked into at all.
    pub health: Health,
    /// CLAUDE.md is there.
    pub has_claude_md: bool,
    /// README.md is there.
    pub has_readme: bool,
    /// .mcp.json is there.
    pub has_mcp_config: bool,
    /// Names of MCP servers.
    pub mcp_servers: Vec<String>,
    /// Languages and runtimes.
    pub stacks: Vec<&'static str>,
    /// Databases.
    pub dbs: Vec<&'static str>,
}

/// Files that stand for a stack, in the order of the answer.
const STACKS: &[(&str, &[&str])] = &[
    ("Docker", &["Dockerfile"]),
    ("Docker Compose", &["docker-compose.yaml", "docker-compose.yml", "compose.yaml", "compose.yml"]),
    ("Rust", &["Cargo.toml"]),
    ("Go", &["go.mod"]),
    ("Python", &["requirements.txt", "pyproject.toml"]),
    ("Node.js", &["package.json"]),
];

/// Directories and files that stand for a database, in the order of the answer.
const DBS: &[(&str, &str, Option<&str>)] = &[
    ("Prisma", "prisma", Some("schema.prisma")),
    ("Alembic", "alembic", Some("alembic.ini")),
    ("migrations", "migrations", None),
];

/// Looks at all directories, each in its place of the answer.
pub fn detect_all(directories: &[PathBuf], budget: Duration) -> Vec<Detection> {
    let found = threads::each(directories.to_vec(), budget, detect);
    found.into_iter().map(Option::unwrap_or_default).collect()
}

/// Looks at one directory. May hang with the file system; see [`detect_all`].
pub fn detect(directory: &Path) -> Detection {
    let health = health(directory);
    if health != Health::Healthy {
        return Detection { health, ..Detection::default() };
    }
    let exists = |name: &str| directory.join(name).exists();
    let is_dir = |name: &str| directory.join(name).is_dir();
    let has_mcp_config = exists(".mcp.json");
    Detection {
        health,
        has_claude_md: exists("CLAUDE.md"),
        has_readme: exists("README.md"),
        has_mcp_config,
        mcp_servers: mcp_servers(directory),
        stacks: STACKS
            .iter()
            .filter(|(_, files)| files.iter().any(|name| exists(name)))
            .map(|(name, _)| *name)
            .collect(),
        dbs: DBS
            .iter()
            .filter(|(_, folder, file)| is_dir(folder) || file.is_some_and(exists))
            .map(|(name, ..)| *name)
            .collect(),
    }
}

/// Whether the directory can be looked into.
fn health(directory: &Path) -> Health {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    // A name below it can only be looked up with the right to search it.
    match std::fs::metadata(directory.join(".")) {
        Ok(metadata) if metadata.is_dir() => Health::Healthy,
        Ok(_) => Health::Missing,
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Health::Missing,
        Err(_) => Health::Unreadable,
    }
}

/// The names of the MCP servers that claude finds in this project.
fn mcp_servers(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for file in [".mcp.json", ".claude/settings.local.json"] {
        let Some((text, false)) = read_start(&directory.join(file), MAX_JSON_BYTES) else { continue };
        let Ok(json) = serde_json::from_str::<serde_json::Value>(text.trim_start_matches('\u{feff}')) else { continue };
        let Some(servers) = json.get("mcpServers").and_then(serde_json::Value::as_object) else { continue };
        for name in servers.keys() {
            let name: String = name.chars().take(MAX_SERVER_CHARS).collect();
            if names.len() < MAX_SERVERS && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// The first lines of a file, for someone who wants to know what the project is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The lines, joined by line breaks.
    pub text: String,
    /// Whether the file goes on.
    pub truncated: bool,
}

/// Room for one line of a preview, in bytes, on average over the preview.
const PREVIEW_LINE_BYTES: usize = 200;

/// The first `lines` lines of a file; `None` when there is no such file.
pub fn preview(file: &Path, lines: usize) -> Option<Preview> {
    let (text, more) = read_start(file, lines * PREVIEW_LINE_BYTES)?;
    // A cut in the middle of a letter leaves a replacement character behind.
    let text = if more { text.trim_end_matches('\u{fffd}') } else { &text };
    let kept: Vec<&str> = text.lines().take(lines).collect();
    let truncated = more || text.lines().nth(lines).is_some();
    Some(Preview { text: kept.join("\n"), truncated })
}

/// What [`inspect`] finds.
#[derive(Debug, Clone, Default)]
pub struct Inspection {
    /// What the project is made of.
    pub detection: Detection,
    /// The start of CLAUDE.md.
    pub claude_md: Option<Preview>,
    /// The start of README.md.
    pub readme: Option<Preview>,
}

/// Looks at one directory and the start of its texts, within the time.
pub fn inspect(directory: &Path, lines: usize, budget: Duration) -> Inspection {
    let look = move |directory: &Path| {
        let detection = detect(directory);
        let text = |name: &str| if lines > 0 { preview(&directory.join(name), lines) } else { None };
        let healthy = detection.health == Health::Healthy;
        let (claude_md, readme) = if healthy { (text("CLAUDE.md"), text("README.md")) } else { (None, None) };
        Inspection { detection, claude_md, readme }
    };
    threads::each(vec![directory.to_path_buf()], budget, look).pop().flatten().unwrap_or_default()
}
