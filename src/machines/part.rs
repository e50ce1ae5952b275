//! One part of a call that outlives its server: an item, the aggregator, a message of a dialogue. Declared in `spec/part.yaml`.
//!
//! What decides over money: the name of a part's job is noted before the job is written, and that it was submitted is noted
//! before anybody waits for it. Whoever takes the call up finds each part in one of these states, and never pays twice.

use serde::{Deserialize, Serialize};
use statig::prelude::*;
use strum::{Display, IntoStaticStr, VariantArray};

use super::apply::{machine, stay, to};
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

machine! { no_op: (State::Submitted, Event::Submitted | Event::Settle) | (State::Settled, _) }

/// The handlers. A state without one, which is over, takes no event.
#[state_machine(initial = "State::Unnamed", visibility = "pub(self)", state(custom, name = "State"))]
impl Machine {
    #[state]
    fn unnamed(event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::TakeUp { .. } => to(State::Named, [Effect::Submit], context),
            Event::Settle => Transition(State::Settled),
            _ => Super,
        }
    }

    #[state]
    fn named(event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::TakeUp { job_is_there: false } => stay(Effect::Submit, context),
            Event::TakeUp { job_is_there: true } | Event::Submitted => to(State::Submitted, [Effect::Await], context),
            Event::Settle => Transition(State::Settled),
        }
    }

    #[state]
    fn submitted(event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::TakeUp { job_is_there: true } => stay(Effect::Await, context),
            Event::TakeUp { job_is_there: false } => stay(Effect::GiveUp, context),
            _ => Super,
        }
    }
}
