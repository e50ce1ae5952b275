//! Whether Claude Code can load an enabled plugin (seen with CLI 2.1.197 and 2.1.332). `known_marketplaces.json` says where
//! its marketplace is. One in a directory of this machine is read there at every start, not from a copy, so it must stay.
//! What Claude Code fetches itself, and what cannot be read here, is not judged.

use std::path::{Path, PathBuf};

use serde_json::Value;
use thiserror::Error;

use super::{SERVER_NAME, configuration_directory, read};
use crate::config::path::Environment;

/// Where Claude Code keeps what it knows of marketplaces and plugins.
const PLUGINS: &str = "plugins";
/// What moves that directory.
const PLUGINS_VARIABLE: &str = "CLAUDE_CODE_PLUGIN_CACHE_DIR";
/// A directory of more marketplaces, as images of containers bring one.
const SEED_VARIABLE: &str = "CLAUDE_CODE_PLUGIN_SEED_DIR";
/// The list of the marketplaces that were added.
const KNOWN: &str = "known_marketplaces.json";
/// What makes a directory a marketplace.
const MARKETPLACE: &str = ".claude-plugin/marketplace.json";
/// What a plugin says of itself. It need not be there.
const MANIFEST: &str = ".claude-plugin/plugin.json";
/// The servers of a plugin, where neither its manifest nor its marketplace names them.
const SERVERS: &str = ".mcp.json";
const SERVERS_KEY: &str = "mcpServers";

/// Why a plugin is not loaded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// Something of it was moved or removed.
    #[error("{} does not exist", .0.display())]
    Missing(PathBuf),
    /// A file of it is no JSON.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The path of the file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// The list of all marketplaces is no JSON.
    #[error("{} is damaged: {reason}", path.display())]
    KnownDamaged {
        /// The path of the list.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// Neither the list nor the settings name its marketplace.
    #[error("its marketplace {0} was not added")]
    Unknown(String),
}

impl Fault {
    /// What brings it back.
    pub fn remedy(&self) -> String {
        const ADD: &str = "claude plugin marketplace add DIR";
        match self {
            Self::Missing(_) | Self::Damaged { .. } => {
                format!("unpack the plugin there again; or in a directory DIR where it can stay, and {ADD}")
            }
            Self::KnownDamaged { path, .. } => {
                let path = super::quoted(&path.to_string_lossy());
                format!("mv {path} {path}.damaged && {ADD}, with DIR where the plugin is unpacked")
            }
            Self::Unknown(_) => format!("unpack the plugin in a directory DIR where it can stay, and {ADD}"),
        }
    }
}

/// What the settings of Claude Code say of a marketplace, or the list does.
struct Entry<'a> {
    value: &'a Value,
}

impl<'a> Entry<'a> {
    fn source(&self, key: &str) -> Option<&'a str> {
        self.value.get("source")?.get(key)?.as_str()
    }

    /// The directory that it is read from, of one that is a directory of this machine.
    fn directory(&self) -> Option<PathBuf> {
        let is_directory = self.source("source") == Some("directory");
        let said = self.value.get("installLocation").map_or_else(|| self.source("path"), Value::as_str);
        said.map(PathBuf::from).filter(|directory| is_directory && directory.is_absolute())
    }
}

/// Why this plugin is not loaded; nothing where it is, or where that cannot be told. `in_settings`: what the settings say of
/// its marketplace.
pub fn fault(environment: &Environment, id: &str, in_settings: Option<&Value>) -> Option<Fault> {
    let (_, name) = id.split_once('@')?;
    let set = |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty());
    if set(SEED_VARIABLE).is_some() {
        return None;
    }
    let plugins = set(PLUGINS_VARIABLE).map(PathBuf::from);
    let path = plugins.or_else(|| Some(configuration_directory(environment)?.join(PLUGINS)))?.join(KNOWN);
    let known = match json(&path) {
        Content::Is(known) => known,
        Content::Missing => Value::Object(serde_json::Map::new()),
        Content::Damaged(reason) => return Some(Fault::KnownDamaged { path, reason }),
        Content::Unreadable => return None,
    };
    let in_settings = in_settings.map(|value| Entry { value });
    match (known.as_object()?.get(name).map(|value| Entry { value }), in_settings) {
        (Some(known), in_settings) => {
            let fault = fault_in(&known.directory()?)?;
            // Claude Code then corrects its list by them when it starts.
            let mends = in_settings.and_then(|entry| entry.directory()).is_some_and(|there| fault_in(&there).is_none());
            (!mends).then_some(fault)
        }
        (None, Some(in_settings)) => fault_in(&in_settings.directory()?),
        (None, None) => Some(Fault::Unknown(name.to_owned())),
    }
}

/// What is wrong with our plugin in this marketplace.
fn fault_in(directory: &Path) -> Option<Fault> {
    if is_missing(directory) {
        return Some(Fault::Missing(directory.to_path_buf()));
    }
    let path = directory.join(MARKETPLACE);
    let marketplace = match json(&path) {
        Content::Is(marketplace) => marketplace,
        Content::Missing => return Some(Fault::Missing(path)),
        Content::Damaged(reason) => return Some(Fault::Damaged { path, reason }),
        Content::Unreadable => return None,
    };
    let plugins = marketplace.get("plugins")?.as_array()?;
    let entry = plugins.iter().find(|plugin| plugin.get("name").and_then(Value::as_str) == Some(SERVER_NAME))?;
    // Anything else is fetched, or is below a root that the marketplace names.
    let below = entry.get("source")?.as_str()?.strip_prefix("./")?;
    let plugin = directory.join(below);
    if is_missing(&plugin) {
        return Some(Fault::Missing(plugin));
    }
    let path = plugin.join(MANIFEST);
    let manifest = match json(&path) {
        Content::Is(manifest) => manifest,
        Content::Missing => Value::Null,
        Content::Damaged(reason) => return Some(Fault::Damaged { path, reason }),
        Content::Unreadable => return None,
    };
    let servers = plugin.join(SERVERS);
    let named = [entry, &manifest].into_iter().any(|value| value.get(SERVERS_KEY).is_some());
    (!named && is_missing(&servers)).then_some(Fault::Missing(servers))
}

/// Whether it is certain that nothing is there.
fn is_missing(path: &Path) -> bool {
    path.try_exists().is_ok_and(|exists| !exists)
}

/// What a file holds.
enum Content {
    Is(Value),
    Missing,
    Damaged(String),
    Unreadable,
}

fn json(path: &Path) -> Content {
    match read(path) {
        Ok(Some(text)) => match serde_json::from_slice(text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&text)) {
            Ok(value) => Content::Is(value),
            Err(error) => Content::Damaged(error.to_string()),
        },
        Ok(None) => Content::Missing,
        Err(_) => Content::Unreadable,
    }
}
