//! What macOS does with files beyond POSIX.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use nix::sys::stat::Mode;
use rustix::fs::{CWD, RenameFlags, getpath, renameat_with};

/// Where an organisation's settings are, as the CLI has it.
pub const MANAGED_SETTINGS: &str = "/Library/Application Support/ClaudeCode";

/// The file systems of Apple can; one of another system (a network drive, FAT) may not.
pub fn exchange(one: &Path, other: &Path) -> bool {
    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).is_ok()
}

pub fn make_pipe(path: &Path) -> io::Result<()> {
    Ok(nix::unistd::mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR)?)
}

/// Their size is the system's: it grows with what is written.
pub const fn shrink_pipe(_pipe: &File) {}

/// Unlike on Linux this is the path that the file has now, where it was renamed.
pub fn path_of(file: &File) -> Option<PathBuf> {
    getpath(file).ok().map(|path| PathBuf::from(OsString::from_vec(path.into_bytes())))
}
