//! What a supervisor was given at its start, in the place of standard input, output and error; and its name.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use crate::fs::identity;
use crate::machines::ids::JobId;
use crate::shell::leash::Outlet;
use crate::shell::slots::SlotRequest;

/// The job's lock, where standard output is it, with this process's id in it: whoever cancels the job tells that process.
pub fn lock(path: PathBuf) -> io::Result<Option<File>> {
    let mut lock = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    if !identity::is_at(&lock, &path)? {
        return Ok(None);
    }
    lock.set_len(0)?;
    lock.rewind()?;
    writeln!(lock, "{}", std::process::id())?;
    Ok(Some(lock))
}

/// The ticket for a slot, where standard error is it: it was taken when the job was submitted, so that its place in the
/// queue is that of its submission. What is written to standard error goes nowhere then.
pub fn ticket(jobs: &Path, id: &JobId, depth: u32) -> io::Result<Option<SlotRequest>> {
    let ticket = File::from(io::stderr().as_fd().try_clone_to_owned()?);
    if !ticket.metadata()?.is_file() {
        return Ok(None);
    }
    let ticket = SlotRequest::inherited(jobs, depth, &id.to_string(), ticket)?;
    if ticket.is_some() {
        rustix::stdio::dup2_stderr(File::options().write(true).open("/dev/null")?)?;
    }
    Ok(ticket)
}

/// The leash, where standard input is a socket, and whether the caller has let go of it already.
pub fn leash() -> io::Result<(Option<Outlet>, bool)> {
    let input: OwnedFd = io::stdin().as_fd().try_clone_to_owned()?;
    let kind = rustix::fs::FileType::from_raw_mode(rustix::fs::fstat(&input)?.st_mode);
    if kind != rustix::fs::FileType::Socket {
        return Ok((None, false));
    }
    let mut socket = std::os::unix::net::UnixStream::from(input);
    socket.set_nonblocking(true)?;
    // A caller sends nothing: all that can be read is that it is gone.
    let gone = matches!(socket.read(&mut [0]), Ok(0));
    Ok((Some(Outlet::new(tokio::net::UnixStream::from_std(socket)?)), gone))
}
