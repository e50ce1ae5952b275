//! One part of a call that outlives its server: an item, the aggregator, a message of a dialogue. Declared in `spec/part.yaml`.
//!
//! What decides over money: the name of a part's job is noted before the job is written, and that it was submitted is noted
//! before anybody waits for it. Whoever takes the call up finds each part in one of these states, and never pays twice.

use serde::{Deserialize, Serialize};
use statig::prelude::*;
use strum::{Display, IntoStaticStr, VariantArray};

use super::apply::apply;
use super::effect::Effects;
use super::rejected::Rejected;

/// Where a part stands, as its call's notes have it.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum State {
    /// Nothing was done for it.
    #[default]
    Unnamed,
    /// Its job has a name; it may have been submitted.
    Named,
    /// Its job was submitted: the job's record has its answer, or will have it.
    Submitted,
    /// It has its answer without a job: from the cache, from an identical part, or because it cannot run.
    Settled,
}

impl State {
    /// The state's name in the spec.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.into()
    }

    /// Whether a job may be there that is this part's own.
    #[must_use]
    pub const fn may_have_job(self) -> bool {
        matches!(self, Self::Named | Self::Submitted)
    }
}

/// What happens to a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Event {
    /// Its turn has come, perhaps once more.
    TakeUp {
        /// Whether a job of its name is there.
        job_is_there: bool,
    },
    /// Its job is written, and supervised.
    Submitted,
    /// It has its answer without a job.
    Settle,
}

impl Event {
    /// The event's name in the spec.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.into()
    }
}

/// What is to be done, after the new state is noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display)]
#[strum(serialize_all = "snake_case")]
pub enum Effect {
    /// Write its job under the name that is noted, and have it supervised.
    Submit,
    /// Wait for the end of its job.
    Await,
    /// Its job was there, and somebody removed it with its answer: it failed.
    GiveUp,
}

/// Takes one event.
///
/// # Errors
/// [`Rejected`] when the event has no row in the spec for this state.
pub fn step(state: State, event: &Event) -> Result<(State, Effects<Effect>), Rejected> {
    apply(
        state,
        |state, effects| state.handle(&mut Machine, event, effects),
        || Rejected::of(is_no_op(state, event), state.name(), event.name()),
    )
}

const fn is_no_op(state: State, event: &Event) -> bool {
    matches!((state, event), (State::Submitted, Event::Submitted | Event::Settle) | (State::Settled, _))
}

/// Shared storage of the machine: none, all of it is in the state.
struct Machine;

/// The handlers. A state without one, which is over, takes no event.
#[state_machine(initial = "State::Unnamed", visibility = "pub(self)", state(custom, name = "State"))]
impl Machine {
    #[state]
    fn unnamed(event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::TakeUp { .. } => {
                context.push(Effect::Submit);
                Transition(State::Named)
            }
            Event::Settle => Transition(State::Settled),
            _ => Super,
        }
    }

    #[state]
    fn named(event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::TakeUp { job_is_there: false } => {
                context.push(Effect::Submit);
                Handled
            }
            Event::TakeUp { job_is_there: true } | Event::Submitted => {
                context.push(Effect::Await);
                Transition(State::Submitted)
            }
            Event::Settle => Transition(State::Settled),
        }
    }

    #[state]
    fn submitted(event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::TakeUp { job_is_there: true } => {
                context.push(Effect::Await);
                Handled
            }
            Event::TakeUp { job_is_there: false } => {
                context.push(Effect::GiveUp);
                Handled
            }
            _ => Super,
        }
    }
}
