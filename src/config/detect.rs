//! What a project is made of, told from the files that are there. Nothing is started and no file is read whole.
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::FileType;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::claude_settings::Places;
use super::{mcp_file, threads};
use crate::fs::open::read_start;
use crate::machines::mcp_servers::FileStamp;
use crate::machines::mode::ModeSource;

/// Time for looking at all agents of one call: a caller waits for the answer. A directory that takes longer is reported
/// as unreadable.
pub const DETECTION_BUDGET: Duration = Duration::from_secs(1);
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
    /// How .mcp.json looks from outside.
    pub mcp_file: Option<FileStamp>,
    /// What is wrong with .mcp.json, so that claude passes over it.
    pub mcp_config_error: Option<String>,
    /// Names of MCP servers.
    pub mcp_servers: Vec<String>,
    /// Languages and runtimes.
    pub stacks: Vec<&'static str>,
    /// The databases that it uses.
    pub dbs: Vec<&'static str>,
}

/// Files that stand for a stack, in the order of the answer; a name that begins with `.` is the ending of one.
const STACKS: &[(&str, &[&str])] = &[
    ("Docker", &["Dockerfile"]),
    ("Docker Compose", &["docker-compose.yaml", "docker-compose.yml", "compose.yaml", "compose.yml"]),
    ("Rust", &["Cargo.toml"]),
    ("Go", &["go.mod"]),
    ("Python", &["requirements.txt", "pyproject.toml", "setup.py", "setup.cfg", "uv.lock", "Pipfile"]),
    ("Node.js", &["package.json"]),
    ("Deno", &["deno.json", "deno.jsonc"]),
    ("Maven", &["pom.xml"]),
    ("Gradle", &["build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"]),
    ("Ruby", &["Gemfile", ".gemspec"]),
    ("PHP", &["composer.json"]),
    (".NET", &["global.json", ".csproj", ".fsproj", ".vbproj", ".sln", ".slnx"]),
];

/// Folders and files that stand for a database, in the order of the answer.
const DBS: &[(&str, &[&str], &[&str])] = &[
    ("Prisma", &["prisma"], &["schema.prisma"]),
    ("Alembic", &["alembic"], &["alembic.ini"]),
    ("Drizzle", &["drizzle"], &["drizzle.config.ts", "drizzle.config.js"]),
    ("Flyway", &["src/main/resources/db/migration"], &["flyway.conf", "flyway.toml"]),
    ("Liquibase", &["src/main/resources/db/changelog"], &["liquibase.properties"]),
    ("migrations", &["migrations", "Migrations", "db/migrate", "database/migrations"], &[]),
];

/// Folders that hold what others made, not a project.
const NO_PROJECTS: [&str; 9] =
    ["node_modules", "vendor", "target", "dist", "build", "out", "venv", "third_party", "__pycache__"];
/// Most folders that are looked into for projects, by name: as many listings as that for an agent that has none at its top.
const MAX_FOLDERS: usize = 24;

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
    let names = Names::of(directory);
    let (mut stacks, mut dbs) = (stacks_in(&names), dbs_in(&names));
    if stacks.is_empty() {
        let folders = names.folders().into_iter().map(|folder| directory.join(folder)).collect::<Vec<_>>();
        let below = folders.iter().map(|folder| Names::of(folder)).collect::<Vec<_>>();
        let found = below.iter().flat_map(stacks_in).collect::<Vec<_>>();
        stacks = STACKS.iter().map(|(name, _)| *name).filter(|name| found.contains(name)).collect();
        let found = below.iter().flat_map(dbs_in).chain(dbs).collect::<Vec<_>>();
        dbs = DBS.iter().map(|(name, ..)| *name).filter(|name| found.contains(name)).collect();
    }
    let has_mcp_config = names.has(mcp_file::FILE);
    Detection {
        health,
        has_claude_md: names.has("CLAUDE.md"),
        has_readme: names.has("README.md"),
        has_mcp_config,
        mcp_file: if has_mcp_config { mcp_file::stamp(directory) } else { None },
        mcp_config_error: if has_mcp_config { mcp_file::error(directory) } else { None },
        mcp_servers: mcp_servers(directory, &names),
        stacks,
        dbs,
    }
}

