//! This program: the way to start it again, and its name.

use std::io;
use std::path::PathBuf;

use super::{posix, this};

/// The path under which this program can be started again.
#[must_use]
pub fn own() -> PathBuf {
    this::program::own()
}

/// The file of this program, with no link on the way to it.
///
/// # Errors
/// Where it is gone, or cannot be told.
pub fn file() -> io::Result<PathBuf> {
    posix::program::file()
}

/// Lets `ps` and `top` show this program's name where they would show that of a link of the system's, through which it was
/// started.
pub fn show_name() {
    this::program::show_name();
}

/// Whether a start failed because the program is for another processor.
#[must_use]
pub fn is_for_another_processor(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(this::program::is_for_another_processor)
}
