//! Blocking work that an async task starts: it runs on a thread of its own and always finishes, also when the task that
//! started it is dropped.
//!
//! A job's submission is such work. Were it cut off between the record and the supervisor, the next reader of the record
//! would start a supervisor for a job that nobody waits for. So it finishes, and the supervisor then finds its leash closed
//! and ends the job.

use std::time::Duration;

use tokio_util::task::TaskTracker;

/// The blocking work under way. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct BlockingTasks(TaskTracker);

impl BlockingTasks {
    /// Runs `work` on a thread that may block. It finishes even when this future is dropped. A panic in it is passed on.
    ///
    /// # Panics
    /// Outside a runtime.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        match self.0.spawn_blocking(work).await.map_err(tokio::task::JoinError::try_into_panic) {
            Ok(done) => done,
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            // The runtime shuts down before `work` began: this future is dropped with it.
            Err(Err(_)) => std::future::pending().await,
        }
    }

    /// As [`Self::run`], without waiting for the end.
    ///
    /// # Panics
    /// Outside a runtime.
    pub fn start(&self, work: impl FnOnce() + Send + 'static) {
        drop(self.0.spawn_blocking(work));
    }

    /// Waits for all of it, at most `patience`: a dead disk must not keep the process.
    pub async fn done(&self, patience: Duration) {
        self.0.close();
        if tokio::time::timeout(patience, self.0.wait()).await.is_err() {
            tracing::warn!(left = self.0.len(), "files are still being written");
        }
    }
}
