//! Reads a file while another process writes it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::UNIX_EPOCH;

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
pub fn ends(path: &Path, limit: u64) -> Ends {
    let read = || -> io::Result<(Vec<u8>, Vec<u8>)> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let (mut first, mut last) = (Vec::new(), Vec::new());
        (&mut file).take(limit).read_to_end(&mut first)?;
        file.seek(SeekFrom::Start(length.saturating_sub(limit)))?;
        file.take(limit).read_to_end(&mut last)?;
        Ok((first, last))
    };
    let (first, last) = read().unwrap_or_default();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ends { first: text(first), last: text(last) }
}

/// What [`ends`] read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ends {
    /// The beginning.
    pub first: String,
    /// The end; the same where the file is short.
    pub last: String,
}
