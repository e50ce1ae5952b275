//! Who takes a job over, what a supervisor does with the job that it was given, and how long it waits for a worker that is not
//! its child.

use super::job::{Event, State};

/// How often to look whether the worker is gone, in milliseconds. It is not our child, so nobody tells us.
pub const WORKER_LOOK_MS: u64 = 100;
/// Looks for each search for claude itself: once a second, because a search reads what all processes were started with.
const LOOKS_FOR_EACH_SEARCH: u32 = 10;
/// How many searches in a row must have found nothing: a process that was forked a moment ago does not bear its mark yet.
const ABSENCES: u32 = 2;
/// Milliseconds of a second.
const MS_PER_SECOND: f64 = 1_000.0;

/// What a look at a job's lock shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockSeen {
    /// No supervisor lives.
    Free,
    /// A supervisor lives.
    Held,
    /// There is none: the job is one of the older implementation, or somebody took its lock away.
    Missing,
    /// It cannot be told.
    Unreadable,
}

/// What whoever reads a job's record does for the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// Nothing: it has a supervisor, or may have one, or nothing of it runs.
    Leave,
    /// It gets a new supervisor, and that the lock.
    Recover,
    /// Its age decides whether somebody works on it.
    Age,
    /// Its supervisor is told once more to end its run.
    Tell,
    /// Its run is ended, which its supervisor, or whoever cancelled it, did not live to do.
    End,
}

impl Care {
    /// What the record calls for. The lock is looked at only where that matters.
    #[must_use]
    pub fn of(state: State, lock: impl FnOnce() -> LockSeen) -> Self {
        if !state.is_unsettled() {
            return Self::Leave;
        }
        match (state == State::Stopping, lock()) {
            (false, LockSeen::Free) => Self::Recover,
            (false, LockSeen::Missing) => Self::Age,
            (false, LockSeen::Held | LockSeen::Unreadable) => Self::Leave,
            (true, LockSeen::Held) => Self::Tell,
            (true, LockSeen::Free | LockSeen::Missing | LockSeen::Unreadable) => Self::End,
        }
    }
}

/// What a supervisor does first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstStep {
    /// The job begins, in its turn.
    Begin,
    /// What works is waited for and judged. What is cut off goes on in its session, as often as it may.
    Adopt,
    /// Likewise, by what the record says, and nothing is started: an answer is not lost with the plan.
    AdoptWithoutPlan,
    /// It can neither begin nor go on: it is settled, with the reason.
    GiveUp,
    /// It has its end, or somebody is ending it.
    Leave,
}

impl FirstStep {
    /// What the record and the plan call for.
    #[must_use]
    pub const fn of(state: State, has_plan: bool) -> Self {
        match (state, has_plan) {
            (State::Pending, true) => Self::Begin,
            (State::Running | State::Adopted | State::Resuming, true) => Self::Adopt,
            (State::Running | State::Adopted, false) => Self::AdoptWithoutPlan,
            (State::Pending | State::Resuming, false) => Self::GiveUp,
            (State::Stopping | State::Done | State::Failed | State::Cancelled | State::Collected, _) => Self::Leave,
        }
    }

    /// What the supervisor of a call of several requests notes before it goes on. Such a job has no worker to wait for: where
    /// there is nothing to note, it has its end, or is given up.
    #[must_use]
    pub const fn of_call(self) -> Option<Event> {
        match self {
            Self::Begin => Some(Event::Claim),
            Self::Adopt => Some(Event::Adopt),
            Self::AdoptWithoutPlan | Self::GiveUp | Self::Leave => None,
        }
    }
}

/// How much of its time an adopted run has left, in milliseconds; times in Unix seconds. A clock that was set may say
/// anything: no run gets more than its whole time again.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a timeout is at most a year")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a timeout")]
pub fn left_ms(deadline_at: Option<f64>, now: f64, timeout_ms: u64) -> u64 {
    let left = deadline_at.map_or(0.0, |deadline| (deadline - now) * MS_PER_SECOND);
    left.clamp(0.0, timeout_ms as f64) as u64
}

/// The looks at a worker that holds its fence: it is gone when the fence is free, or when claude itself is, and a leftover of
/// it has the fence, perhaps for ever.
#[derive(Debug, Clone, Copy, Default)]
pub struct WorkerWatch {
    looks: u32,
    absences: u32,
}

impl WorkerWatch {
    /// The fence was held at a look: whether to search for claude now.
    pub const fn is_to_search(&mut self) -> bool {
        self.looks = (self.looks + 1) % LOOKS_FOR_EACH_SEARCH;
        self.looks == 0
    }

    /// What a search found; `None` where the system cannot tell. Whether claude is gone.
    pub fn is_gone(&mut self, lives: Option<bool>) -> bool {
        self.absences = if lives == Some(false) { self.absences + 1 } else { 0 };
        self.absences >= ABSENCES
    }
}
