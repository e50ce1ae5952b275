//! Who may run: one asker's way to a slot, and the decisions on the way. Declared in `spec/slots.yaml`.
//!
//! Every asker has a ticket, a file in the queue of its nesting depth that it keeps locked. The first in the queue
//! enters as soon as fewer askers hold a slot than the limit allows; only the first may, so that counting and entering
//! need no further lock. An asker whose lock is free is dead: the next in line removes its ticket. `tests/model/slots.rs`
//! searches every interleaving of a small scope for a state that breaks the invariants S-1 to S-8.

use serde::{Deserialize, Serialize};
use statig::prelude::*;
use strum::{Display, IntoStaticStr};

use super::apply::{machine, stay, to};
use super::effect::Effects;
use super::rejected::Rejected;

/// How often the first in the queue counts the holders, in ms. It is told of every slot that is given back; this is for
/// the holder that died without a word, whose slot is free at once.
pub const FIRST_LOOK_MS: u64 = 50;
/// By how much longer an asker sleeps for each one ahead of it, in ms. It is woken when its turn comes; this is for its
/// place in the queue, which is shown, and for platforms that cannot wake it. So a queue of 1,000 costs about as much
/// as its first few.
pub const LOOK_STEP_MS: u64 = 100;
/// The longest sleep, in ms.
pub const MAX_LOOK_MS: u64 = 10_000;

/// Where an asker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum State {
    /// It has no ticket.
    Outside,
    /// It has a ticket.
    Queued {
        /// How many tickets were before its own when it last looked; nothing when it has not looked yet.
        ahead: Option<u64>,
    },
    /// Nobody is before it: it enters when there is room.
    AtTurnstile,
    /// There is room, and its ticket is being turned into a slot.
    Entering,
    /// It has a slot.
    Holding,
    /// It has given back what it had.
    Left,
}

impl State {
    /// The place in the queue as last seen, 1 for the next one; `None` before the first look and outside the queue.
    #[must_use]
    pub const fn place(&self) -> Option<u64> {
        match self {
            Self::Queued { ahead: Some(ahead) } => Some(ahead.saturating_add(1)),
            Self::AtTurnstile | Self::Entering => Some(1),
            Self::Outside | Self::Queued { ahead: None } | Self::Holding | Self::Left => None,
        }
    }

    /// After how many ms to look again, if nothing wakes the asker before.
    #[must_use]
    pub const fn look_again_ms(&self) -> u64 {
        match self {
            Self::Queued { ahead: Some(ahead) } => {
                let longer = FIRST_LOOK_MS.saturating_add(LOOK_STEP_MS.saturating_mul(*ahead));
                if longer < MAX_LOOK_MS { longer } else { MAX_LOOK_MS }
            }
            Self::Outside
            | Self::Queued { ahead: None }
            | Self::AtTurnstile
            | Self::Entering
            | Self::Holding
            | Self::Left => FIRST_LOOK_MS,
        }
    }
}

/// What an asker finds out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Event {
    /// Its ticket is in the queue.
    Arrived,
    /// Something may have changed: it was woken, or it is time to look.
    Woken,
    /// It has looked at the tickets before its own; those of the dead are removed.
    Looked {
        /// How many there are.
        ahead: u64,
    },
    /// It has counted the holders; those that are dead are removed.
    Counted {
        /// How many holders of a slot live.
        holders: u64,
        /// How many there may be.
        limit: u64,
    },
    /// Its ticket is a slot.
    Entered,
    /// Its ticket is not in the queue any more: somebody removed files by hand.
    Lost,
    /// It does not want to wait any longer, or does not need its slot any more.
    Leave,
}

/// What the shell is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display)]
#[strum(serialize_all = "snake_case")]
pub enum Effect {
    /// Put a locked ticket behind all others in the queue.
    TakeTicket,
    /// Find the tickets before its own, and listen to the last of them that lives.
    LookAhead,
    /// Listen to the bell, and count the living holders.
    CountHolders,
    /// Turn the ticket into a slot.
    Enter,
    /// Wake the one behind.
    PassOn,
    /// Take the ticket out of the queue.
    Withdraw,
    /// Remove the file of the slot.
    GiveBack,
    /// Wake the first in the queue.
    RingBell,
}

/// The first state of an asker, and its effects.
pub fn begin() -> (State, Effects<Effect>) {
    (State::Outside, Effects::from(vec![Effect::TakeTicket]))
}

machine! { groups, no_op: (State::Left, _) | (State::Holding, Event::Woken) }

/// Whether one more may enter. A limit of nothing would stop everything for ever: it counts as one.
#[must_use]
pub const fn has_room(holders: u64, limit: u64) -> bool {
    holders < if limit == 0 { 1 } else { limit }
}

/// The number of the next ticket. The counter is what counts; where it cannot be read, the tickets that are there do,
/// so that nobody new comes before anybody who waits.
#[must_use]
pub fn next_number(counter: Option<u64>, tickets: impl IntoIterator<Item = u64>) -> u64 {
    counter.or_else(|| tickets.into_iter().max()).map_or(1, |last| last.saturating_add(1))
}

/// The tickets that stand before `mine`, the nearest first: in this order they are looked at until one lives.
#[must_use]
pub fn before<T: Ord>(mine: &T, queue: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut before: Vec<T> = queue.into_iter().filter(|ticket| ticket < mine).collect();
    before.sort_unstable_by(|a, b| b.cmp(a));
    before
}

/// The handlers. A state without one, which is over, takes no event.
#[state_machine(
    initial = "State::Outside",
    visibility = "pub(self)",
    state(custom, name = "State"),
    superstate(derive(strum::IntoStaticStr))
)]
impl Machine {
    #[state]
    fn outside(event: &Event) -> Outcome<State> {
        match event {
            Event::Arrived => Transition(State::Queued { ahead: None }),
            Event::Leave => Transition(State::Left),
            _ => Super,
        }
    }

    #[state(superstate = "waiting")]
    fn queued(ahead: &mut Option<u64>, event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::Woken => stay(Effect::LookAhead, context),
            Event::Looked { ahead: 0 } => to(State::AtTurnstile, [Effect::CountHolders], context),
            Event::Looked { ahead: seen } => {
                *ahead = Some(*seen);
                Handled
            }
            Event::Lost => to(State::Outside, [Effect::TakeTicket], context),
            _ => Super,
        }
    }

    #[state(superstate = "waiting")]
    fn at_turnstile(event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::Woken => stay(Effect::CountHolders, context),
            Event::Counted { holders, limit } if has_room(*holders, *limit) => {
                to(State::Entering, [Effect::Enter], context)
            }
            Event::Counted { .. } => Handled,
            _ => Super,
        }
    }

    #[state(superstate = "waiting")]
    fn entering(event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::Woken => to(State::AtTurnstile, [Effect::CountHolders], context),
            Event::Entered => to(State::Holding, [Effect::PassOn], context),
            Event::Lost => to(State::Outside, [Effect::TakeTicket], context),
            _ => Super,
        }
    }

    #[state]
    fn holding(event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::Leave => to(State::Left, [Effect::GiveBack, Effect::RingBell], context),
            _ => Super,
        }
    }

    /// It has a ticket.
    #[superstate]
    fn waiting(event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::Leave => to(State::Left, [Effect::Withdraw, Effect::PassOn], context),
            _ => Super,
        }
    }
}
