//! Cancelling a job, in three steps: its record is marked, its run is ended, its record says that nothing of it runs. Where a
//! process dies between two steps, the next reader of the record does the rest.

use std::fs::File;
use std::time::Duration;

use super::Jobs;
use crate::fs::atomic::Durability;
use crate::fs::{failpoint, lock};
use crate::machines::cancel::{self, CancelOutcome};
use crate::machines::ids::JobId;
use crate::machines::job::{Event, State, Status};
use crate::machines::rejected::Rejected;
use crate::shell::record::Record;
use crate::shell::store::{JobFile, Patch, StoreError};
use crate::shell::{cancelled, job_lock, leftovers, orphan, session_lock};

/// How often to look whether the supervisor has left: nobody waits noticeably longer for its end.
const END_RETRY: Duration = Duration::from_millis(5);

impl Jobs {
    /// Marks a job cancelled, then ends its run and everything that it started. Blocks until that is gone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn cancel(&self, id: &JobId) -> Result<(CancelOutcome, Status), StoreError> {
        let record = self.store().read(id)?;
        let ours = self.store().file(id, JobFile::Lock).exists();
        if !cancel::can_be_told(ours, record.status) {
            return Ok((CancelOutcome::Running, Status::Running));
        }
        let patch = cancelled::patch(self.store(), &record);
        let stepped = match self.store().step(id, &Event::Cancel, patch, Durability::Cached) {
            Ok(stepped) => stepped,
            Err(StoreError::Rejected(Rejected::NoOp { .. } | Rejected::Invalid { .. })) => {
                // Whoever asked first may have died before the run was ended.
                let record = self.store().read(id)?;
                if record.state() == State::Stopping {
                    self.finish_stopping(&record);
                }
                return Ok((CancelOutcome::AlreadyTerminal, record.status));
            }
            Err(error) => return Err(error),
        };
        tracing::info!(%id, "job cancelled");
        failpoint::reach("marked");
        if stepped.end_run {
            self.finish_stopping(&stepped.record);
        }
        Ok((CancelOutcome::of_marked(stepped.record.started_at.is_some()), Status::Cancelled))
    }

    /// Ends what is left of a job that was told to end. Blocks until that is gone.
    pub(super) fn finish_stopping(&self, record: &Record) {
        let id = &record.id;
        let mut lock = None;
        if self.store().file(id, JobFile::Lock).exists() {
            lock = self.end_run(id);
            if record.is_call() {
                self.end_parts(id);
            }
            failpoint::reach("ended");
            if lock.is_none() {
                return;
            }
            session_lock::release(self.store().directory(), record.session_id.as_deref());
            if record.started_at.is_some() && !record.is_call() {
                orphan::account_cancelled(self.store(), record);
            }
        }
        // Refused where its supervisor has said so itself.
        if let Err(error) = self.store().step(id, &Event::Stopped, Patch::default(), Durability::Cached) {
            tracing::debug!(%id, %error, "not noted that the run is ended");
        }
        drop(lock);
    }

    /// Sends SIGTERM to the supervisor that the job lock names, and waits until it has left. Then, or when it does not leave
    /// in time, the processes of the run are killed here. Returns the job lock where the supervisor has left.
    fn end_run(&self, id: &JobId) -> Option<File> {
        let path = self.store().file(id, JobFile::Lock);
        let file = File::open(&path).ok()?;
        let limit = Duration::from_millis(cancel::END_WAIT_MS);
        let mut told = false;
        let attempt = || file.try_lock().inspect_err(|_| told = told || job_lock::tell_holder(&path));
        let gone = lock::obtained_within(limit, END_RETRY, attempt).unwrap_or(false);
        let ended = leftovers::end_all(self.store(), id);
        tracing::debug!(%id, told, gone, ended, "run ended");
        gone.then_some(file)
    }
}
