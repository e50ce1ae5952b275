//! Which jobs and files are removed because they are old, and which jobs of the older implementation are given up.

use super::job::{State, Status};
use super::summary::Summary;

/// Seconds of a day.
const DAY_SECONDS: f64 = 86_400.0;
/// No file younger than this, in seconds, is taken for left behind. Whoever writes is done in milliseconds; the rest is for
/// clocks that are set.
const LITTER_SECONDS: f64 = 3_600.0;
/// Records of the older implementation have no lock. A running one that nobody touched for so many seconds is abandoned (its
/// rule).
const FOREIGN_RUNNING_LIMIT_SECONDS: f64 = 3_600.0;
/// The same for a pending one, counted from its submission.
const FOREIGN_PENDING_LIMIT_SECONDS: f64 = 24.0 * 3_600.0;

/// What becomes of a job when old ones are removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// It is removed.
    Remove,
    /// It has no end yet.
    Open,
    /// It ended not long enough ago.
    Young,
    /// It is a part of a call that has no end, and may still read its answer.
    Needed,
}

impl Retention {
    /// What becomes of a job. `cutoff`: see [`cutoff`]; `call`: where the call stands that it is a part of, if that is there.
    #[must_use]
    pub fn of(job: &Summary, cutoff: f64, call: impl FnOnce() -> Option<State>) -> Self {
        if !job.status.is_terminal() {
            return Self::Open;
        }
        if job.completed_at.unwrap_or(job.created_at) > cutoff {
            return Self::Young;
        }
        if job.part_of.is_some() && call().is_some_and(State::is_unsettled) { Self::Needed } else { Self::Remove }
    }
}

/// The time, in Unix seconds, at which or before which a job must have ended to be removed.
#[must_use]
pub fn cutoff(now: f64, max_age_days: f64) -> f64 {
    now - max_age_days * DAY_SECONDS
}

/// Whether a file of that age in seconds may have been left behind; `None` for a time in the future.
#[must_use]
pub fn is_litter(age_seconds: Option<f64>) -> bool {
    age_seconds.is_some_and(|age| age > LITTER_SECONDS)
}

/// Whether the process is gone that ran a job of the older implementation: its age, and for how long nobody wrote its record,
/// in seconds.
#[must_use]
pub fn is_foreign_abandoned(status: Status, age_seconds: f64, untouched_seconds: Option<f64>) -> bool {
    match status {
        Status::Running => untouched_seconds.is_some_and(|age| age > FOREIGN_RUNNING_LIMIT_SECONDS),
        Status::Pending => age_seconds > FOREIGN_PENDING_LIMIT_SECONDS,
        Status::Done | Status::Failed | Status::Cancelled => false,
    }
}
