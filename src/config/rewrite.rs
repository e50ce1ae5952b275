//! Writes agents.yaml in place, where another file cannot take its name: it is mounted by itself, or its directory must not
//! be written.
//!
//! A copy of the old text is on the disk before the first byte changes, and goes when the new text is on the disk. The new
//! text is written by one call, as long as the longer of the two: of a process that dies between that call and the cut to
//! length the file holds the new text and comment signs. Readers that may have met the write wait for its lock.
use std::ffi::OsString;
use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::fs::lock;
use crate::fs::owner_only::{FILE_MODE, OTHERS};

/// What the name of the copy ends with; it begins with a dot.
const BACKUP: &str = ".before-change";
/// A file that was changed longer ago was not being written while it was read, and a later change gives it other times: a
/// write takes well under a millisecond, and file times move in steps of the kernel's clock tick (up to 10 ms).
const SETTLED: Duration = Duration::from_millis(100);
/// How long a reader waits for the end of a write, which takes well under a millisecond.
const WRITE_WAIT: Duration = Duration::from_millis(100);
/// How often it looks meanwhile.
const WRITE_RETRY: Duration = Duration::from_millis(1);

/// Why a file was not written in place.
#[derive(Debug)]
pub(super) enum Fault {
    /// No copy of the old text could be kept; the file is as it was.
    NoCopy(io::Error),
    /// The system refused; the file is as it was.
    Unchanged(io::Error),
    /// The system refused, and the old text could not be put back; it is in this copy.
    Half(io::Error, PathBuf),
}

/// The copy beside a file that is being written, or whose writing was cut off.
#[must_use]
pub fn backup_of(file: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(file.file_name().unwrap_or_default());
    name.push(BACKUP);
    file.with_file_name(name)
}

/// Puts `text` into the file. Whoever calls this has the writers' lock.
pub(super) fn in_place(path: &Path, text: &str) -> Result<(), Fault> {
    let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(Fault::Unchanged)?;
    let mut old = Vec::new();
    file.read_to_end(&mut old).map_err(Fault::Unchanged)?;
    let backup = copy(path, &old).map_err(Fault::NoCopy)?;
    let written = under_lock(&file, || write(&file, text.as_bytes(), old.len()));
    if let Err(error) = written.and_then(|()| file.sync_all()) {
        let restored = under_lock(&file, || write(&file, &old, text.len().max(old.len())));
        return match restored.and_then(|()| file.sync_all()) {
            Ok(()) => {
                drop(std::fs::remove_file(backup));
                Err(Fault::Unchanged(error))
            }
            Err(_) => Err(Fault::Half(error, backup)),
        };
    }
    if file.metadata().is_ok_and(|metadata| metadata.permissions().mode() & OTHERS != 0) {
        // The file of another owner keeps its rights; `doctor` tells of them.
        let _ = file.set_permissions(Permissions::from_mode(FILE_MODE));
    }
    drop(std::fs::remove_file(backup));
    Ok(())
}

/// One write over all that was there, then the cut to length.
fn write(file: &File, text: &[u8], old_length: usize) -> io::Result<()> {
    let mut bytes = text.to_vec();
    if let Some(surplus) = old_length.checked_sub(text.len()).filter(|surplus| *surplus > 0) {
        // A comment ends whatever the text ended in.
        bytes.push(b'\n');
        bytes.resize(text.len() + surplus, b'#');
    }
    file.write_all_at(&bytes, 0)?;
    file.set_len(text.len() as u64)
}

/// A file system without locks is written without.
fn under_lock(file: &File, write: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    let locked = file.lock().is_ok();
    let written = write();
    if locked {
        drop(file.unlock());
    }
    written
}

/// Keeps the old text, beside the file or among temporary files, and returns where, once it is on the disk.
fn copy(path: &Path, old: &[u8]) -> io::Result<PathBuf> {
    let beside = backup_of(path);
    let mut options = OpenOptions::new();
    let opened = options.write(true).create(true).truncate(true).mode(FILE_MODE).open(&beside);
    let (mut file, place) = match opened {
        Ok(file) => (file, beside),
        Err(_) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let prefix = format!("agent-dispatch-{name}-");
            let mut builder = tempfile::Builder::new();
            builder.prefix(&prefix).suffix(BACKUP).permissions(Permissions::from_mode(FILE_MODE)).tempfile()?.keep()?
        }
    };
    let synced = file.write_all(old).and_then(|()| file.sync_all());
    let synced = synced.and_then(|()| place.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all()));
    match synced {
        Ok(()) => Ok(place),
        Err(error) => {
            drop(std::fs::remove_file(place));
            Err(error)
        }
    }
}

/// Whether the last change was so long ago that no write is under way, and that a later change shows in the file's times.
pub(super) fn is_settled(metadata: &Metadata) -> bool {
    let age = metadata.modified().ok().and_then(|modified| SystemTime::now().duration_since(modified).ok());
    age.is_some_and(|age| age > SETTLED)
}

/// Reads a file again where it may have been written while it was read. `read` reads it from its start.
pub(super) fn settled<T>(mut file: &File, mut read: impl FnMut(&File) -> io::Result<T>) -> io::Result<T> {
    let bytes = read(file)?;
    if file.metadata().is_ok_and(|metadata| is_settled(&metadata)) {
        return Ok(bytes);
    }
    // A file system without locks, and a writer that does not end, are read all the same.
    drop(lock::obtained_within(WRITE_WAIT, WRITE_RETRY, || file.try_lock_shared()));
    file.rewind()?;
    let bytes = read(file);
    drop(file.unlock());
    bytes
}
