//! Several requests in one call: what is done when, and how far it has come. Declared in `spec/parallel.yaml`.

pub mod aggregate;
pub mod board;

use serde::{Deserialize, Serialize};
use statig::prelude::*;
use strum::{Display, IntoStaticStr};

use super::apply::{machine, to};
use super::effect::Effects;
use super::rejected::Rejected;

/// Most items of a call, even where the settings allow fewer runs at once (contract).
pub const MOST_ITEMS: usize = 100;
/// Items of a call for each run that there may be at once (contract).
pub const ITEMS_PER_SLOT: usize = 20;
/// How many items of a call are submitted at a time for each slot: enough that a slot that is given back finds one in the
/// queue, and not so many that other sessions wait behind all of them.
pub const WINDOW_PER_SLOT: usize = 2;

/// Most items of a call.
#[must_use]
pub fn most_items(max_concurrency: u32) -> usize {
    usize::try_from(max_concurrency).unwrap_or(usize::MAX).saturating_mul(ITEMS_PER_SLOT).max(MOST_ITEMS)
}

/// Most items of a call that are under way or queue for a slot.
#[must_use]
pub fn window(max_concurrency: u32) -> usize {
    usize::try_from(max_concurrency).unwrap_or(usize::MAX).saturating_mul(WINDOW_PER_SLOT).max(1)
}

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum State {
    /// Items run or wait.
    Gathering {
        /// How many have not ended.
        left: u32,
        /// Whether an agent is to put the answers together.
        aggregates: bool,
    },
    /// An agent puts the answers together.
    Aggregating,
    /// The caller has its answer.
    Answered,
}

/// What happened to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Event {
    /// An item has its answer, a success or a failure.
    ItemEnded,
    /// The aggregator has answered, or failed.
    AggregateEnded,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display)]
#[strum(serialize_all = "snake_case")]
pub enum Effect {
    /// Run all items of the call.
    StartItems,
    /// Have the aggregator put the answers together.
    StartAggregate,
    /// Answer the caller.
    Answer,
}

/// The beginning of a call with so many items, at least one.
pub fn begin(items: u32, aggregates: bool) -> (State, Effects<Effect>) {
    (State::Gathering { left: items, aggregates }, Effects::from(vec![Effect::StartItems]))
}

machine! { no_op: (State::Aggregating, Event::ItemEnded) | (State::Answered, _) }

/// The handlers. A state without one, which is over, takes no event.
#[state_machine(initial = "State::Answered", visibility = "pub(self)", state(custom, name = "State"))]
impl Machine {
    #[state]
    fn gathering(left: &u32, aggregates: &bool, event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match (event, left) {
            (Event::ItemEnded, 0 | 1) if *aggregates => to(State::Aggregating, [Effect::StartAggregate], context),
            (Event::ItemEnded, 0 | 1) => to(State::Answered, [Effect::Answer], context),
            (Event::ItemEnded, left) => Transition(State::Gathering { left: left - 1, aggregates: *aggregates }),
            _ => Super,
        }
    }

    #[state]
    fn aggregating(event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::AggregateEnded => to(State::Answered, [Effect::Answer], context),
            Event::ItemEnded => Super,
        }
    }
}
