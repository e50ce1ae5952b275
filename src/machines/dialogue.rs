//! Whose turn it is in a dialogue of two agents, and when it ends. Declared in `spec/dialogue.yaml`.
//!
//! The responder speaks first, then the requester; the two make a round. What they are told and what is told of them is in
//! [`prompts`] and [`record`].

pub mod prompts;
pub mod record;

use std::fmt;

use serde::{Deserialize, Serialize};
use statig::prelude::*;
use strum::IntoStaticStr;

use super::apply::{machine, to};
use super::effect::Effects;
use super::rejected::Rejected;

/// Rounds of a dialogue that nobody limited (contract).
pub const DEFAULT_ROUNDS: u32 = 3;
/// Most rounds (contract): each costs two runs.
pub const MAX_ROUNDS: u32 = 10;

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The agent that has the question.
    Requester,
    /// The agent that has the means to answer it, and begins.
    Responder,
}

/// Where a dialogue stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum State {
    /// The responder has the word.
    ResponderSpeaks {
        /// The round, from 1.
        round: u32,
        /// The last round that there may be.
        last: u32,
    },
    /// The requester has the word.
    RequesterSpeaks {
        /// The round, from 1.
        round: u32,
        /// The last round that there may be.
        last: u32,
    },
    /// One of them said that it is resolved.
    Resolved {
        /// The round in which it ended.
        round: u32,
    },
    /// The last round is over and nobody said so.
    Unresolved {
        /// The round in which it ended.
        round: u32,
    },
    /// The run of one of them failed.
    Failed {
        /// The round in which it ended.
        round: u32,
    },
}

impl State {
    /// The round that it is, or that it ended in, from 1.
    #[must_use]
    pub const fn round(&self) -> u32 {
        match self {
            Self::ResponderSpeaks { round, .. }
            | Self::RequesterSpeaks { round, .. }
            | Self::Resolved { round }
            | Self::Unresolved { round }
            | Self::Failed { round } => *round,
        }
    }
}

/// What the one who has the word did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Event {
    /// The one who has the word answered.
    Spoke {
        /// Whether it said that the matter is resolved.
        resolved: bool,
    },
    /// The run of the one who has the word failed.
    Broke,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Have this one speak.
    Ask(Role),
    /// Answer the caller with all that was said.
    Conclude,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ask(Role::Responder) => "ask_responder",
            Self::Ask(Role::Requester) => "ask_requester",
            Self::Conclude => "conclude",
        })
    }
}

/// The beginning of a dialogue of at most so many rounds; fewer than one is one, more than [`MAX_ROUNDS`] is that.
pub fn begin(max_rounds: i64) -> (State, Effects<Effect>) {
    let last = u32::try_from(max_rounds.clamp(1, i64::from(MAX_ROUNDS))).unwrap_or(MAX_ROUNDS);
    (State::ResponderSpeaks { round: 1, last }, Effects::from(vec![Effect::Ask(Role::Responder)]))
}

machine! { groups, no_op: _ }

#[state_machine(
    initial = "State::Failed { round: 0 }",
    visibility = "pub(self)",
    state(custom, name = "State"),
    superstate(derive(strum::IntoStaticStr))
)]
impl Machine {
    #[state(superstate = "open")]
    fn responder_speaks(round: &u32, last: &u32, event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::Spoke { resolved: false } => {
                to(State::RequesterSpeaks { round: *round, last: *last }, [Effect::Ask(Role::Requester)], context)
            }
            _ => Super,
        }
    }

    #[state(superstate = "open")]
    fn requester_speaks(round: &u32, last: &u32, event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::Spoke { resolved: false } if round < last => {
                let round = round.saturating_add(1);
                to(State::ResponderSpeaks { round, last: *last }, [Effect::Ask(Role::Responder)], context)
            }
            Event::Spoke { resolved: false } => to(State::Unresolved { round: *round }, [Effect::Conclude], context),
            _ => Super,
        }
    }

    #[state(superstate = "over")]
    fn resolved(round: &u32) -> Outcome<State> {
        let _: &u32 = round;
        Super
    }

    #[state(superstate = "over")]
    fn unresolved(round: &u32) -> Outcome<State> {
        let _: &u32 = round;
        Super
    }

    #[state(superstate = "over")]
    fn failed(round: &u32) -> Outcome<State> {
        let _: &u32 = round;
        Super
    }

    /// Somebody has the word.
    #[superstate]
    fn open(round: &u32, event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::Spoke { resolved: true } => to(State::Resolved { round: *round }, [Effect::Conclude], context),
            Event::Broke => to(State::Failed { round: *round }, [Effect::Conclude], context),
            Event::Spoke { resolved: false } => Super,
        }
    }

    /// The caller is answered: no event has anything to do here.
    #[superstate]
    fn over() -> Outcome<State> {
        Super
    }
}
