//! Files of other people's projects, read without ever waiting for them and without trusting their size.
use std::fs::{File, FileType, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// Why a file was not opened.
#[derive(Debug)]
pub(super) enum OpenFault {
    /// It is something else: a directory, FIFO, socket or device.
    NotAFile(&'static str),
    /// The system refused.
    Io(std::io::Error),
}

/// Opens a regular file, or tells that there is none. Opening a FIFO for reading would wait for a writer, so the
/// kind is looked at first, and the open itself does not wait either, should the kind change in between.
pub(super) fn open_regular(path: &Path) -> Result<Option<File>, OpenFault> {
    let kind = match std::fs::metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(OpenFault::Io(error)),
    };
    irregular(kind).map_or(Ok(()), |kind| Err(OpenFault::NotAFile(kind)))?;
    let flags = i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits()).unwrap_or_default();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(OpenFault::Io(error)),
    };
    let kind = file.metadata().map_err(OpenFault::Io)?.file_type();
    irregular(kind).map_or(Ok(Some(file)), |kind| Err(OpenFault::NotAFile(kind)))
}

/// The first bytes of a file as text, with whatever is not UTF-8 replaced; and whether there is more. `None` when
/// there is no such file or it cannot be read: a project is described by what is there.
pub(super) fn read_start(path: &Path, max_bytes: usize) -> Option<(String, bool)> {
    let file = open_regular(path).ok()??;
    let mut bytes = Vec::new();
    file.take(max_bytes as u64 + 1).read_to_end(&mut bytes).ok()?;
    let more = bytes.len() > max_bytes;
    bytes.truncate(max_bytes);
    Some((String::from_utf8_lossy(&bytes).into_owned(), more))
}

/// What something is when it is no regular file.
fn irregular(kind: FileType) -> Option<&'static str> {
    if kind.is_file() {
        None
    } else if kind.is_dir() {
        Some("a directory")
    } else if kind.is_fifo() {
        Some("a FIFO")
    } else if kind.is_socket() {
        Some("a socket")
    } else {
        Some("a device")
    }
}
