//! `claude mcp add-json | list | get | remove` (CLI contract, chapter 11).

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::Stop;
use crate::session::home;

/// Keys of a server's entry that are kept.
const KEPT: &[&str] = &["type", "command", "args", "url", "headers", "env", "timeout", "alwaysLoad"];

/// Where an entry lives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Local,
    User,
    Project,
}

impl Scope {
    const ALL: [Self; 3] = [Self::Local, Self::Project, Self::User];

    const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::User => "user",
            Self::Project => "project",
        }
    }

    const fn described(self) -> &'static str {
        match self {
            Self::Local => "Local config (private to you in this project)",
            Self::User => "User config (available in all your projects)",
            Self::Project => "Project config (shared via .mcp.json)",
        }
    }
}

/// The user's configuration file.
pub fn config_file() -> Option<PathBuf> {
    let dir = std::env::var_os("CLAUDE_CONFIG_DIR").filter(|d| !d.is_empty()).map(PathBuf::from).or_else(home);
    dir.map(|d| d.join(".claude.json"))
}

/// Runs the subcommand.
pub fn main(argv: &[String]) -> Stop {
    let (words, scope) = match split(argv) {
        Ok(parts) => parts,
        Err(stop) => return stop,
    };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let run = match words.as_slice() {
        ["add-json", name, entry, ..] => add(name, entry, scope.unwrap_or(Scope::Local)),
        ["list", ..] => list(),
        ["get", name, ..] => get(name),
        ["remove", name, ..] => remove(name, scope),
        ["add-json", ..] => Err(Stop::error("error: missing required argument 'json'\n".to_owned())),
        ["get" | "remove"] => Err(Stop::error("error: missing required argument 'name'\n".to_owned())),
        [other, ..] => Err(Stop::error(format!("error: unknown command '{other}'\n"))),
        [] => Err(Stop::error("Usage: claude mcp [options] [command]\n".to_owned())),
    };
    run.map_or_else(|stop| stop, Stop::answer)
}

/// Takes `-s`, `--scope` in its three forms out of the words.
fn split(argv: &[String]) -> Result<(Vec<String>, Option<Scope>), Stop> {
    let (mut words, mut scope) = (Vec::new(), None);
    let mut rest = argv.iter();
    while let Some(word) = rest.next() {
        let value = match word.as_str() {
            "-s" | "--scope" => rest
                .next()
                .cloned()
                .ok_or_else(|| Stop::error("error: option '-s, --scope <scope>' argument missing\n".to_owned()))?,
            w if w.starts_with("--scope=") => w["--scope=".len()..].to_owned(),
            w if w.starts_with('-') && words.len() < 2 => {
                return Err(Stop::error(format!("error: unknown option '{w}'\n")));
            }
            _ => {
                words.push(word.clone());
                continue;
            }
        };
        scope = Some(Scope::ALL.into_iter().find(|s| s.name() == value).ok_or_else(|| {
            Stop::error(format!(
                "Invalid scope: {value}. Must be one of: local, user, project, dynamic, enterprise, claudeai, managed, agent\n"
            ))
        })?);
    }
    Ok((words, scope))
}

fn add(name: &str, entry: &str, scope: Scope) -> Result<String, Stop> {
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
        let text = format!("Invalid name {name}. Names can only contain letters, numbers, hyphens, and underscores.\n");
        return Err(Stop::error(text));
    }
    let entry = checked(entry).ok_or_else(|| Stop::error("Invalid configuration: : Invalid input\n".to_owned()))?;
    let kind = entry["type"].as_str().unwrap_or("stdio").to_owned();
    let mut file = Store::open(scope)?;
    let servers = file.servers_mut(scope);
    if servers.contains_key(name) {
        return Err(Stop::error(format!("MCP server {name} already exists in {} config\n", scope.name())));
    }
    servers.insert(name.to_owned(), entry);
    file.save()?;
    let said = format!("Added {kind} MCP server {name} to {} config\n", scope.name());
    match file.complaint {
        Some(complaint) => Err(Stop { code: 1, stdout: said, stderr: complaint }),
        None => Ok(said),
    }
}

/// The entry with its known keys, if it is one.
fn checked(entry: &str) -> Option<Value> {
    let Value::Object(entry) = serde_json::from_str(entry).ok()? else { return None };
    let kind = entry.get("type").map_or(Some("stdio"), Value::as_str)?;
    let needs = match kind {
        "stdio" => "command",
        "http" | "sse" => "url",
        _ => return None,
    };
    entry.get(needs)?.as_str().filter(|s| !s.is_empty())?;
    if !entry.get("args").is_none_or(|a| a.as_array().is_some_and(|a| a.iter().all(Value::is_string))) {
        return None;
    }
    Some(Value::Object(KEPT.iter().filter_map(|k| Some(((*k).to_owned(), entry.get(*k)?.clone()))).collect()))
}

/// Every server with its scope; a nearer scope comes first.
fn all() -> Result<Vec<(Scope, String, Value)>, Stop> {
    let mut found: Vec<(Scope, String, Value)> = Vec::new();
    for scope in Scope::ALL {
        let mut file = Store::open(scope)?;
        if let Some(complaint) = file.complaint.take() {
            return Err(Stop::error(complaint));
        }
        for (name, entry) in file.servers_mut(scope).iter() {
            if !found.iter().any(|(_, n, _)| n == name) {
                found.push((scope, name.clone(), entry.clone()));
            }
        }
    }
    Ok(found)
}

