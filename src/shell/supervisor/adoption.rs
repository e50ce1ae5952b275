//! A run that goes on after its supervisor died: another one waits for its end and reads its answer from the file.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::output::Output;
use super::place::Place;
use super::{Process, Supervision};
use crate::machines::dispatch;
use crate::shell::clock;
use crate::shell::record::Record;
use crate::shell::spawner::{Exit, ProcessSpawner};
use crate::shell::store::JobFile;

/// How often to look whether the worker is gone. It is not our child, so nobody tells us.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// Milliseconds of a second.
const MS_PER_SECOND: f64 = 1_000.0;

impl<S: ProcessSpawner> Supervision<'_, S> {
    /// Takes over a run that the record calls running. It may work on, it may be over: its fence tells.
    pub(super) fn adopt(&mut self, record: &Record) {
        let left_seconds = record.deadline_at.map_or(0.0, |deadline| deadline - clock::unix_seconds());
        // A clock that was set may say anything; no run gets more than its whole time again.
        #[expect(clippy::cast_precision_loss, reason = "a timeout is at most some thousand seconds")]
        let left_ms = (left_seconds * MS_PER_SECOND).clamp(0.0, self.timeout_ms() as f64);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a timeout")]
        let deadline = clock::monotonic().plus(left_ms as u64);
        self.state = dispatch::adopted(self.timeout_ms(), deadline);
        self.output = Output::open(&self.store.file(&self.id, JobFile::Stdout));
        let exit = Box::pin(free(self.store.file(&self.id, JobFile::Stderr)));
        self.process = Some(Process { group: None, exit });
        self.claimed = Some(record.clone());
        self.place = Place::of_adopted(self.store.directory(), &self.id, self.plan);
    }
}

/// Completes when nobody holds the fence: claude and all that inherited it are gone.
async fn free(fence: PathBuf) -> Exit {
    let file = match File::open(&fence) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Exit::Unknown,
        Err(error) => {
            tracing::warn!(%error, "the fence cannot be read; the run's time decides");
            return std::future::pending().await;
        }
    };
    while file.try_lock().is_err() {
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
    Exit::Unknown
}
