//! Where small facts are kept that outlive the jobs: `jobs/.known/`, for its owner only.

use std::io;
use std::path::{Path, PathBuf};

use crate::fs::owner_only;

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
    owner_only::create_directory(&directory(jobs))
}
