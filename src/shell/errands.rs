//! Work on files that is begun by a loop and must neither hold it up nor be cut off.
//!
//! A submission that is cut off between its record and its supervisor leaves a job that the next reader would run, unseen by
//! whoever asked; so does not one that is done to its end and then finds its leash closed.

use std::time::Duration;

use tokio_util::task::TaskTracker;

/// What is under way. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Errands(TaskTracker);

impl Errands {
    /// Does `work` on a thread that may wait for a disk. It is done to its end even when the future is dropped. A panic in
    /// it is passed on.
    ///
    /// # Panics
    /// Outside a runtime.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        match self.0.spawn_blocking(work).await.map_err(tokio::task::JoinError::try_into_panic) {
            Ok(done) => done,
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            // Never begun, because the runtime ends; and with it whoever waits here.
            Err(Err(_)) => std::future::pending().await,
        }
    }

    /// As [`Self::run`], for work whose end nobody waits for.
    ///
    /// # Panics
    /// Outside a runtime.
    pub fn start(&self, work: impl FnOnce() + Send + 'static) {
        drop(self.0.spawn_blocking(work));
    }

    /// Waits until all that was begun is done, at most `patience`: a dead disk must not keep the process.
    pub async fn done(&self, patience: Duration) {
        self.0.close();
        if tokio::time::timeout(patience, self.0.wait()).await.is_err() {
            tracing::warn!(left = self.0.len(), "files are still being written");
        }
    }
}
