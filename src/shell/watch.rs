//! Waiting for the end of a job without asking again and again.
//!
//! A supervisor holds its lock file open for writing as long as it lives, and every change of a record takes the lock of
//! that record; the system tells when such a file is closed.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::store::JobFile;
use crate::os::news::{Listener, Told};

/// The longest wait for the system's news before the job is looked at anyway: news may be missed between two looks.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// The wait between two looks where there is no news: for a job without a folder, where the system tells none, and when the
/// user has no watch left (128 are usual). An end must be told within 100 ms (contract).
const LOOK_AGAIN_UNTOLD: Duration = Duration::from_millis(80);
/// The files whose locks are given up when a supervisor ends, and after each change of a record.
const LOCKS: [&str; 2] = [JobFile::Lock.as_str(), JobFile::Plan.as_str()];

/// The watches of a process, on one listener that clones share. The user has few of them, and closing one may take
/// some 20 ms, until nobody can be using it; that must not delay the answer of a job.
#[derive(Debug, Clone, Default)]
pub struct Watches(Arc<Mutex<Option<Listener>>>);

/// News of one job.
#[derive(Debug)]
pub struct Watch {
    told: Option<Told>,
}

impl Watches {
    /// Watches the folder of a job. Without one there is no news, only the next look.
    ///
    /// # Panics
    /// Outside a runtime.
    #[must_use]
    pub fn of(&self, folder: &Path) -> Watch {
        Watch { told: self.told(folder).inspect_err(|error| tracing::debug!(%error, "no watch")).ok() }
    }

    fn told(&self, folder: &Path) -> io::Result<Told> {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let listener = match shared.take().filter(Listener::is_listening) {
            Some(listener) => listener,
            None => Listener::start()?,
        };
        shared.insert(listener).listen_to(folder, &LOCKS)
    }
}

impl Watch {
    /// Completes when it is time to look at the job again.
    pub async fn changed(&mut self) {
        if let Some(told) = &mut self.told {
            match tokio::time::timeout(LOOK_AGAIN, told.changed()).await {
                Ok(true) | Err(_) => return,
                Ok(false) => self.told = None,
            }
        }
        tokio::time::sleep(LOOK_AGAIN_UNTOLD).await;
    }
}
