//! The parts of a call: they end with it, and are kept as long as it may read their answers.

use std::sync::Mutex;
use std::thread;

use super::Jobs;
use crate::fs::atomic::Durability;
use crate::machines::ids::JobId;
use crate::machines::job::{Event, State};
use crate::machines::summary::Summary;
use crate::shell::call::ledger::Ledger;
use crate::shell::cancelled;
use crate::shell::store::{Patch, StoreError};

/// How many runs are ended at once. Each may take the grace of SIGTERM.
const ENDERS: usize = 16;

impl Jobs {
    /// Ends all parts of a call that has ended itself, so that no further one begins. Blocks until they are gone.
    pub fn end_parts(&self, call: &JobId) {
        let noted = Ledger::jobs(self.store().clone(), *call);
        let parts = noted.unwrap_or_else(|error| {
            tracing::warn!(%call, %error, "the notes of a call cannot be read; its parts are searched for");
            let live = self.store().live().into_iter().map(|candidate| candidate.id);
            live.filter(|id| self.store().summary(id).is_ok_and(|job| job.part_of == Some(*call))).collect()
        });
        // All are marked before the first is ended: its slot would go to the next one.
        let reason = || Some(format!("cancelled with the call {call}"));
        let patch = |part: &JobId| {
            let known =
                self.store().read(part).map(|record| cancelled::patch(self.store(), &record)).unwrap_or_default();
            Patch { error: reason(), ..known }
        };
        let mark = |part: &JobId| {
            matches!(
                self.store().step(part, &Event::Cancel, patch(part), Durability::Cached),
                Ok(_) | Err(StoreError::Rejected(_))
            )
        };
        let marked = parts.into_iter().filter(mark).collect::<Vec<_>>();
        let enders = marked.len().min(ENDERS);
        let left = Mutex::new(marked.into_iter());
        let next = || left.lock().ok()?.next();
        thread::scope(|scope| {
            for _ in 0..enders {
                scope.spawn(|| {
                    while let Some(part) = next() {
                        if let Err(error) = self.cancel(&part) {
                            tracing::warn!(%call, %part, %error, "a part of a cancelled call is not ended");
                        }
                    }
                });
            }
        });
    }

    /// Where the call stands that a job is a part of.
    pub(super) fn state_of_call(&self, job: &Summary) -> Option<State> {
        job.part_of.and_then(|call| self.store().summary(&call).ok()).map(|call| call.state)
    }
}
