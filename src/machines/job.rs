//! The life of a job record. Declared in `spec/job.yaml`.
//!
//! The record is shared by every process of the user; whoever changes it holds the record's lock, reads, steps, writes.

use serde::{Deserialize, Serialize};
use statig::prelude::*;
use std::fmt;

use super::dispatch::End;
use super::effect::Effects;
use super::refused::Refused;

/// Where a job stands. The spelling is that of the record's `status`, with `collected` for a record that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Submitted; no claude process yet.
    Pending,
    /// Its supervisor has claimed it.
    Running,
    /// Ended with a successful answer.
    Done,
    /// Ended without one.
    Failed,
    /// Ended because somebody asked for it, or because the only reader of its answer left.
    Cancelled,
    /// The record and its folder are removed.
    Collected,
}

impl State {
    /// All states, for exhaustive checks.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Running, Self::Done, Self::Failed, Self::Cancelled, Self::Collected];

    /// The state's name in the spec and in the record.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Collected => "collected",
        }
    }

    /// The state that a record's `status` names.
    #[must_use]
    pub fn from_status(status: &str) -> Option<Self> {
        Self::ALL.into_iter().filter(|state| *state != Self::Collected).find(|state| state.name() == status)
    }

    /// Whether the job's result can no longer change.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Pending | Self::Running => false,
            Self::Done | Self::Failed | Self::Cancelled | Self::Collected => true,
        }
    }
}

/// What happened to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// Its supervisor starts the work.
    Claim,
    /// The agent did something worth showing.
    Progress,
    /// The run ended and was judged.
    Finish {
        /// Whether the answer is a success.
        success: bool,
    },
    /// Somebody wants it to end.
    Cancel,
    /// Its supervisor is gone and so is the worker, without a complete answer.
    Abandon,
    /// Its record is to be removed: its answer was received, or it is older than what is kept.
    Collect,
}

impl Event {
    /// All events, for exhaustive checks.
    pub const ALL: [Self; 7] = [
        Self::Claim,
        Self::Progress,
        Self::Finish { success: true },
        Self::Finish { success: false },
        Self::Cancel,
        Self::Abandon,
        Self::Collect,
    ];

    /// What the end of a run means for its job. A complete answer outranks whoever wanted the end: it is paid for.
    #[must_use]
    pub const fn of_run(end: End, answered: bool, success: bool) -> Self {
        match end {
            End::Cancelled { .. } if !answered => Self::Cancel,
            End::Cancelled { .. } | End::NotStarted | End::Exited | End::Lingered | End::TimedOut { .. } => {
                Self::Finish { success }
            }
        }
    }

    /// The event's name in the spec.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Progress => "progress",
            Self::Finish { .. } => "finish",
            Self::Cancel => "cancel",
            Self::Abandon => "abandon",
            Self::Collect => "collect",
        }
    }
}

/// What the shell is to do with the record and the run. The new status is written together with them, in one replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Set `started_at`.
    StampStarted,
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

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StampStarted => "stamp_started",
            Self::StoreProgress => "store_progress",
            Self::StoreResult => "store_result",
            Self::StoreReason => "store_reason",
            Self::StampCompleted => "stamp_completed",
            Self::EndRun => "end_run",
            Self::RemoveFiles => "remove_files",
        })
    }
}

/// Takes one event.
///
/// # Errors
/// [`Refused`] when the event has no row in the spec for this state.
pub fn step(state: State, event: &Event) -> Result<(State, Effects<Effect>), Refused> {
    let mut effects = Effects::none();
    let mut current = state;
    match current.handle(&mut Machine, event, &mut effects) {
        Outcome::Transition(next) => Ok((next, effects)),
        Outcome::Handled => Ok((state, effects)),
        Outcome::Super => Err(refuse(state, event)),
    }
}

const fn refuse(state: State, event: &Event) -> Refused {
    let (state_name, event_name) = (state.name(), event.name());
    match (state, event) {
        (State::Running, Event::Claim)
        | (
            State::Done | State::Failed | State::Cancelled,
            Event::Claim | Event::Progress | Event::Finish { .. } | Event::Cancel | Event::Abandon,
        )
        | (State::Collected, _) => Refused::AlreadyThere { state: state_name, event: event_name },
        (State::Pending | State::Running | State::Done | State::Failed | State::Cancelled, _) => {
            Refused::NotHere { state: state_name, event: event_name }
        }
    }
}

/// Shared storage of the machine: none, all of it is in the state.
struct Machine;

#[state_machine(initial = "State::Pending", visibility = "pub(self)", state(custom, name = "State"))]
impl Machine {
    #[state]
    fn pending(event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::Claim => {
                context.push(Effect::StampStarted);
                Transition(State::Running)
            }
            Event::Finish { success: false } => Transition(finish(State::Failed, context)),
            Event::Cancel => {
                context.push(Effect::StoreReason);
                context.push(Effect::StampCompleted);
                context.push(Effect::EndRun);
                Transition(State::Cancelled)
            }
            Event::Abandon => Transition(give_up(context)),
            Event::Finish { success: true } | Event::Progress | Event::Collect => Super,
        }
    }

    #[state]
    fn running(event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::Progress => {
                context.push(Effect::StoreProgress);
                Handled
            }
            Event::Finish { success: true } => Transition(finish(State::Done, context)),
            Event::Finish { success: false } => Transition(finish(State::Failed, context)),
            Event::Cancel => {
                context.push(Effect::StoreReason);
                context.push(Effect::StampCompleted);
                context.push(Effect::EndRun);
                Transition(State::Cancelled)
            }
            Event::Abandon => Transition(give_up(context)),
            Event::Claim | Event::Collect => Super,
        }
    }

    #[state]
    fn done(event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        terminal(event, context)
    }

    #[state]
    fn failed(event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        terminal(event, context)
    }

    #[state]
    fn cancelled(event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        terminal(event, context)
    }

    #[state]
    fn collected(event: &Event) -> Outcome<State> {
        match event {
            Event::Claim | Event::Progress | Event::Finish { .. } | Event::Cancel | Event::Abandon | Event::Collect => {
                Super
            }
        }
    }
}

fn terminal(event: &Event, effects: &mut Effects<Effect>) -> Outcome<State> {
    match event {
        Event::Collect => {
            effects.push(Effect::RemoveFiles);
            Transition(State::Collected)
        }
        Event::Claim | Event::Progress | Event::Finish { .. } | Event::Cancel | Event::Abandon => Super,
    }
}

fn finish(state: State, effects: &mut Effects<Effect>) -> State {
    effects.push(Effect::StoreResult);
    effects.push(Effect::StampCompleted);
    state
}

fn give_up(effects: &mut Effects<Effect>) -> State {
    effects.push(Effect::StoreReason);
    effects.push(Effect::StampCompleted);
    State::Failed
}
