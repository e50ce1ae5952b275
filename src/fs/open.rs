//! Files whose kind and size nobody vouches for: opened without waiting, read up to a bound.

use std::fs::{File, FileType, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use super::if_exists;

/// Why a file was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is no regular file; the field names what it is, with its article.
    #[error("it is {0}, not a file")]
    Irregular(&'static str),
    /// The system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<OpenError> for io::Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Io(error) => error,
            OpenError::Irregular(_) => Self::other("not a regular file"),
        }
    }
}

/// Opens a regular file for reading; `None` where there is none. The kind is looked at before the open, which would wait
/// for a writer of a FIFO and may have an effect on a device; the open itself does not wait either, should the file be
/// replaced in between.
pub fn regular(path: &Path) -> Result<Option<File>, OpenError> {
    let Some(metadata) = if_exists(std::fs::metadata(path))? else { return Ok(None) };
    check_regular(metadata.file_type())?;
    let Some(file) = if_exists(without_waiting(OpenOptions::new().read(true)).open(path))? else { return Ok(None) };
    check_regular(file.metadata()?.file_type())?;
    Ok(Some(file))
}

/// Opens a regular file with `options`, which may create it, without waiting as [`regular`] does.
pub fn regular_with(options: &mut OpenOptions, path: &Path) -> Result<File, OpenError> {
    let file = without_waiting(options).open(path)?;
    check_regular(file.metadata()?.file_type())?;
    Ok(file)
}

/// The first `max_bytes` bytes of a file, and whether there are more.
pub fn read_bounded(file: impl Read, max_bytes: usize) -> io::Result<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    file.take((max_bytes as u64).saturating_add(1)).read_to_end(&mut bytes)?;
    let more = bytes.len() > max_bytes;
    bytes.truncate(max_bytes);
    Ok((bytes, more))
}

/// As [`read_bounded`], of a regular file, as text: what is not UTF-8 becomes U+FFFD. `None` where there is no such file or
/// it cannot be read.
pub fn read_start(path: &Path, max_bytes: usize) -> Option<(String, bool)> {
    let (bytes, more) = read_bounded(regular(path).ok()??, max_bytes).ok()?;
    Some((String::from_utf8_lossy(&bytes).into_owned(), more))
}

/// As [`read_start`], but `None` also for a file of more than `max_bytes` bytes.
pub fn read_whole(path: &Path, max_bytes: usize) -> Option<String> {
    read_start(path, max_bytes).filter(|(_, more)| !more).map(|(text, _)| text)
}

fn without_waiting(options: &mut OpenOptions) -> &mut OpenOptions {
    options.custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed())
}

fn check_regular(kind: FileType) -> Result<(), OpenError> {
    let what = match kind {
        kind if kind.is_file() => return Ok(()),
        kind if kind.is_dir() => "a directory",
        kind if kind.is_fifo() => "a FIFO",
        kind if kind.is_socket() => "a socket",
        _ => "a device",
    };
    Err(OpenError::Irregular(what))
}
