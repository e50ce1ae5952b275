//! What Linux does with files beyond POSIX.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, RenameFlags, mkfifoat, renameat_with};

/// Where an organisation's settings are, as the CLI has it.
pub const MANAGED_SETTINGS: &str = "/etc/claude-code";

/// The smallest buffer of a pipe, in bytes: a page. The pipes of a user have 16,384 pages together.
const PIPE_BYTES: usize = 4096;

pub fn exchange(one: &Path, other: &Path) -> bool {
    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).is_ok()
}

pub fn make_pipe(path: &Path) -> io::Result<()> {
    Ok(mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR)?)
}

pub fn shrink_pipe(pipe: &File) {
    let _ = rustix::pipe::fcntl_setpipe_size(pipe, PIPE_BYTES);
}

pub fn path_of(file: &File) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).ok()
}
