//! Who may look into our directories.
use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use super::path::{DIRECTORY, JOBS};
use crate::fs::owner_only::OTHERS;

/// Whether a directory is ours by its name: `agent-dispatch`, or `jobs` in it. One that somebody named otherwise may serve
/// other purposes as well.
#[must_use]
pub fn is_ours(directory: &Path) -> bool {
    let named = |path: &Path, name: &str| path.file_name().is_some_and(|own| own == name);
    named(directory, DIRECTORY)
        || named(directory, JOBS) && directory.parent().is_some_and(|parent| named(parent, DIRECTORY))
}

/// Takes the rights of others from a directory that is ours and this user's: the older implementation, and earlier versions,
/// left it open. A link is left alone, as is what cannot be changed; `doctor` tells of it.
pub fn tighten(directory: &Path) {
    if !is_ours(directory) {
        return;
    }
    let Ok(metadata) = std::fs::symlink_metadata(directory) else { return };
    let mine = metadata.uid() == rustix::process::geteuid().as_raw();
    if mine && metadata.is_dir() && metadata.mode() & OTHERS != 0 {
        // Whoever may not do this owns nothing here that could be protected.
        let _ = std::fs::set_permissions(directory, Permissions::from_mode(metadata.mode() & 0o7777 & !OTHERS));
    }
}
