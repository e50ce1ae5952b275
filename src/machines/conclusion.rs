//! The end of a run as its supervisor concludes it: how it ended, whether it has a line in the usage journal, and what
//! becomes of an answer that cannot be written.

use super::dispatch::{AnswerKind, CancelledBy, End};
use super::job::State;
use super::schema::Violation;
use super::verdict::{Canceller, EndReason, NotStarted};

/// Attempts to write an answer.
pub const RESCUE_ATTEMPTS: u32 = 600;
/// How long to wait before each of these attempts, in milliseconds.
pub const RESCUE_PAUSE_MS: u64 = 1_000;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessExit {
    /// With this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// It is gone, but its status could not be had.
    Unknown,
}

impl AnswerKind {
    /// What an answer is worth, and what it lacks of its schema. That counts only where the process left in order, and an
    /// answer that tells of the usage limit is none to be asked for again.
    #[must_use]
    pub fn of(
        limited: bool,
        exit: ProcessExit,
        misses: impl FnOnce() -> Option<Vec<Violation>>,
    ) -> (Self, Vec<Violation>) {
        let violations = if exit == ProcessExit::Code(0) { misses().unwrap_or_default() } else { Vec::new() };
        let kind = match (limited, violations.is_empty()) {
            (true, _) => Self::Limited,
            (false, true) => Self::Final,
            (false, false) => Self::Misses,
        };
        (kind, violations)
    }
}

/// What is still owed of a cancelled run whose supervisor is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owed {
    /// Its last progress is shown.
    pub progress: bool,
    /// It has its line in the usage journal.
    pub line: bool,
}

impl Owed {
    /// `state`: where the job stands, if that can be read. `has_line`: what the journal says, if there is one.
    #[must_use]
    pub fn of(state: Option<State>, has_line: Option<bool>) -> Self {
        Self { progress: state.is_none_or(|state| state == State::Stopping), line: has_line == Some(false) }
    }
}

/// How a run ended, from the end that the machine came to, the exit of its last process, and why there was none.
#[must_use]
pub fn end_reason(end: End, exit: Option<ProcessExit>, not_started: Option<NotStarted>) -> EndReason {
    match (end, exit) {
        (End::NotStarted, _) => {
            EndReason::NotStarted { reason: not_started.unwrap_or_else(|| NotStarted::SpawnFailed(String::new())) }
        }
        (End::Exited | End::Lingered, Some(ProcessExit::Code(code))) => EndReason::Exited { code },
        (End::Exited, Some(ProcessExit::Signal(signal))) => EndReason::Signalled { signal },
        // It was ended by us after its answer, or its status could not be had: the answer decides.
        (End::Lingered, Some(ProcessExit::Signal(_))) | (End::Exited | End::Lingered, None) => {
            EndReason::Exited { code: 0 }
        }
        // It was adopted: nobody saw how it ended.
        (End::Exited | End::Lingered, Some(ProcessExit::Unknown)) => EndReason::Abandoned,
        (End::TimedOut { .. }, _) => EndReason::TimedOut,
        (End::Cancelled { by: CancelledBy::Request, .. }, _) => EndReason::Cancelled { by: Canceller::Request },
        (End::Cancelled { by: CancelledBy::CallerGone, .. }, _) => EndReason::Cancelled { by: Canceller::CallerGone },
    }
}

/// Whether nothing of a run is worth keeping: it never left the queue and nobody waits for it any more, so there is nothing to
/// read and nothing to resume.
#[must_use]
pub const fn is_worthless(end: End, claimed: bool) -> bool {
    matches!(end, End::Cancelled { by: CancelledBy::CallerGone, .. }) && !claimed
}

/// Whether a run has a line in the usage journal. One that was cancelled before it began has none: nothing ran. `marked`: its
/// record was marked cancelled, perhaps in the moment in which it was to be claimed.
#[must_use]
pub fn is_accounted(claimed: bool, cancelled: bool, marked: impl FnOnce() -> bool) -> bool {
    claimed || !(cancelled || marked())
}

/// What came of writing the end of a run into its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The record has it.
    Stored,
    /// The record was marked cancelled before, and stays so without the answer.
    MarkedBefore,
    /// The record has another end already.
    Refused,
    /// It could not be written.
    Failed,
}

impl Written {
    /// Whether the record has all that it is to have. An answer is told even where the record cannot take it: it is paid for.
    #[must_use]
    pub const fn is_enough(self, answered: bool) -> bool {
        match self {
            Self::Stored => true,
            Self::MarkedBefore | Self::Refused => !answered,
            Self::Failed => false,
        }
    }
}

/// What becomes of an end that the record does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rescue {
    /// The caller is told what the record would have held.
    Tell,
    /// It is written again after a pause.
    TryAgain,
    /// Nobody waits, and there is no record that could take it.
    GiveUp,
}

impl Rescue {
    /// What to do. `caller`: somebody waits; `record`: there is one that can take the end.
    #[must_use]
    pub const fn of(caller: bool, record: bool) -> Self {
        match (caller, record) {
            (true, true) => Self::Tell,
            (false, false) => Self::GiveUp,
            (true, false) | (false, true) => Self::TryAgain,
        }
    }
}
