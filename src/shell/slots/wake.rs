//! Wake-ups: named pipes that only ever say "look again".
//!
//! Nothing is decided from them. One that is missed, cannot be made or comes for nothing costs a look, sooner or later.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use tokio::net::unix::pipe::Receiver;

/// Pipes are made as small as the kernel has them: it bounds a user's pipes by their sum (16,384 pages on Linux).
#[cfg(target_os = "linux")]
const PIPE_BYTES: usize = 4096;

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
    make(path).and_then(|()| open(path, access)).inspect(shrink).ok()
}

fn open(path: &Path, access: OFlags) -> rustix::io::Result<File> {
    rustix::fs::open(path, access | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()).map(File::from)
}

#[cfg(not(target_vendor = "apple"))]
fn make(path: &Path) -> rustix::io::Result<()> {
    match rustix::fs::mkfifoat(rustix::fs::CWD, path, Mode::RUSR | Mode::WUSR) {
        Err(rustix::io::Errno::EXIST) => Ok(()),
        made => made,
    }
}

/// There is no safe call for it: askers look at their intervals.
#[cfg(target_vendor = "apple")]
fn make(_path: &Path) -> rustix::io::Result<()> {
    Err(rustix::io::Errno::NOTSUP)
}

#[cfg(target_os = "linux")]
fn shrink(file: &File) {
    let _ = rustix::pipe::fcntl_setpipe_size(file, PIPE_BYTES);
}

#[cfg(not(target_os = "linux"))]
fn shrink(_file: &File) {}
