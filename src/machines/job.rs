//! The life of a job. Declared in `spec/job.yaml`.
//!
//! The record is shared by every process of the user; whoever changes it holds the record's lock, reads, steps, writes. What
//! others read in it is the [`Status`], which older implementations know as well; the [`Phase`] says what this one must know
//! beyond that to take the job over from somebody who died. Both together are the [`State`].

mod record;

use serde::{Deserialize, Serialize};
use statig::prelude::*;
use strum::{Display, IntoStaticStr, VariantArray};

use super::apply::{machine, stay, to};
use super::dispatch::End;
use super::effect::Effects;
use super::rejected::Rejected;
pub use record::{Phase, Status};

/// Where a job stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum State {
    /// Submitted; no claude process yet.
    Pending,
    /// Its supervisor has claimed it: a claude process may be there, and is that supervisor's child.
    Running,
    /// A claude process may be there whose supervisor died; another one waits for its end.
    Adopted,
    /// Its claude process is gone without an answer, and none is started before the job is claimed once more.
    Resuming,
    /// Somebody asked for its end, and what is left of it is being ended.
    Stopping,
    /// Ended with a successful answer.
    Done,
    /// Ended without a successful answer.
    Failed,
    /// Ended because somebody asked for it, or because the only reader of its answer left.
    Cancelled,
    /// The record and its folder are removed.
    Collected,
}

impl State {
    /// Whether something of the job may run, or still has to.
    #[must_use]
    pub const fn is_unsettled(self) -> bool {
        match self {
            Self::Pending | Self::Running | Self::Adopted | Self::Resuming | Self::Stopping => true,
            Self::Done | Self::Failed | Self::Cancelled | Self::Collected => false,
        }
    }

    /// Whether a claude process may be there.
    #[must_use]
    pub const fn is_manned(self) -> bool {
        matches!(self, Self::Running | Self::Adopted)
    }

    /// Whether the job's status and result can no longer change.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Pending | Self::Running | Self::Adopted | Self::Resuming => false,
            Self::Stopping | Self::Done | Self::Failed | Self::Cancelled | Self::Collected => true,
        }
    }
}

/// What happened to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Event {
    /// Its supervisor starts the work, or goes on with it.
    Claim,
    /// Its supervisor died; another one waits for the end of its claude process.
    Adopt,
    /// Its claude process is gone without an answer, and it may go on in its session.
    Resume,
    /// The agent did something worth showing.
    Progress,
    /// The run ended and was judged.
    Finish {
        /// Whether the answer is a success.
        success: bool,
    },
    /// Somebody wants it to end.
    Cancel,
    /// It was to end, and nothing of it runs.
    Stopped,
    /// It has no supervisor, and none can go on with it.
    Abandon {
        /// Whether its claude process lives: then it is adopted, not ended.
        worker: bool,
    },
    /// Its record is to be removed: its answer was received, or it is older than what is kept.
    Collect,
}

impl Event {
    /// What the end of a run means for its job. A complete answer outranks whoever wanted the end: it is paid for.
    #[must_use]
    pub const fn of_run(end: End, answered: bool, success: bool) -> Self {
        match end {
            End::Cancelled { .. } if !answered => Self::Stopped,
            End::Cancelled { .. } | End::NotStarted | End::Exited | End::Lingered | End::TimedOut { .. } => {
                Self::Finish { success }
            }
        }
    }
}

/// What the shell is to do with the record and the run. The new status is written together with them, in one replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display)]
#[strum(serialize_all = "snake_case")]
pub enum Effect {
    /// Set `started_at`.
    StampStarted,
    /// Set `resumptions`, how often it went on.
    CountResumption,
    /// Set `deadline_at`.
    StampDeadline,
    /// Set `progress` and `progress_updated_at`.
    StoreProgress,
    /// Set `result` and, on failure, `error`.
    StoreResult,
    /// Set `error` to the reason and the call that goes on from here.
    StoreReason,
    /// Set `completed_at`.
    StampCompleted,
    /// Tell the supervisor to end the run; only after the record says so.
    EndRun,
    /// Remove the record, then its folder.
    RemoveFiles,
}

machine! { groups, no_op: (state, event) if is_no_op(state, event) }

const fn is_no_op(state: State, event: &Event) -> bool {
    match (state, event) {
        (_, Event::Collect) => matches!(state, State::Collected),
        (State::Pending, _) => false,
        (State::Running | State::Adopted, event) => matches!(event, Event::Claim),
        (State::Resuming, event) => matches!(event, Event::Resume),
        (State::Stopping | State::Done | State::Failed | State::Cancelled | State::Collected, _) => true,
    }
}

/// The handlers. A state without one, whose record is gone, takes no event.
#[state_machine(
    initial = "State::Pending",
    visibility = "pub(self)",
    state(custom, name = "State"),
    superstate(derive(strum::IntoStaticStr))
)]
impl Machine {
    #[state(superstate = "unmanned")]
    fn pending(event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::Claim => to(State::Running, [Effect::StampStarted, Effect::StampDeadline], context),
            _ => Super,
        }
    }

    #[state(superstate = "manned")]
    fn running() -> Outcome<State> {
        Super
    }

    #[state(superstate = "manned")]
    fn adopted() -> Outcome<State> {
        Super
    }

    #[state(superstate = "unmanned")]
    fn resuming(event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::Claim => to(State::Running, [Effect::CountResumption, Effect::StampDeadline], context),
            Event::Progress => stay(Effect::StoreProgress, context),
            Event::Adopt => Handled,
            _ => Super,
        }
    }

    #[state]
    fn stopping(event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::Finish { .. } | Event::Stopped | Event::Abandon { worker: false } => Transition(State::Cancelled),
            Event::Progress => stay(Effect::StoreProgress, context),
            _ => Super,
        }
    }

    #[state(superstate = "finished")]
    fn done() -> Outcome<State> {
        Super
    }

    #[state(superstate = "finished")]
    fn failed() -> Outcome<State> {
        Super
    }

    #[state(superstate = "finished")]
    fn cancelled() -> Outcome<State> {
        Super
    }

    /// The result is still to come.
    #[superstate]
    fn open(event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::Finish { success: false } => to(State::Failed, JUDGED, context),
            Event::Cancel => {
                context.extend(GIVEN_UP);
                to(State::Stopping, [Effect::EndRun], context)
            }
            Event::Stopped => to(State::Cancelled, GIVEN_UP, context),
            Event::Abandon { worker: false } => to(State::Failed, GIVEN_UP, context),
            _ => Super,
        }
    }

    /// A claude process may be there.
    #[superstate(superstate = "open")]
    fn manned(event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::Progress => stay(Effect::StoreProgress, context),
            Event::Adopt | Event::Abandon { worker: true } => Transition(State::Adopted),
            Event::Resume => Transition(State::Resuming),
            Event::Finish { success: true } => to(State::Done, JUDGED, context),
            _ => Super,
        }
    }

    /// No claude process is there.
    #[superstate(superstate = "open")]
    fn unmanned() -> Outcome<State> {
        Super
    }

    /// The result can no longer change, and nothing of the job runs.
    #[superstate]
    fn finished(event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::Collect => to(State::Collected, [Effect::RemoveFiles], context),
            _ => Super,
        }
    }
}

/// Effects of an end that has an answer, and of one that has only a reason.
const JUDGED: [Effect; 2] = [Effect::StoreResult, Effect::StampCompleted];
const GIVEN_UP: [Effect; 2] = [Effect::StoreReason, Effect::StampCompleted];
