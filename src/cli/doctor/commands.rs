//! Commands of a project's MCP servers that are not there.

use std::path::Path;

use serde_json::Value;

use crate::config::mcp_file;
use crate::shell::claude::is_executable;

/// A server whose command cannot be found.
pub struct MissingCommand {
    /// The name of the server.
    pub server: String,
    /// The command that is not there.
    pub command: String,
}

/// The servers of the project in `directory` that cannot start, because nothing has the name of their command. Of one that
/// brings a PATH of its own, or whose command has a variable in it (claude expands it), nothing is said. May hang with the file
/// system.
pub fn missing(directory: &Path) -> Vec<MissingCommand> {
    let Some(Value::Object(servers)) = mcp_file::servers(directory) else { return Vec::new() };
    let missing = servers.into_iter().filter_map(|(server, entry)| {
        let is_process = entry.get("type").is_none_or(|kind| kind == "stdio");
        let command = entry.get("command").and_then(Value::as_str).filter(|_| is_process)?;
        let is_judged = !command.is_empty() && !command.contains('$') && entry.pointer("/env/PATH").is_none();
        let missing = || MissingCommand { server, command: command.to_owned() };
        (is_judged && !is_there(directory, command)).then(missing)
    });
    missing.collect()
}

/// As a process that is started in `directory` finds it.
fn is_there(directory: &Path, command: &str) -> bool {
    if command.contains('/') {
        return is_executable(&directory.join(command));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| is_executable(&directory.join(folder).join(command)))
}
