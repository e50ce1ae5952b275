//! The settings files of claude that count for a run in a directory (seen with CLI 2.1.332): the project's two, the local one
//! of the repository's main checkout (it counts in every linked worktree and every folder below), the user's, and what an
//! administrator laid down. May hang with the file system; whoever calls bounds the time.
use std::path::{Path, PathBuf};

use super::files::read_start;
use super::repository::main_checkout;
use crate::machines::verdict::SettingsFile;

/// Largest settings file that is read, in bytes.
const MAX_BYTES: usize = 256 * 1024;
/// Where administrators lay settings down, on Linux and on macOS.
pub const MANAGED: [&str; 2] =
    ["/etc/claude-code/managed-settings.json", "/Library/Application Support/ClaudeCode/managed-settings.json"];

/// The settings files that are there. `user` is the directory of claude's own configuration.
#[must_use]
pub fn files(directory: &Path, user: Option<&Path>) -> Vec<SettingsFile> {
    let local = |root: &Path| root.join(".claude").join("settings.local.json");
    let main = main_checkout(directory).map(|main| local(&main));
    let own = [directory.join(".claude").join("settings.json"), local(directory)];
    let mut paths = Vec::from(own);
    paths.extend(main.filter(|main| !paths.contains(main)));
    paths.extend(user.map(|user| user.join("settings.json")));
    paths.extend(MANAGED.iter().map(PathBuf::from));
    let read = |path: PathBuf| match read_start(&path, MAX_BYTES) {
        Some((text, false)) => Some(SettingsFile { path: path.to_string_lossy().into_owned(), text }),
        Some((_, true)) | None => None,
    };
    paths.into_iter().filter_map(read).collect()
}
