//! What comes before claude is started: what the run waits for, whether it is claimed, and what is left out the next time.

use super::flags::Omission;
use super::job::State;

/// What a run waits for next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The end of the account's usage limit.
    LimitOver,
    /// Its session, which another run has.
    Session,
    /// A slot. Only here it is in the queue: whoever waits for anything else would hold up all behind it.
    Slot,
}

impl Wanted {
    /// The order in which a run asks. `limited`: the account's usage limit is reached, and the run waits for its end.
    #[must_use]
    pub const fn of(limited: bool, has_session: bool) -> Self {
        match (limited, has_session) {
            (true, _) => Self::LimitOver,
            (false, false) => Self::Session,
            (false, true) => Self::Slot,
        }
    }
}

/// Whether the record must be claimed before a start. A start without an option that the CLI refused, or with the task once
/// more, is the same claim. `claimed`: where the record stood when this supervisor wrote it last.
#[must_use]
pub const fn must_claim(claimed: Option<State>) -> bool {
    matches!(claimed, None | Some(State::Resuming))
}

/// What claude said at the beginning of its standard error that it does not take, so that it is started without that. It
/// refuses before it does anything: a run that `began` has cost, and is not begun again.
#[must_use]
pub fn refused(stderr: &str, began: bool) -> Option<Omission> {
    Omission::of_stderr(stderr).filter(|_| !began)
}
