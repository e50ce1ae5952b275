//! What Claude Code knows of us, and the path that it should know.

pub mod installation;
pub mod marketplace;
pub mod plugin;
pub mod scopes;
pub mod server_environment;
pub mod soundness;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::config::claude_settings::named_directory;
use crate::config::path::Environment;
use crate::fs::open::{self, OpenError};
use crate::machines::registration::Scope;
pub use crate::machines::text::shell_word as quoted;
use crate::os::program;

/// Our name among the MCP servers of Claude Code.
pub const SERVER_NAME: &str = "agent-dispatch";
/// Most that is read of Claude Code's file, in bytes. It holds histories and grows to some MB.
const MAX_FILE_BYTES: usize = 64 * 1024 * 1024;

/// An MCP server as Claude Code has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerEntry {
    /// The program that is started.
    pub command: String,
    /// The arguments of the program.
    pub arguments: Vec<String>,
    /// Variables that Claude Code sets for it, as they are written.
    pub environment: BTreeMap<String, String>,
    /// What else it says, such as `timeout`.
    others: Map<String, Value>,
}

/// Why Claude Code's file cannot be used.
#[derive(Debug, Error)]
pub enum FileError {
    /// It is there and cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The path of the file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no JSON object.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The path of the file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
}

/// Where Claude Code keeps what is the user's; `None` without a home.
fn configuration_directory(environment: &Environment) -> Option<PathBuf> {
    named_directory().or_else(|| Some(environment.home.as_ref()?.join(".claude")))
}

/// The file in which Claude Code keeps the servers of the user; `None` without a home.
pub fn file(environment: &Environment) -> Option<PathBuf> {
    named_directory().or_else(|| environment.home.clone()).map(|directory| directory.join(".claude.json"))
}

impl ServerEntry {
    /// What is of another kind than it should be is left out.
    fn of(value: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let is_other = |(key, _): &(&String, &Value)| !["type", "command", "args", "env"].contains(&key.as_str());
        let of_own = |(key, value): (&String, &Value)| (key.clone(), value.clone());
        let arguments = value.get("args").and_then(Value::as_array).into_iter().flatten();
        let variables = value.get("env").and_then(Value::as_object).into_iter().flatten();
        Self {
            command: value.get("command").and_then(text).unwrap_or_default(),
            arguments: arguments.filter_map(text).collect(),
            environment: variables.filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect(),
            others: value.as_object().into_iter().flatten().filter(is_other).map(of_own).collect(),
        }
    }

    /// The same with this program as its command: what else was set for the server stays.
    pub fn with_command(&self, command: &str) -> Self {
        Self { environment: self.environment.clone(), others: self.others.clone(), ..Self::ours(command) }
    }

    /// As it would be typed.
    pub fn shown(&self) -> String {
        std::iter::once(&self.command).chain(&self.arguments).map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }

    /// The entry that `init` makes.
    pub fn ours(command: &str) -> Self {
        Self::of(&wanted(command))
    }
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = open::regular(path).map_err(|error| match error {
        OpenError::Irregular(_) => io::Error::other("it is not a file"),
        OpenError::Io(error) => error,
    })?;
    let Some(file) = file else { return Ok(None) };
    Ok(Some(open::read_bounded(file, MAX_FILE_BYTES)?.0))
}

/// What Claude Code is told about this program.
pub fn wanted(command: &str) -> Value {
    json!({"type": "stdio", "command": command, "args": ["serve"]})
}

/// The command that registers us for the user everywhere, for a shell.
pub fn by_hand(command: &str) -> String {
    by_hand_in(Scope::User, &ServerEntry::ours(command))
}

/// The command that registers an entry, for a shell.
pub fn by_hand_in(scope: Scope, entry: &ServerEntry) -> String {
    let mut value = json!({"type": "stdio", "command": entry.command, "args": entry.arguments});
    if !entry.environment.is_empty() {
        value["env"] = json!(entry.environment);
    }
    for (key, other) in &entry.others {
        value[key] = other.clone();
    }
    format!("claude mcp add-json {SERVER_NAME} {} --scope {}", quoted(&value.to_string()), scope.name())
}

/// Where this program is installed. A place on PATH comes first: package managers put a link there that stays, while the
/// file behind it moves with every version.
///
/// # Errors
/// When the file was replaced or removed while it runs.
pub fn own_path() -> io::Result<PathBuf> {
    let real = program::file()?;
    let is_this = |path: &PathBuf| path.canonicalize().is_ok_and(|path| path == real);
    let name = real.file_name().unwrap_or(OsStr::new(SERVER_NAME)).to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path)
        .filter(|directory| directory.is_absolute())
        .flat_map(|directory| [directory.join(SERVER_NAME), directory.join(&name)])
        .find(is_this);
    Ok(on_path.unwrap_or(real))
}
