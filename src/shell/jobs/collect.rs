//! Removing jobs that are old, and what killed processes left.

use super::Jobs;
use crate::fs::atomic::Durability;
use crate::machines::ids::JobId;
use crate::machines::job::Event;
use crate::machines::retention::{self, Retention};
use crate::machines::summary::Summary;
use crate::shell::store::Patch;
use crate::shell::{clock, session_lock};

/// What a removal found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// Ids of the jobs that are, or would be, removed; oldest first.
    pub ids: Vec<JobId>,
    /// How many were removed.
    pub purged: usize,
}

impl Jobs {
    /// Removes terminal jobs that ended more than `max_age_days` ago, or only says which. Blocks.
    #[must_use]
    pub fn collect(&self, max_age_days: f64, dry_run: bool) -> Collected {
        let cutoff = retention::cutoff(clock::unix_seconds(), max_age_days);
        let candidates = self.store().ended_by(cutoff).into_iter();
        let read = candidates.filter_map(|candidate| self.store().summary(&candidate.id).ok());
        let old = read.filter(|job| Retention::of(job, cutoff, || self.state_of_call(job)) == Retention::Remove);
        let old = old.collect::<Vec<_>>();
        let ids = old.iter().map(|job| job.id).collect::<Vec<_>>();
        if !dry_run {
            self.tidy();
        }
        let purged = if dry_run { 0 } else { old.iter().filter(|job| self.remove(job)).count() };
        Collected { ids, purged }
    }

    /// Removes what killed processes have left. Nothing of a job that has a record is touched.
    pub fn tidy(&self) {
        session_lock::tidy(self.store().directory());
        let removed = self.store().tidy();
        if removed > 0 {
            tracing::info!(removed, "removed what killed processes had left in the jobs directory");
        }
    }

    fn remove(&self, job: &Summary) -> bool {
        let id = &job.id;
        // Settled first, where somebody died who was about to end it.
        if job.state.is_unsettled() {
            drop(self.read(id));
        }
        let removed = self.store().step(id, &Event::Collect, Patch::default(), Durability::Cached);
        removed.inspect_err(|error| tracing::warn!(%id, %error, "job not removed")).is_ok()
    }
}
