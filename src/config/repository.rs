//! The repository that a directory is in, as Claude Code tells it (seen with CLI 2.1.197 to 2.1.332): its linked worktrees and
//! all folders below belong to the main checkout. May hang with the file system; whoever calls bounds the time.
use std::path::{Path, PathBuf};

use crate::fs::open::read_whole;

/// Largest file of git that names a directory, in bytes: it holds one path.
const MAX_POINTER_BYTES: usize = 8 * 1024;
/// Most directories that are looked at, from the given one upwards: nobody's paths are deeper.
pub const MAX_LEVELS: usize = 64;

/// Where a repository is.
enum Root {
    /// Its main checkout, or that of a submodule.
    Checkout(PathBuf),
    /// A bare repository, which has worktrees only.
    Bare(PathBuf),
}

/// The main checkout of the repository that a directory is in: there the local settings of claude are.
#[must_use]
pub fn main_checkout(directory: &Path) -> Option<PathBuf> {
    match root_of(directory)? {
        Root::Checkout(root) => Some(root),
        Root::Bare(_) => None,
    }
}

/// The directory under which Claude Code keeps what it knows of a project, such as servers of local scope.
#[must_use]
pub fn project(directory: &Path) -> PathBuf {
    match root_of(directory) {
        Some(Root::Checkout(root) | Root::Bare(root)) => root,
        None => directory.to_path_buf(),
    }
}

fn root_of(directory: &Path) -> Option<Root> {
    for root in directory.ancestors().take(MAX_LEVELS) {
        let git = root.join(".git");
        let Ok(kind) = std::fs::metadata(&git) else { continue };
        if kind.is_dir() {
            return Some(Root::Checkout(root.to_path_buf()));
        }
        let folder = root.join(read_whole(&git, MAX_POINTER_BYTES)?.strip_prefix("gitdir:")?.trim());
        // A linked worktree's folder in the repository names the repository. That of a submodule names nothing, and neither
        // does one that only lies elsewhere.
        let Some(common) = read_whole(&folder.join("commondir"), MAX_POINTER_BYTES) else {
            return folder.is_dir().then(|| Root::Checkout(root.to_path_buf()));
        };
        let common = folder.join(common.trim()).canonicalize().ok()?;
        let is_within = common.ends_with(".git");
        return match common.parent() {
            Some(root) if is_within => Some(Root::Checkout(root.to_path_buf())),
            _ => Some(Root::Bare(common)),
        };
    }
    None
}
