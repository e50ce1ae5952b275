//! Waiting for the end of a job without asking again and again.
//!
//! A supervisor holds its lock file open for writing as long as it lives; the kernel tells when the last writer closes it.

use std::io;
use std::path::Path;
use std::time::Duration;

/// How long to wait at most before looking again: the kernel's news may be missed between two looks, and elsewhere than on
/// Linux there is none.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Likewise where the system brings no news.
#[cfg(not(target_os = "linux"))]
const LOOK_AGAIN_UNTOLD: Duration = Duration::from_millis(80);

/// News of one file.
#[derive(Debug)]
pub struct Watch {
    #[cfg(target_os = "linux")]
    events: Option<tokio::net::unix::pipe::Receiver>,
}

impl Watch {
    /// Watches the lock file of a job. Without a file there is no news, only the next look.
    #[must_use]
    pub fn of(lock: &Path) -> Self {
        #[cfg(target_os = "linux")]
        return Self { events: linux(lock).inspect_err(|error| tracing::debug!(%error, "no watch")).ok() };
        #[cfg(not(target_os = "linux"))]
        {
            let _ = lock;
            Self {}
        }
    }

    /// Completes when it is time to look at the job again.
    pub async fn changed(&self) {
        #[cfg(target_os = "linux")]
        if let Some(events) = &self.events {
            drop(tokio::time::timeout(LOOK_AGAIN, drained(events)).await);
            return;
        }
        #[cfg(not(target_os = "linux"))]
        tokio::time::sleep(LOOK_AGAIN_UNTOLD).await;
        #[cfg(target_os = "linux")]
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// The kernel's events are read like a pipe: its reader is the one type of the runtime that takes any descriptor safely.
#[cfg(target_os = "linux")]
fn linux(lock: &Path) -> io::Result<tokio::net::unix::pipe::Receiver> {
    use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
    let events = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
    add_watch(&events, lock, WatchFlags::CLOSE_WRITE | WatchFlags::DELETE_SELF)?;
    tokio::net::unix::pipe::Receiver::from_owned_fd_unchecked(events)
}

/// Waits for news and takes all of it.
#[cfg(target_os = "linux")]
async fn drained(events: &tokio::net::unix::pipe::Receiver) -> io::Result<()> {
    /// Room for many events; their content does not matter.
    const BUFFER_BYTES: usize = 4096;
    loop {
        events.readable().await?;
        match events.try_read(&mut [0_u8; BUFFER_BYTES]) {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}
