//! The end of a run: what is known is judged, stored and told.

use std::time::Duration;

use super::Supervision;
use crate::machines::dispatch::{CancelledBy, End};
use crate::machines::job;
use crate::machines::verdict::{self, Canceller, Ending, Evidence, NotStarted};
use crate::shell::atomic::Durability;
use crate::shell::leash::News;
use crate::shell::spawner::{Exit, ProcessSpawner};
use crate::shell::store::{Patch, StoreError};

/// How long the caller may take to receive the answer and to redeem its receipt before the supervisor leaves.
const FAREWELL: Duration = Duration::from_secs(10);
/// How often, and how many times, a result is written again that could not be written and that nobody waits for.
const RESCUE_INTERVAL: Duration = Duration::from_secs(1);
const RESCUE_ATTEMPTS: u32 = 600;

impl<S: ProcessSpawner> Supervision<'_, S> {
    /// Judges what is known, and stores the answer.
    pub(super) async fn conclude(&mut self, end: End) {
        self.progress.write_rest(&self.store, &self.id);
        let evidence = Evidence {
            plan: self.plan,
            ending: self.ending(end),
            omitted: self.omitted,
            result: self.output.result.take(),
            last_text: self.output.last_text.take(),
            last_retry: self.output.last_retry.take(),
            stray: self.output.stray.take(),
            stderr: std::mem::take(&mut self.stderr),
            session_id: self.output.session_id.take(),
            suggested_timeout_seconds: None,
        };
        let answered = evidence.result.is_some();
        let answer = verdict::judge(evidence);
        let event = job::Event::of_run(end, answered, answer.success);
        let patch = Patch {
            error: answer.error.clone(),
            // Our own types: text keys and finite numbers.
            result: serde_json::to_value(&answer).ok(),
            ..Patch::default()
        };
        self.store_conclusion(&event, patch).await;
    }

    fn ending(&mut self, end: End) -> Ending {
        match end {
            End::NotStarted => {
                let reason = self.not_started.take();
                Ending::NotStarted { reason: reason.unwrap_or_else(|| NotStarted::SpawnFailed(String::new())) }
            }
            End::Exited | End::Lingered => match self.exit {
                Some(Exit::Code(code)) => Ending::Exited { code },
                Some(Exit::Signal(signal)) if end == End::Exited => Ending::Signalled { signal },
                // It was ended by us after its answer, or its status could not be had: the answer decides.
                Some(Exit::Signal(_) | Exit::Unknown) | None => Ending::Exited { code: 0 },
            },
            End::TimedOut { .. } => Ending::TimedOut,
            End::Cancelled { by } => Ending::Cancelled {
                by: match by {
                    CancelledBy::Request => Canceller::Request,
                    CancelledBy::CallerGone => Canceller::CallerGone,
                },
            },
        }
    }

    async fn store_conclusion(&mut self, event: &job::Event, patch: Patch) {
        let durability = if self.leash.is_some() { Durability::Cached } else { Durability::Synced };
        for _ in 0..RESCUE_ATTEMPTS {
            match self.store.step(&self.id, event, patch.clone(), durability) {
                Ok(_) | Err(StoreError::Refused(_) | StoreError::NotFound(_)) => return,
                Err(error) => tracing::error!(id = %self.id, %error, "the answer cannot be written"),
            }
            if let (Some(leash), Ok(record)) = (&mut self.leash, self.store.preview(&self.id, event, patch.clone())) {
                leash.tell(&News::Rescued(Box::new(record)));
                return;
            }
            tokio::time::sleep(RESCUE_INTERVAL).await;
        }
    }

    /// Tells the caller, and waits until the answer is received or the caller is gone. An answer that stays in the store
    /// is put on the disk for good.
    pub(super) async fn take_leave(&mut self) {
        let Some(mut leash) = self.leash.take() else { return };
        leash.tell(&News::Ended);
        let received = async {
            while leash.is_behind() {
                leash.writable().await;
                leash.flush();
            }
            leash.closed().await;
        };
        drop(tokio::time::timeout(FAREWELL, received).await);
        if let Err(error) = self.store.sync(&self.id) {
            tracing::debug!(id = %self.id, %error, "record not synced");
        }
    }
}
