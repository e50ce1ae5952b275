//! What a wish to cancel a job comes to, and how long its run may take to go.

use serde::Serialize;

use super::dispatch::{KILL_GRACE_MS, TERM_GRACE_MS};
use super::job::Status;

/// How long a supervisor that was told to end its run may take to leave, in milliseconds: SIGTERM's grace, SIGKILL's
/// grace, and 300 ms for a busy machine to notice. After that whoever cancels ends the run's processes.
pub const END_WAIT_MS: u64 = TERM_GRACE_MS + KILL_GRACE_MS + 300;

/// What became of a wish to cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelOutcome {
    /// It had not begun.
    Cancelled,
    /// It ran, and is ended.
    CancelledRunning,
    /// It had its end before.
    AlreadyTerminal,
    /// It belongs to a process of the older implementation, which cannot be told.
    Running,
}

impl CancelOutcome {
    /// Why a job is [`Self::Running`] after all.
    pub const NOT_OURS: &str = "it belongs to another implementation, which runs it to its end";

    /// What is said of a job that was marked cancelled. `began`: it was claimed before.
    #[must_use]
    pub const fn of_marked(began: bool) -> Self {
        if began { Self::CancelledRunning } else { Self::Cancelled }
    }
}

/// Whether a job can be cancelled at all. Without a lock it is one of the older implementation: nobody can tell the process
/// that runs it, and a record that says cancelled while it works on would be a lie.
#[must_use]
pub const fn can_be_told(has_lock: bool, status: Status) -> bool {
    has_lock || !matches!(status, Status::Running)
}
