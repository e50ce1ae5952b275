//! agents.yaml: reading, editing, writing, and what is made of it.
mod any_bytes;
mod change;
mod claude_settings;
mod corrections;
mod describe;
mod detect;
mod edit;
mod edit_random;
mod files;
mod groups;
mod listing;
mod mcp_file;
mod name;
mod path;
mod read;
mod rules;
mod threads;
mod write;

use agent_dispatch::config::path::Environment;

/// An empty directory and an environment whose config is in it.
pub fn place() -> (tempfile::TempDir, Environment) {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    let env = Environment {
        config: Some(root.join("agents.yaml")),
        home: Some(root.clone()),
        current_dir: root,
        ..Environment::default()
    };
    (directory, env)
}
