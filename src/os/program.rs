//! This program: the way to start it again, and its name.

use std::path::PathBuf;

use super::this;

/// The path under which this program can be started again.
#[must_use]
pub fn own() -> PathBuf {
    this::program::own()
}

/// Lets `ps` and `top` show this program's name where they would show that of a link of the system's, through which it was
/// started.
pub fn show_name() {
    this::program::show_name();
}
