//! Waiting for the end of a job without asking again and again.
//!
//! A supervisor holds its lock file open for writing as long as it lives, and every change of a record takes the lock of
//! that record; the kernel tells when the last writer of such a file closes it.

#[cfg(target_os = "linux")]
mod linux;

use std::path::Path;
use std::time::Duration;

/// The longest wait for the kernel's news before the job is looked at anyway: news may be missed between two looks.
#[cfg(target_os = "linux")]
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// The wait between two looks where there is no news: for a job without a folder, elsewhere than on Linux, and when the user
/// has no watch left (128 are usual). An end must be told within 100 ms (contract).
const LOOK_AGAIN_UNTOLD: Duration = Duration::from_millis(80);

/// The watches of a process, on one inotify descriptor that clones share. The user has few of them, and closing one takes
/// some 20 ms, because Linux waits until nobody can be using it; that must not delay the answer of a job.
#[derive(Debug, Clone, Default)]
pub struct Watches {
    #[cfg(target_os = "linux")]
    kernel: std::sync::Arc<std::sync::Mutex<Option<linux::Listener>>>,
}

/// News of one job.
#[derive(Debug)]
pub struct Watch {
    #[cfg(target_os = "linux")]
    told: Option<linux::Told>,
}

impl Watches {
    /// Watches the folder of a job. Without one there is no news, only the next look.
    ///
    /// # Panics
    /// Outside a runtime.
    #[must_use]
    pub fn of(&self, folder: &Path) -> Watch {
        #[cfg(target_os = "linux")]
        return Watch { told: self.told(folder).inspect_err(|error| tracing::debug!(%error, "no watch")).ok() };
        #[cfg(not(target_os = "linux"))]
        {
            let _ = folder;
            Watch {}
        }
    }

    #[cfg(target_os = "linux")]
    fn told(&self, folder: &Path) -> std::io::Result<linux::Told> {
        let mut kernel = self.kernel.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let listener = match kernel.take().filter(linux::Listener::is_listening) {
            Some(listener) => listener,
            None => linux::Listener::start()?,
        };
        kernel.insert(listener).listen_to(folder)
    }
}

impl Watch {
    /// Completes when it is time to look at the job again.
    pub async fn changed(&mut self) {
        #[cfg(target_os = "linux")]
        if let Some(told) = &mut self.told {
            match tokio::time::timeout(LOOK_AGAIN, told.changed()).await {
                Ok(true) | Err(_) => return,
                Ok(false) => self.told = None,
            }
        }
        tokio::time::sleep(LOOK_AGAIN_UNTOLD).await;
    }
}
