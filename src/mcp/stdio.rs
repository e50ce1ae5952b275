//! Standard input and output as streams that need no thread where the system allows it.
//!
//! Claude Code and Node give a server two sockets, Python two pipes, a shell anything.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;

use rmcp::transport::stdio_pipes;
use rustix::fs::{FileType, fstat};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;

/// What requests are read from.
pub type Input = Pin<Box<dyn AsyncRead + Send>>;
/// What answers are written to.
pub type Output = Pin<Box<dyn AsyncWrite + Send>>;

/// The process's own standard input and output.
pub fn streams() -> (Input, Output) {
    if let (Ok(Some(input)), Ok(Some(output))) = (socket(io::stdin().as_fd()), socket(io::stdout().as_fd())) {
        return (Box::pin(input), Box::pin(output));
    }
    let (input, output) = stdio_pipes();
    (Box::pin(input), Box::pin(output))
}

/// The stream behind a descriptor, where it is a socket.
fn socket(descriptor: impl AsFd) -> io::Result<Option<UnixStream>> {
    let stat = fstat(descriptor.as_fd())?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Socket {
        return Ok(None);
    }
    let owned: OwnedFd = descriptor.as_fd().try_clone_to_owned()?;
    let stream = std::os::unix::net::UnixStream::from(owned);
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream).map(Some)
}
