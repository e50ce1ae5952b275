//! Replaces a file in one step: a reader sees the old content or the new, never a part.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::failpoint;

/// Files that may hold prompts and answers are for their owner only.
pub const OWNER_ONLY_FILE: u32 = 0o600;
/// Likewise directories.
pub const OWNER_ONLY_DIRECTORY: u32 = 0o700;

/// How names begin of files that are about to replace others.
pub const TEMPORARY_PREFIX: &str = ".tmp-";

/// Makes a directory in `place` and takes it away again: a place may say that it can be written, and hold nothing all the same
/// (/proc, or a share that is gone).
///
/// # Errors
/// Whatever keeps it from being made.
pub fn try_out(place: &Path) -> io::Result<()> {
    let probe = place.join(format!("{TEMPORARY_PREFIX}probe-{}", std::process::id()));
    DirBuilder::new().mode(OWNER_ONLY_DIRECTORY).create(&probe)?;
    std::fs::remove_dir(&probe)
}

/// What must hold after a power cut. The death of processes never costs anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The new content: a paid answer depends on it.
    Synced,
    /// The old content or the new. A file system that allocates late (ext4) begins to write when a name is taken over,
    /// which costs most of a millisecond.
    Cached,
    /// Nothing, for the next half minute: the file is replaced, removed or synced within moments, and somebody waits.
    Brief,
}

/// Writes `bytes` beside `path` and puts the result in its place. On an error the old file stands whole. A process that is
/// killed in between leaves a file `.tmp-…` behind, which no reader takes for anything.
///
/// # Errors
/// Whatever creating, writing, syncing or renaming says: full disk, read-only directory, no permission.
pub fn replace(path: &Path, bytes: &[u8], durability: Durability) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    failpoint::check("replace")?;
    let mut temporary = tempfile::Builder::new()
        .prefix(TEMPORARY_PREFIX)
        .permissions(Permissions::from_mode(OWNER_ONLY_FILE))
        .tempfile_in(directory)?;
    failpoint::check("replace_write")?;
    temporary.write_all(bytes)?;
    failpoint::check("replace_written")?;
    match durability {
        Durability::Synced => {
            temporary.as_file().sync_data()?;
            failpoint::check("replace_synced")?;
        }
        Durability::Brief if exchanged(temporary.path(), path) => {
            failpoint::reach("replace_exchanged");
            // The temporary name leads to what was there before, and goes with it.
            return temporary.close();
        }
        Durability::Cached | Durability::Brief => {}
    }
    temporary.persist(path).map_err(|error| error.error)?;
    failpoint::reach("replace_renamed");
    Ok(())
}

/// Lets two names trade files in one step. False where one of them is missing or the system cannot; then nothing has
/// changed. Unlike a rename this makes no file system write at once: 0.04 ms instead of 0.85 ms (median, ext4).
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn exchanged(one: &Path, other: &Path) -> bool {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    // A directory trades places as well; a rename refuses it.
    std::fs::symlink_metadata(other).is_ok_and(|metadata| metadata.is_file())
        && renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).is_ok()
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
const fn exchanged(_one: &Path, _other: &Path) -> bool {
    false
}

/// Creates an owner-only file that must not be there yet.
///
/// # Errors
/// As [`OpenOptions::open`].
pub fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(OWNER_ONLY_FILE).open(path)
}

/// Creates an owner-only file, or opens the one that is there to be written at its end.
///
/// # Errors
/// As [`OpenOptions::open`].
pub fn create_or_append(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).mode(OWNER_ONLY_FILE).open(path)
}
