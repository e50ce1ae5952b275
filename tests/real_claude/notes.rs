//! A small MCP server for the projects in these tests: one tool that reads a note.

use serde_json::{Value, json};

use super::run::World;

/// What its tool answers.
pub const NOTE: &str = "the note of this project";
/// Its tool, as the model sees it.
pub const TOOL: &str = "mcp__notes__read_note";

/// A configuration with this server under the name `notes`, with these variables and settings.
pub fn config(world: &World, env: Value, settings: Value) -> String {
    let script = world.write("notes.cjs", include_str!("notes.cjs"));
    let mut entry = json!({"command": "node", "args": [script], "env": env});
    let more = settings.as_object().cloned().unwrap_or_default();
    entry.as_object_mut().unwrap().extend(more);
    json!({"mcpServers": {"notes": entry}}).to_string()
}
