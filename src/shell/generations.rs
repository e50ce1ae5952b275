//! A file of lines that several processes append to without a lock, in two generations of bounded size.
//!
//! A line is short enough to be appended whole. Only moving a full file aside takes a lock, on the file itself.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::fs::identity::{self, Identity};
use crate::fs::{lock, open, owner_only};

/// How long to wait for another process that moves the file aside at the same moment. A rename takes microseconds.
const ROTATION_WAIT: Duration = Duration::from_millis(10);
/// How often to try its lock meanwhile: ten times in all.
const ROTATION_RETRY: Duration = Duration::from_millis(1);
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

impl Generations {
    /// The lines in this file, which need not be there yet.
    #[must_use]
    pub const fn at(path: PathBuf, max_bytes: u64) -> Self {
        Self { path, max_bytes }
    }

    /// The file of the newer generation.
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
            let (newer, older) = (open::regular(&path)?, open::regular(&older(&path))?);
            // Moved aside between the two: the same file under both names.
            let moved =
                newer.as_ref().zip(older.as_ref()).is_some_and(|(a, b)| Identity::of(a).ok() == Identity::of(b).ok());
            if !moved {
                return Ok(older.into_iter().chain(newer).collect());
            }
        }
        Ok(open::regular(&path)?.into_iter().collect())
    }

    /// What the generations hold, the newer one first. One that cannot be opened or read holds nothing.
    pub fn newest_first(&self) -> impl Iterator<Item = Vec<u8>> {
        // One that could not be moved aside may be larger, not without bounds.
        let bound = usize::try_from(2 * self.max_bytes).unwrap_or(usize::MAX);
        let newest_first = self.all().unwrap_or_default().into_iter().rev();
        newest_first.filter_map(move |file| open::read_bounded(file, bound).ok().map(|(bytes, _more)| bytes))
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
            options.read(true).append(true).create(true).mode(owner_only::FILE_MODE);
            Ok(open::regular_with(&mut options, &self.path)?)
        };
        open().or_else(|error: io::Error| match (error.kind(), self.path.parent()) {
            (io::ErrorKind::NotFound, Some(directory)) => {
                owner_only::create_directory(directory)?;
                open()
            }
            _ => Err(error),
        })
    }

    /// Moves the open file aside, over the generation before it. True when its name leads elsewhere then, by whomever.
    /// Only who has the lock on this very file moves it: of two who find it full, the second sees that it is gone.
    fn move_aside(&self, file: &File) -> io::Result<bool> {
        if !lock::obtained_within(ROTATION_WAIT, ROTATION_RETRY, || file.try_lock())? {
            return Ok(false);
        }
        let path = self.resolved();
        if identity::is_at(file, &path)? {
            fs::rename(&path, older(&path))?;
        }
        Ok(true)
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
