//! What a supervisor inherits: its job's lock and its leash.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use crate::shell::leash::Outlet;

/// The job's lock, where standard output is it, with this process's id in it: whoever cancels the job tells that process.
pub(super) fn inherited_lock(path: PathBuf) -> io::Result<Option<File>> {
    let mut lock = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let (inherited, named) = (lock.metadata()?, std::fs::metadata(path)?);
    if (inherited.dev(), inherited.ino()) != (named.dev(), named.ino()) {
        return Ok(None);
    }
    lock.set_len(0)?;
    lock.rewind()?;
    writeln!(lock, "{}", std::process::id())?;
    Ok(Some(lock))
}

/// The leash, where standard input is a socket.
pub(super) fn inherited_leash() -> io::Result<Option<Outlet>> {
    let input: OwnedFd = io::stdin().as_fd().try_clone_to_owned()?;
    let kind = rustix::fs::FileType::from_raw_mode(rustix::fs::fstat(&input)?.st_mode);
    if kind != rustix::fs::FileType::Socket {
        return Ok(None);
    }
    let socket = std::os::unix::net::UnixStream::from(input);
    socket.set_nonblocking(true)?;
    Ok(Some(Outlet::new(tokio::net::UnixStream::from_std(socket)?)))
}
