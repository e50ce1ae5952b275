//! Why a machine did not take an event.

use thiserror::Error;

/// A rejected event. The machine's state is unchanged and no effect is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Rejected {
    /// What the event asks for has already happened: harmless, and frequent when several processes look at one job.
    #[error("already there: {event} in state {state}")]
    NoOp {
        /// Name of the state, as in the spec.
        state: &'static str,
        /// Name of the event, as in the spec.
        event: &'static str,
    },
    /// The event has no meaning in this state: the sender's view is stale, or it has a bug.
    #[error("not here: {event} in state {state}")]
    Invalid {
        /// Name of the state, as in the spec.
        state: &'static str,
        /// Name of the event, as in the spec.
        event: &'static str,
    },
}

impl Rejected {
    /// A no-op, or else invalid.
    #[must_use]
    pub const fn of(is_no_op: bool, state: &'static str, event: &'static str) -> Self {
        if is_no_op { Self::NoOp { state, event } } else { Self::Invalid { state, event } }
    }
}
