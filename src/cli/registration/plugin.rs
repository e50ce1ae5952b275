//! Our plugin for Claude Code (`packages/plugin`), which registers the server under a name of its own.

use std::path::{Path, PathBuf};

use super::SERVER_NAME;
use crate::shell::claude::{is_executable, system_root};

/// Its server among those of Claude Code.
pub const SERVER: &str = "plugin:agent-dispatch:agent-dispatch";
/// How permission rules name its tools.
pub const TOOLS: &str = "mcp__plugin_agent-dispatch_agent-dispatch__*";
/// How they name the tools of a server that is registered otherwise.
pub const OTHER_TOOLS: &str = "mcp__agent-dispatch__*";

/// Where the plugin looks for the program that is not on PATH: where installers put it. `~` is the home.
const PLACES: [&str; 6] = [
    "~/.local/bin",
    "~/.cargo/bin",
    "/opt/homebrew/bin",
    "/usr/local/bin",
    "/home/linuxbrew/.linuxbrew/bin",
    "~/.nix-profile/bin",
];

/// Whether this is our plugin, from whatever marketplace.
pub fn is_ours(id: &str) -> bool {
    id.split_once('@').is_some_and(|(name, _)| name == SERVER_NAME)
}

/// The program where installers put it.
pub fn installed(home: Option<&Path>) -> Option<PathBuf> {
    let place = |place: &&str| match place.strip_prefix("~/") {
        Some(below) => home.map(|home| home.join(below)),
        None => Some(system_root().join(place.trim_start_matches('/'))),
    };
    PLACES.iter().filter_map(place).map(|place| place.join(SERVER_NAME)).find(|file| is_executable(file))
}