fn list() -> Result<String, Stop> {
    let servers = all()?;
    if servers.is_empty() {
        return Ok("No MCP servers configured. Use `claude mcp add` to add a server.\n".to_owned());
    }
    let mut text = "Checking MCP server health…\n\n".to_owned();
    for (scope, name, entry) in servers {
        text.push_str(&format!("{name}: {} {} - {}\n", command(&entry), arguments(&entry), health(scope, &entry)));
    }
    Ok(text)
}

fn get(name: &str) -> Result<String, Stop> {
    let servers = all()?;
    let Some((scope, _, entry)) = servers.iter().find(|(_, n, _)| n == name) else {
        let names: Vec<&str> = servers.iter().map(|(_, n, _)| n.as_str()).collect();
        return Err(Stop::error(format!("No MCP server named \"{name}\". Configured servers: {}\n", names.join(", "))));
    };
    let kind = entry["type"].as_str().unwrap_or("stdio");
    let mut text = format!(
        "{name}:\n  Scope: {}\n  Status: {}\n  Type: {kind}\n  Command: {}\n  Args: {}\n",
        scope.described(),
        health(*scope, entry),
        command(entry),
        arguments(entry)
    );
    if let Some(env) = entry["env"].as_object().filter(|e| !e.is_empty()) {
        text.push_str("  Environment:\n");
        for (key, value) in env {
            text.push_str(&format!("    {key}={}\n", value.as_str().unwrap_or_default()));
        }
    }
    if let Some(ms) = entry["timeout"].as_u64() {
        text.push_str(&format!("  Timeout: {ms}ms\n"));
    }
    text.push_str(&format!("\nTo remove this server, run: claude mcp remove {name} -s {}\n", scope.name()));
    Ok(text)
}

fn remove(name: &str, scope: Option<Scope>) -> Result<String, Stop> {
    let holder = match scope {
        Some(scope) => Some(scope),
        None => all()?.into_iter().find(|(_, n, _)| n == name).map(|(s, _, _)| s),
    };
    let Some(holder) = holder else { return Err(Stop::error(format!("No MCP server found with name: \"{name}\"\n"))) };
    let mut file = Store::open(holder)?;
    if file.servers_mut(holder).shift_remove(name).is_none() {
        return Err(Stop::error(format!("No MCP server named \"{name}\" in {} scope\n", holder.name())));
    }
    file.save()?;
    let shown = if scope.is_some() { name.to_owned() } else { format!("\"{name}\"") };
    Ok(format!("Removed MCP server {shown} from {} config\nFile modified: {}\n", holder.name(), file.path.display()))
}

fn command(entry: &Value) -> &str {
    entry["command"].as_str().or_else(|| entry["url"].as_str()).unwrap_or_default()
}

fn arguments(entry: &Value) -> String {
    let words = entry["args"].as_array().into_iter().flatten().filter_map(Value::as_str);
    words.collect::<Vec<_>>().join(" ")
}

/// The real CLI starts the server; this one looks whether the command exists.
fn health(scope: Scope, entry: &Value) -> &'static str {
    let command = Path::new(command(entry));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let exists = command.is_file()
        || (command.components().count() == 1 && std::env::split_paths(&path).any(|d| d.join(command).is_file()));
    match (scope, exists) {
        (Scope::Project, _) => "⏸ Pending approval (run `claude` to approve)",
        (_, true) => "✔ Connected",
        (_, false) => "✘ Failed to connect",
    }
}

/// One configuration file.
struct Store {
    path: PathBuf,
    content: Value,
    /// The file was unreadable as JSON; it is then replaced by a fresh one, and the command fails.
    complaint: Option<String>,
}

impl Store {
    fn open(scope: Scope) -> Result<Self, Stop> {
        let path = match scope {
            Scope::Project => std::env::current_dir().unwrap_or_default().join(".mcp.json"),
            Scope::Local | Scope::User => {
                config_file().ok_or_else(|| Stop::error("Error: no home directory\n".to_owned()))?
            }
        };
        let text = fs::read_to_string(&path).unwrap_or_default();
        if text.is_empty() {
            return Ok(Self { path, content: json!({}), complaint: None });
        }
        match serde_json::from_str::<Value>(&text) {
            Ok(content) if content.is_object() => Ok(Self { path, content, complaint: None }),
            _ => {
                let mut backup = path.clone().into_os_string();
                backup.push(format!(".corrupted.{}", std::process::id()));
                // Without a backup the command still goes on, as the CLI does.
                let _ = fs::write(&backup, &text);
                let complaint =
                    format!("Configuration error in {}: JSON Parse error: Unrecognized token\n", path.display());
                Ok(Self { path, content: json!({}), complaint: Some(complaint) })
            }
        }
    }

    /// The servers of a scope; what is no object is replaced.
    fn servers_mut(&mut self, scope: Scope) -> &mut Map<String, Value> {
        let cwd = std::env::current_dir().unwrap_or_default().to_string_lossy().into_owned();
        let mut at = as_object(&mut self.content);
        if scope == Scope::Local {
            at = as_object(at.entry("projects").or_insert_with(|| json!({})));
            at = as_object(at.entry(cwd).or_insert_with(|| json!({})));
        }
        as_object(at.entry("mcpServers").or_insert_with(|| json!({})))
    }

    fn save(&self) -> Result<(), Stop> {
        let failed = |e: std::io::Error| Stop::error(format!("Error: cannot write {}: {e}\n", self.path.display()));
        let text = serde_json::to_string_pretty(&self.content).unwrap_or_default();
        if let Some(dir) = self.path.parent() {
            fs::create_dir_all(dir).map_err(failed)?;
        }
        let beside = self.path.with_extension(format!("json.{}", std::process::id()));
        let mut file = fs::File::create(&beside).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        fs::rename(&beside, &self.path).map_err(failed)
    }
}

fn as_object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("an object was put there"),
    }
}
