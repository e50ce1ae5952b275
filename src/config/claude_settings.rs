//! The settings files of claude that count for a run in a directory (seen with CLI 2.1.332): the project's two, the local one
//! of the repository's main checkout (it counts in every linked worktree and every folder below), the user's, and what an
//! administrator laid down. May hang with the file system; whoever calls bounds the time.
use std::path::{Path, PathBuf};

use super::files::read_start;
use crate::machines::verdict::SettingsFile;

/// Largest settings file that is read, in bytes.
const MAX_BYTES: usize = 256 * 1024;
/// Largest file of git that names a directory, in bytes.
const MAX_POINTER_BYTES: usize = 8 * 1024;
/// Most directories above the project in which its repository is looked for.
const MAX_LEVELS: usize = 64;
/// Where administrators lay settings down, on Linux and on macOS.
const MANAGED: [&str; 2] =
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

/// The main checkout of the repository that a directory is in.
fn main_checkout(directory: &Path) -> Option<PathBuf> {
    for root in directory.ancestors().take(MAX_LEVELS) {
        let git = root.join(".git");
        let Ok(kind) = std::fs::metadata(&git) else { continue };
        if kind.is_dir() {
            return Some(root.to_path_buf());
        }
        // A linked worktree: the file names its folder in the repository, which names the repository.
        let folder = root.join(pointer(&git)?.strip_prefix("gitdir:")?.trim());
        let common = folder.join(pointer(&folder.join("commondir"))?.trim());
        let common = common.canonicalize().ok()?;
        return common.parent().filter(|_| common.ends_with(".git")).map(Path::to_path_buf);
    }
    None
}

fn pointer(file: &Path) -> Option<String> {
    match read_start(file, MAX_POINTER_BYTES) {
        Some((text, false)) => Some(text),
        Some((_, true)) | None => None,
    }
}
