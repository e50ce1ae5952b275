//! Replaces a file in one step: a reader sees the old content or the new, never a part.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Files that may hold prompts and answers are for their owner only.
pub const OWNER_ONLY_FILE: u32 = 0o600;
/// Likewise directories.
pub const OWNER_ONLY_DIRECTORY: u32 = 0o700;

/// Whether the bytes must have reached the disk before the new file takes the old one's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// A paid answer depends on it.
    Synced,
    /// It can be had again, or somebody receives it at once.
    Cached,
}

/// Writes `bytes` beside `path` and renames the result onto it. On an error the old file stands whole.
///
/// # Errors
/// Whatever creating, writing, syncing or renaming says: full disk, read-only directory, no permission.
pub fn replace(path: &Path, bytes: &[u8], durability: Durability) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut temporary = tempfile::Builder::new()
        .prefix(".tmp-")
        .permissions(Permissions::from_mode(OWNER_ONLY_FILE))
        .tempfile_in(directory)?;
    temporary.write_all(bytes)?;
    if durability == Durability::Synced {
        temporary.as_file().sync_data()?;
    }
    temporary.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Creates an owner-only file that must not be there yet.
///
/// # Errors
/// As [`OpenOptions::open`].
pub fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(OWNER_ONLY_FILE).open(path)
}

/// Creates an owner-only file, or empties the one that is there.
///
/// # Errors
/// As [`OpenOptions::open`].
pub fn create_or_truncate(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(OWNER_ONLY_FILE).open(path)
}
