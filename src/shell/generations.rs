//! A file of lines that several processes append to without a lock, in two generations of bounded size.
//!
//! A line is short enough to be appended whole. Only moving a full file aside takes a lock, on the file itself.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::atomic::{OWNER_ONLY_DIRECTORY, OWNER_ONLY_FILE};

/// How often another process that moves the file aside at the same moment is waited for, and how long each time. A rename
/// takes microseconds.
const ROTATION_LOOKS: u32 = 10;
const ROTATION_PAUSE: Duration = Duration::from_millis(1);
/// How often the file is opened again because it was moved aside meanwhile.
const OPENINGS: u32 = 3;
/// What the name of the older generation ends with.
const OLDER: &str = ".1";

/// The lines at a path. Nothing is opened before it is needed.
#[derive(Debug, Clone)]
pub struct Generations {
    path: PathBuf,
    /// A file of this size, in bytes, is moved aside.
    max_bytes: u64,
}

/// Which file a handle or a name leads to.
pub type Identity = (u64, u64);

impl Generations {
    /// The lines in this file, which need not be there yet.
    #[must_use]
    pub const fn at(path: PathBuf, max_bytes: u64) -> Self {
        Self { path, max_bytes }
    }

    /// Where they are.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The generations that are there, the older one first.
    ///
    /// # Errors
    /// Whatever keeps a file that is there from being opened.
    pub fn all(&self) -> io::Result<Vec<File>> {
        let path = self.resolved();
        for _ in 1..OPENINGS {
            let (newer, older) = (existing(&path)?, existing(&older(&path))?);
            // Moved aside between the two: the same file under both names.
            let moved = newer.as_ref().zip(older.as_ref()).is_some_and(|(a, b)| identity(a).ok() == identity(b).ok());
            if !moved {
                return Ok(older.into_iter().chain(newer).collect());
            }
        }
        Ok(existing(&path)?.into_iter().collect())
    }

    /// What the generations hold, the newer one first. One that cannot be opened or read holds nothing.
    pub fn newest_first(&self) -> impl Iterator<Item = Vec<u8>> {
        // One that could not be moved aside may be larger, not without bounds.
        let bound = 2 * self.max_bytes;
        self.all().unwrap_or_default().into_iter().rev().filter_map(move |file| {
            let mut bytes = Vec::new();
            file.take(bound).read_to_end(&mut bytes).ok()?;
            Some(bytes)
        })
    }

    /// The file itself: of a link its target is moved aside, not the link.
    #[must_use]
    pub fn resolved(&self) -> PathBuf {
        fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone())
    }

    /// Appends a line, with its end.
    ///
    /// # Errors
    /// Whatever opening or writing says.
    pub fn append(&self, line: &[u8]) -> io::Result<()> {
        let mut openings = 1;
        loop {
            let file = self.open()?;
            let size = file.metadata()?.len();
            if size >= self.max_bytes && openings < OPENINGS && self.move_aside(&file)? {
                openings += 1;
                continue;
            }
            return write_line(file, size, line);
        }
    }

    fn open(&self) -> io::Result<File> {
        let open = || {
            let mut options = OpenOptions::new();
            options.read(true).append(true).create(true).mode(OWNER_ONLY_FILE);
            regular(options.custom_flags(no_waiting()).open(&self.path)?)
        };
        open().or_else(|error| match (error.kind(), self.path.parent()) {
            (io::ErrorKind::NotFound, Some(directory)) => {
                DirBuilder::new().recursive(true).mode(OWNER_ONLY_DIRECTORY).create(directory)?;
                open()
            }
            _ => Err(error),
        })
    }

    /// Moves the open file aside, over the generation before it. True when its name leads elsewhere then, by whomever.
    /// Only who has the lock on this very file moves it: of two who find it full, the second sees that it is gone.
    fn move_aside(&self, file: &File) -> io::Result<bool> {
        for _ in 0..ROTATION_LOOKS {
            match file.try_lock() {
                Ok(()) => {
                    let path = self.resolved();
                    let named = existing(&path)?.map(|named| identity(&named)).transpose()?;
                    if named == Some(identity(file)?) {
                        fs::rename(&path, older(&path))?;
                    }
                    return Ok(true);
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(ROTATION_PAUSE),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(false)
    }
}

fn write_line(mut file: File, size: u64, line: &[u8]) -> io::Result<()> {
    let mut last = [b'\n'];
    if size > 0 {
        file.read_exact_at(&mut last, size - 1)?;
    }
    // Somebody was cut off in the middle of a line: it must not take this one with it.
    let written = if last == [b'\n'] { file.write(line)? } else { file.write(&[b"\n", line].concat())? };
    if written < line.len() { Err(io::ErrorKind::WriteZero.into()) } else { Ok(()) }
}

/// The path of the older generation.
pub fn older(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(OLDER);
    name.into()
}

/// The file, if there is one.
///
/// # Errors
/// Whatever keeps it from being opened.
pub fn existing(path: &Path) -> io::Result<Option<File>> {
    match OpenOptions::new().read(true).custom_flags(no_waiting()).open(path) {
        Ok(file) => regular(file).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A pipe would keep whoever opens it until somebody comes to the other end.
const fn no_waiting() -> i32 {
    rustix::fs::OFlags::NONBLOCK.bits().cast_signed()
}

fn regular(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a regular file")) }
}

/// Which file this is.
///
/// # Errors
/// Whatever keeps it from being looked at.
pub fn identity(file: &File) -> io::Result<Identity> {
    let metadata = file.metadata()?;
    Ok((metadata.dev(), metadata.ino()))
}
