//! Waiting for the end of a job without asking again and again.
//!
//! A supervisor holds its lock file open for writing as long as it lives, and every change of a record takes the lock of
//! that record; the kernel tells when the last writer of such a file closes it.

use std::io;
use std::path::Path;
use std::time::Duration;

/// How long to wait at most before looking again: the kernel's news may be missed between two looks, and elsewhere than on
/// Linux there is none.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Likewise where the system brings no news: for a job without a folder, elsewhere than on Linux, and when the user has
/// no watch left (128 are usual). An end must be told within 100 ms (contract).
const LOOK_AGAIN_UNTOLD: Duration = Duration::from_millis(80);

/// News of one job.
#[derive(Debug)]
pub struct Watch {
    #[cfg(target_os = "linux")]
    events: Option<tokio::net::unix::pipe::Receiver>,
}

impl Watch {
    /// Watches the folder of a job. Without one there is no news, only the next look.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        #[cfg(target_os = "linux")]
        return Self { events: linux(folder).inspect_err(|error| tracing::debug!(%error, "no watch")).ok() };
        #[cfg(not(target_os = "linux"))]
        {
            let _ = folder;
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
        tokio::time::sleep(LOOK_AGAIN_UNTOLD).await;
    }
}

/// The kernel's events are read like a pipe: its reader is the one type of the runtime that takes any descriptor safely.
#[cfg(target_os = "linux")]
fn linux(folder: &Path) -> io::Result<tokio::net::unix::pipe::Receiver> {
    use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
    let events = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
    add_watch(&events, folder, WatchFlags::CLOSE_WRITE | WatchFlags::DELETE_SELF)?;
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
