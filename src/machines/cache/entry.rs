//! The life of one cached answer, from the request that pays for it until it is gone. Declared in `spec/cache.yaml`.

use crate::machines::apply::{machine, stay, to};
use crate::machines::effect::Effects;
use crate::machines::rejected::Rejected;
use crate::machines::time::Millis;
use serde::{Deserialize, Serialize};
use statig::prelude::*;
use strum::{Display, IntoStaticStr};

/// Why an entry is no longer there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoneReason {
    /// It was older than the time to live.
    Expired,
    /// It was the oldest one and its place was needed.
    Evicted,
    /// Its agent was changed or the cache was cleared.
    Dropped,
    /// The run ended without an answer that may be kept.
    NotKept,
    /// Everybody who wanted the answer left before it came.
    Unwanted,
}

/// Where an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum State {
    /// One request pays for a run; identical requests share it.
    InFlight {
        /// Requests that wait for the answer, the paying one included.
        askers: u32,
    },
    /// The run goes on for those who wait, but it began under settings that are no longer in force: nothing of it is kept.
    Outdated {
        /// Requests that wait for the answer, the paying one included.
        askers: u32,
    },
    /// The answer is held.
    Fresh {
        /// When the answer was put in; its age counts from here, whoever reads it.
        inserted_at: Millis,
    },
    /// Nothing is held and nobody waits.
    Gone {
        /// Why it is no longer there.
        why: GoneReason,
    },
}

/// What happened to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Event {
    /// An identical request arrived.
    Lookup {
        /// When it happened.
        now: Millis,
        /// How long an answer may be served, in ms; 0 serves nothing.
        ttl_ms: u64,
    },
    /// One of those who wait gave up.
    Leave,
    /// The run ended, with an answer or without one.
    Answer {
        /// Whether there is an answer that may be kept, and room for it.
        keep: bool,
        /// When it happened.
        now: Millis,
    },
    /// The agent was changed or the cache was cleared.
    Outdate,
    /// The place is needed.
    Evict,
    /// The entry may be too old.
    Tick {
        /// When it happened.
        now: Millis,
        /// How long an answer may be served, in ms.
        ttl_ms: u64,
    },
}

/// What the holder of the entries is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display)]
#[strum(serialize_all = "snake_case")]
pub enum Effect {
    /// Start a run for this request.
    Pay,
    /// Let this request wait for the run that is under way.
    Share,
    /// Hand out the answer that is held.
    Serve,
    /// Hold the answer, to serve it again.
    Keep,
    /// Let go of the answer.
    Forget,
    /// End the run: nobody wants its answer.
    EndRun,
}

/// The first state of an entry, and its effects: a request found nothing and pays.
pub fn begin() -> (State, Effects<Effect>) {
    (State::InFlight { askers: 1 }, Effects::from(vec![Effect::Pay]))
}

machine! { no_op: (State::Gone { .. }, _) | (State::Fresh { .. }, Event::Answer { .. }) }

/// The handlers. A state without one, which is over, takes no event.
#[state_machine(initial = "begin().0", visibility = "pub(self)", state(custom, name = "State"))]
impl Machine {
    #[state]
    fn in_flight(askers: &u32, event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::Lookup { .. } => to(State::InFlight { askers: askers.saturating_add(1) }, [Effect::Share], context),
            Event::Leave if *askers > 1 => Transition(State::InFlight { askers: askers.saturating_sub(1) }),
            Event::Leave => gone(GoneReason::Unwanted, Effect::EndRun, context),
            Event::Answer { keep: true, now } => to(State::Fresh { inserted_at: *now }, [Effect::Keep], context),
            Event::Answer { keep: false, .. } => Transition(State::Gone { why: GoneReason::NotKept }),
            Event::Outdate => Transition(State::Outdated { askers: *askers }),
            Event::Tick { .. } => Handled,
            _ => Super,
        }
    }

    #[state]
    fn outdated(askers: &u32, event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::Leave if *askers > 1 => Transition(State::Outdated { askers: askers.saturating_sub(1) }),
            Event::Leave => gone(GoneReason::Unwanted, Effect::EndRun, context),
            Event::Answer { .. } => Transition(State::Gone { why: GoneReason::NotKept }),
            Event::Outdate | Event::Tick { .. } => Handled,
            _ => Super,
        }
    }

    #[state]
    fn fresh(inserted_at: &Millis, event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::Lookup { now, ttl_ms } | Event::Tick { now, ttl_ms } if inserted_at.until(*now) >= *ttl_ms => {
                gone(GoneReason::Expired, Effect::Forget, context)
            }
            Event::Lookup { .. } => stay(Effect::Serve, context),
            Event::Outdate => gone(GoneReason::Dropped, Effect::Forget, context),
            Event::Evict => gone(GoneReason::Evicted, Effect::Forget, context),
            Event::Tick { .. } | Event::Leave => Handled,
            _ => Super,
        }
    }
}

fn gone(why: GoneReason, effect: Effect, context: &mut Effects<Effect>) -> Outcome<State> {
    to(State::Gone { why }, [effect], context)
}
