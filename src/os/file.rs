//! Files: two names that trade, named pipes, the name of an open file, where an organisation's settings are.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::this;

/// Lets two names trade files in one step. False where one of them is missing or the system cannot; then nothing has
/// changed.
#[must_use]
pub fn exchange(one: &Path, other: &Path) -> bool {
    this::file::exchange(one, other)
}

/// Makes a named pipe that its owner may read and write.
///
/// # Errors
/// What the system says, [`io::ErrorKind::AlreadyExists`] among it.
pub fn make_pipe(path: &Path) -> io::Result<()> {
    this::file::make_pipe(path)
}

/// Makes the buffer of a pipe as small as the system has them, where it bounds a user's pipes by their sum.
pub fn shrink_pipe(pipe: &File) {
    this::file::shrink_pipe(pipe);
}

/// The path that an open file had when it was opened, where the system knows it.
#[must_use]
pub fn path_of(file: &File) -> Option<PathBuf> {
    this::file::path_of(file)
}

/// Where the settings of claude are that an organisation lays down on a machine.
#[must_use]
pub fn managed_settings() -> &'static Path {
    Path::new(this::file::MANAGED_SETTINGS)
}
