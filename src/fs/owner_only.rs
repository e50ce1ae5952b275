//! Files and directories for their owner only: they may hold prompts, answers and settings.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::TEMPORARY_PREFIX;

/// Permission bits of a new file: its owner reads and writes it.
pub const FILE_MODE: u32 = 0o600;
/// Permission bits of a new directory: its owner lists, changes and enters it.
pub const DIRECTORY_MODE: u32 = 0o700;
/// The permission bits that neither has: those of group and others.
pub const OTHERS: u32 = 0o077;

/// Creates a directory and those above it that are missing. One that exists keeps its permissions.
pub fn create_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(path)
}

/// Creates a directory that must not exist yet.
pub fn create_new_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(DIRECTORY_MODE).create(path)
}

/// Creates a file that must not exist yet, for reading and writing.
pub fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(FILE_MODE).open(path)
}

/// Opens a file for reading and writing, and creates it where it is missing. Its content stays.
pub fn create_or_open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(FILE_MODE).open(path)
}

/// As [`create_or_open`]; every write goes to the end of the file, whoever else writes to it.
pub fn create_or_append(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).mode(FILE_MODE).open(path)
}

/// Creates a directory in `parent` and removes it again: the permission bits of a file system do not tell whether it takes
/// new files (one that the system makes up, or a share that is gone).
///
/// # Errors
/// Whatever keeps it from being created.
pub fn check_creatable(parent: &Path) -> io::Result<()> {
    let probe = parent.join(format!("{TEMPORARY_PREFIX}probe-{}", std::process::id()));
    create_new_directory(&probe)?;
    std::fs::remove_dir(&probe)
}
