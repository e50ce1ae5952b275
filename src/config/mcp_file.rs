//! A project's `.mcp.json`, and what is wrong with it. Claude says nothing of a file that it cannot read: it goes on without
//! all of its servers (seen with CLI 2.1.332; it takes neither comments nor commas before a bracket).
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde_json::Value;

use crate::fs::open::{self, OpenError, read_start, read_whole};
use crate::machines::mcp_servers::FileStamp;

/// The name of the file.
pub const FILE: &str = ".mcp.json";
/// Largest file that is looked into, in bytes.
const MAX_BYTES: usize = 1024 * 1024;
/// Most servers that are named, and most characters of each name.
const MAX_NAMED: usize = 5;
const MAX_NAME_CHARS: usize = 60;

/// How the file of this directory looks; `None` where there is none. May hang with the file system.
#[must_use]
pub fn stamp(directory: &Path) -> Option<FileStamp> {
    let file = std::fs::metadata(directory.join(FILE)).ok()?;
    Some(FileStamp { size: file.len(), modified: (file.mtime(), file.mtime_nsec()) })
}

/// What is wrong with the file of this directory; `None` where nothing is, or no file. May hang with the file system.
#[must_use]
pub fn error(directory: &Path) -> Option<String> {
    let path = directory.join(FILE);
    match open::regular(&path) {
        Ok(None) => return None,
        Ok(Some(_)) => {}
        Err(OpenError::Irregular(kind)) => return Some(format!("it is {kind}")),
        Err(OpenError::Io(error)) => return Some(format!("it cannot be read: {error}")),
    }
    match read_start(&path, MAX_BYTES)? {
        // Claude reads it; only we do not look into it.
        (_, true) => None,
        (text, false) => error_in(text.trim_start_matches('\u{feff}')),
    }
}

/// The servers of the file of this directory; `None` where there is no such file, or none that claude reads. May hang with
/// the file system.
#[must_use]
pub fn servers(directory: &Path) -> Option<Value> {
    servers_in(&directory.join(FILE))
}

/// The object `mcpServers` of a JSON file.
pub(super) fn servers_in(file: &Path) -> Option<Value> {
    let text = read_whole(file, MAX_BYTES)?;
    let file = serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}')).ok()?;
    file.get("mcpServers").filter(|servers| servers.is_object()).cloned()
}

/// What is wrong in this text of such a file.
fn error_in(text: &str) -> Option<String> {
    let value = match serde_json::from_str::<Value>(text) {
        Ok(value) => value,
        Err(error) => return not_json(text, &error),
    };
    let Value::Object(file) = value else { return Some("it is no JSON object".to_owned()) };
    match file.get("mcpServers") {
        None if file.is_empty() => None,
        None => {
            let hint = if file.contains_key("servers") { "; `servers` is another program's name for it" } else { "" };
            Some(format!("it has no `mcpServers`{hint}"))
        }
        Some(Value::Object(servers)) => {
            let bad = servers.iter().filter(|(_, server)| !is_server(server)).map(|(name, _)| name.as_str());
            bad_servers(&bad.collect::<Vec<_>>())
        }
        Some(_) => Some("its `mcpServers` is no object of servers".to_owned()),
    }
}

fn not_json(text: &str, error: &serde_json::Error) -> Option<String> {
    // Deeper than we read; claude may.
    if error.to_string().starts_with("recursion limit") {
        return None;
    }
    if text.trim().is_empty() {
        return Some("it is empty".to_owned());
    }
    let (line, column) = (error.line(), error.column());
    let rest = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let rest = rest.char_indices().nth(column.saturating_sub(1)).map_or("", |(at, _)| &rest[at..]);
    let why = if rest.starts_with('/') {
        "JSON has no comments"
    } else if error.to_string().starts_with("trailing comma") {
        "a comma before a bracket is no JSON"
    } else {
        "it is no JSON"
    };
    Some(format!("{why} (line {line}, column {column})"))
}

/// Claude passes over an entry that is none of these, and takes the others.
fn is_server(server: &Value) -> bool {
    ["command", "url"].iter().any(|key| server.get(key).is_some_and(Value::is_string))
}

fn bad_servers(names: &[&str]) -> Option<String> {
    let told = names.iter().take(MAX_NAMED).map(|name| name.chars().take(MAX_NAME_CHARS).collect::<String>());
    let told = told.collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(MAX_NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!names.is_empty()).then(|| format!("servers without `command` or `url`: {told}{more}"))
}