fn stacks_in(names: &Names<'_>) -> Vec<&'static str> {
    let is_there = |file: &&str| {
        if file.starts_with('.') { names.has_ending(file) } else { names.has(file) }
    };
    STACKS.iter().filter(|(_, files)| files.iter().any(is_there)).map(|(name, _)| *name).collect()
}

fn dbs_in(names: &Names<'_>) -> Vec<&'static str> {
    let is_there = |folders: &[&str], files: &[&str]| {
        folders.iter().any(|folder| names.has_folder(folder)) || files.iter().any(|file| names.has(file))
    };
    DBS.iter().filter(|(_, folders, files)| is_there(folders, files)).map(|(name, ..)| *name).collect()
}

/// Most entries of a directory that are listed. Listing a usual project is three times as fast as asking for each
/// name; listing one with a million files is not.
const MAX_LISTED: usize = 1000;

/// The names in a directory, or, where there are too many to list, the directory to ask.
struct Names<'a> {
    directory: &'a Path,
    listed: Option<HashMap<OsString, FileType>>,
}

impl<'a> Names<'a> {
    fn of(directory: &'a Path) -> Self {
        let list = || {
            let mut names = HashMap::new();
            for entry in std::fs::read_dir(directory)? {
                let entry = entry?;
                names.insert(entry.file_name(), entry.file_type()?);
                if names.len() > MAX_LISTED {
                    return Err(std::io::ErrorKind::FileTooLarge.into());
                }
            }
            Ok::<_, std::io::Error>(names)
        };
        Self { directory, listed: list().ok() }
    }

    fn has(&self, name: &str) -> bool {
        self.is_there(name, |_| true, Path::exists)
    }

    fn is_there(&self, name: &str, listed: fn(&FileType) -> bool, asked: fn(&Path) -> bool) -> bool {
        match self.listed.as_ref().map(|names| names.get(OsStr::new(name))) {
            Some(None) => false,
            Some(Some(kind)) if !kind.is_symlink() => listed(kind),
            // A link counts when what it leads to is there.
            _ => asked(&self.directory.join(name)),
        }
    }

    /// Whether a file has a name with that ending. Not told of a directory that is too crowded to list.
    fn has_ending(&self, ending: &str) -> bool {
        let Some(names) = &self.listed else { return false };
        names.keys().any(|name| name.to_str().is_some_and(|name| name.len() > ending.len() && name.ends_with(ending)))
    }

    /// The folders in which projects may be, by name.
    fn folders(&self) -> Vec<&OsStr> {
        let names = self.listed.iter().flatten().filter(|(_, kind)| kind.is_dir()).map(|(name, _)| name.as_os_str());
        let is_own =
            |name: &&OsStr| name.to_str().is_some_and(|name| !name.starts_with('.') && !NO_PROJECTS.contains(&name));
        let mut names = names.filter(is_own).collect::<Vec<_>>();
        names.sort_unstable();
        names.truncate(MAX_FOLDERS);
        names
    }

    fn has_folder(&self, name: &str) -> bool {
        // Of a path only the first part is in the list.
        if let Some((first, _)) = name.split_once('/') {
            return self.has_folder(first) && self.directory.join(name).is_dir();
        }
        self.is_there(name, FileType::is_dir, Path::is_dir)
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
fn mcp_servers(directory: &Path, there: &Names<'_>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (first, file) in [(mcp_file::FILE, mcp_file::FILE), (".claude", ".claude/settings.local.json")] {
        let servers = if there.has(first) { mcp_file::servers_in(&directory.join(file)) } else { None };
        for name in servers.iter().filter_map(serde_json::Value::as_object).flat_map(serde_json::Map::keys) {
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
    /// The permission mode that claude's settings say there.
    pub mode: Option<(ModeSource, String)>,
}

/// Looks at one directory and the start of its texts, within the time. `user` is the directory of the user's claude
/// configuration.
pub fn inspect(directory: &Path, lines: usize, user: Option<PathBuf>, budget: Duration) -> Inspection {
    let look = move |directory: &Path| {
        let detection = detect(directory);
        let text = |name: &str| if lines > 0 { preview(&directory.join(name), lines) } else { None };
        let healthy = detection.health == Health::Healthy;
        let (claude_md, readme) = if healthy { (text("CLAUDE.md"), text("README.md")) } else { (None, None) };
        let mode = Places::of_machine(user.as_deref()).mode(directory);
        Inspection { detection, claude_md, readme, mode }
    };
    threads::each(vec![directory.to_path_buf()], budget, look).pop().flatten().unwrap_or_default()
}
