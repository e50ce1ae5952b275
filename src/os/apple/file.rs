//! Files, as POSIX has them.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, mkfifoat};

/// Where an organisation's settings are, as the CLI has it.
pub const MANAGED_SETTINGS: &str = "/etc/claude-code";

/// POSIX has no such call.
pub const fn exchange(_one: &Path, _other: &Path) -> bool {
    false
}

pub fn make_pipe(path: &Path) -> io::Result<()> {
    Ok(mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR)?)
}

/// Their size is the system's.
pub const fn shrink_pipe(_pipe: &File) {}

/// POSIX does not tell.
pub const fn path_of(_file: &File) -> Option<PathBuf> {
    None
}
