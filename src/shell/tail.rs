//! Reads a file while another process writes it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::UNIX_EPOCH;

use crate::fs::open;

/// How much is read at once, in bytes: large enough for a rate of GB/s, small enough to stay in the cache.
const CHUNK_BYTES: usize = 256 * 1024;

/// A position in a growing file.
#[derive(Debug)]
pub struct Tail {
    file: File,
    buffer: Vec<u8>,
    position: u64,
}

impl Tail {
    /// Opens the file so many bytes after its beginning, with an open file description of its own.
    ///
    /// # Errors
    /// As [`File::open`].
    pub fn open(path: &Path, position: u64) -> io::Result<Self> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(position))?;
        Ok(Self { file, buffer: vec![0; CHUNK_BYTES], position })
    }

    /// The bytes that have come since the last call, at most one chunk; empty at the present end of the file.
    ///
    /// # Errors
    /// As [`Read::read`].
    pub fn read(&mut self) -> io::Result<&[u8]> {
        loop {
            match self.file.read(&mut self.buffer) {
                Ok(count) => {
                    self.position += count as u64;
                    return Ok(&self.buffer[..count]);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// How far it was read, in bytes.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// How long the file is at this moment, in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.file.metadata().map_or(0, |metadata| metadata.len())
    }

    /// When it was written last, in Unix seconds.
    #[must_use]
    pub fn written_at(&self) -> Option<f64> {
        let written = self.file.metadata().ok()?.modified().ok()?;
        written.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs_f64())
    }
}

/// The first and the last `limit` bytes of a file, as text; invalid UTF-8 becomes U+FFFD. An unreadable file has none.
#[must_use]
pub fn ends(path: &Path, limit: usize) -> Ends {
    let read = || -> io::Result<Ends> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let text = |(bytes, _more): (Vec<u8>, bool)| String::from_utf8_lossy(&bytes).into_owned();
        let first = text(open::read_bounded(&file, limit)?);
        file.seek(SeekFrom::Start(length.saturating_sub(limit as u64)))?;
        Ok(Ends { first, last: text(open::read_bounded(&file, limit)?) })
    };
    read().unwrap_or_default()
}

/// What [`ends`] read. Both are the whole file where it is short.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ends {
    /// The text at its beginning.
    pub first: String,
    /// The text at its end.
    pub last: String,
}
