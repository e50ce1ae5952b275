//! Small facts that outlive the jobs or that all processes of the user share: a file for each, replaced as a whole.

use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::fs::atomic::{self, Durability};
use crate::fs::{open, owner_only};

/// The name of their directory, below the jobs directory.
const DIRECTORY: &str = ".known";
/// The longest file that is read, in bytes: 16 programs with paths of 4 KB, the most that any fact holds, and as much again.
const MAX_BYTES: usize = 128 * 1024;

/// The path of a fact about sessions, programs or agents: `jobs/.known/<name>`.
#[must_use]
pub fn file(jobs: &Path, name: &str) -> PathBuf {
    jobs.join(DIRECTORY).join(name)
}

/// The fact that a file holds as JSON. `None` where there is no such file, where it cannot be read, and where it holds
/// something else.
#[must_use]
pub fn read<T: DeserializeOwned>(file: &Path) -> Option<T> {
    let (bytes, more) = open::read_bounded(open::regular(file).ok()??, MAX_BYTES).ok()?;
    serde_json::from_slice(&bytes).ok().filter(|_| !more)
}

/// Replaces the file of a fact, and creates its directory where it is missing.
///
/// # Errors
/// As [`owner_only::create_directory`] and [`atomic::replace`].
pub fn write(file: &Path, bytes: &[u8]) -> io::Result<()> {
    file.parent().map_or(Ok(()), owner_only::create_directory)?;
    atomic::replace(file, bytes, Durability::Cached)
}
