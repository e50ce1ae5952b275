//! Where small facts are kept that outlive the jobs: `jobs/.known/`, for its owner only.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::atomic;

const DIRECTORY: &str = ".known";

/// The directory, which need not be there yet.
#[must_use]
pub fn directory(jobs: &Path) -> PathBuf {
    jobs.join(DIRECTORY)
}

/// Creates it.
///
/// # Errors
/// What the system says.
pub fn create_directory(jobs: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(atomic::OWNER_ONLY_DIRECTORY).create(directory(jobs))
}
