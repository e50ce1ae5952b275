//! Wake-ups: named pipes that only ever say "look again".
//!
//! Nothing is decided from them. One that is missed, cannot be made or comes for nothing costs a look, sooner or later.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use tokio::net::unix::pipe::Receiver;

use crate::os::file::{make_pipe, shrink_pipe};

/// The pipe that an asker holds open while it is in the queue. The kernel closes it for one that dies.
#[derive(Debug)]
pub struct ExitPipe {
    #[expect(dead_code, reason = "held open; that it is closed is the message")]
    file: File,
}

impl ExitPipe {
    /// Opens the asker's own pipe; `None` where that is impossible.
    pub fn open(path: &Path) -> Option<Self> {
        pipe(path, OFlags::RDWR).map(|file| Self { file })
    }

    /// Wakes those who listen to a pipe that its owner never opened, as closing it would.
    pub fn signal_exit(path: &Path) {
        drop(open(path, OFlags::WRONLY));
    }
}

/// Rings a bell. Where nobody listens nothing happens.
pub fn ring(path: &Path) {
    if let Ok(file) = open(path, OFlags::WRONLY) {
        drop(io::Write::write(&mut &file, b"!"));
    }
}

/// Waits for somebody else's exit, or for the bell.
#[derive(Debug)]
pub struct Waker {
    path: PathBuf,
    file: File,
    receiver: Option<Receiver>,
}

impl Waker {
    /// Waits for the exit of a pipe's owner, who may not have opened it yet.
    pub fn on_exit_pipe(path: PathBuf) -> Option<Self> {
        Self::on(path, OFlags::RDONLY)
    }

    /// Waits for the bell. It is opened for writing, too, so that it stays open when one who rang it closes it.
    pub fn on_bell(path: PathBuf) -> Option<Self> {
        Self::on(path, OFlags::RDWR)
    }

    fn on(path: PathBuf, access: OFlags) -> Option<Self> {
        pipe(&path, access).map(|file| Self { path, file, receiver: None })
    }

    /// The pipe that it waits on.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Completes when the pipe is readable or closed. Needs a runtime.
    pub async fn woken(&mut self) -> io::Result<()> {
        if self.receiver.is_none() {
            self.receiver = Some(Receiver::from_file_unchecked(self.file.try_clone()?)?);
        }
        match &self.receiver {
            Some(receiver) => receiver.readable().await,
            None => Ok(()),
        }
    }
}

/// A pipe of that name, made if it is not there. `None` where that is impossible: then there is no wake-up.
fn pipe(path: &Path, access: OFlags) -> Option<File> {
    make(path).and_then(|()| open(path, access)).inspect(shrink_pipe).ok()
}

fn open(path: &Path, access: OFlags) -> io::Result<File> {
    Ok(rustix::fs::open(path, access | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())?.into())
}

fn make(path: &Path) -> io::Result<()> {
    match make_pipe(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}
