//! Where the claude CLI keeps its sessions: a file for each, named by its id, in a folder for each project.

use std::path::Path;

use crate::config::claude_settings::user_directory;
use crate::machines::ids::SessionRef;

/// Most folders of projects that are looked into.
const MAX_PROJECTS: usize = 10_000;

/// Whether the CLI has a file for this session. Its folder is named by a rule that differs between versions, so all are
/// looked into. Takes a system call for each, and is asked only where the output tells nothing.
#[must_use]
pub fn exists(session: &SessionRef) -> bool {
    let Some(folders) = user_directory().and_then(|directory| std::fs::read_dir(directory.join("projects")).ok())
    else {
        return false;
    };
    let name = format!("{}.jsonl", session.as_str());
    // An id is a file's name; anything else names no session.
    let plain = Path::new(&name).file_name().is_some_and(|file| file == name.as_str());
    plain && folders.take(MAX_PROJECTS).flatten().any(|folder| folder.path().join(&name).is_file())
}
