//! Whether two handles or names lead to the same file: a name may lead to another file by the time a lock is obtained.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::if_exists;

/// Device and inode: no two files of a system have the same while both exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    inode: u64,
}

impl From<&Metadata> for Identity {
    fn from(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

impl Identity {
    /// The identity of an open file.
    pub fn of(file: &File) -> io::Result<Self> {
        file.metadata().map(|metadata| Self::from(&metadata))
    }

    /// The identity of the file that a name leads to, links followed; `None` where it leads to no file.
    pub fn at(path: &Path) -> io::Result<Option<Self>> {
        Ok(if_exists(std::fs::metadata(path))?.map(|metadata| Self::from(&metadata)))
    }
}

/// Whether the name leads to the open file, links followed.
///
/// # Errors
/// As [`std::fs::metadata`], except that a missing file is another one.
pub fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    Ok(Identity::at(path)? == Some(Identity::of(file)?))
}
