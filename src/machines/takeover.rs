//! A caller's wait for a run whose supervisor may die meanwhile. Declared in `spec/takeover.yaml`.
//!
//! What decides over money: a worker that lives is never ended because its supervisor died, and the caller is told of the
//! run's end exactly once, whoever supervises it by then.

use serde::{Deserialize, Serialize};
use statig::prelude::*;
use strum::{Display, IntoStaticStr};

use super::apply::{machine, to};
use super::effect::Effects;
use super::rejected::Rejected;

/// How many supervisor processes replace the first one. One dies by hand or for want of memory; where so many did, something
/// ends them all, and the next one would fare no better: the caller's own process does their work then.
pub const MAX_SUCCESSORS: u8 = 3;
/// How many failures to find the run a supervisor are followed by another try: a shortage of handles or memory that is over
/// sooner costs nobody the answer. After that the caller is told where its answer will be, instead of being left to wait.
pub const MAX_RETRIES: u8 = 10;
/// How long to wait before each of these tries, in milliseconds.
pub const RETRY_PAUSE_MS: u64 = 1_000;

/// What was tried so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Tries {
    /// How many supervisor processes of this caller died.
    pub deaths: u8,
    /// How often no supervisor could be found for the run.
    pub failures: u8,
}

impl Tries {
    const fn may_replace(self) -> bool {
        self.deaths <= MAX_SUCCESSORS
    }

    const fn died(self) -> Self {
        Self { deaths: self.deaths.saturating_add(1), ..self }
    }
}

/// Where a wait stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum State {
    /// A supervisor process has the run, on a leash of this caller.
    OnLeash {
        /// What was tried so far.
        tries: Tries,
    },
    /// A thread of the caller's process has the run, on a leash as well.
    InProcess {
        /// What was tried so far.
        tries: Tries,
    },
    /// Somebody else who looked at the job gave it a supervisor, which knows of no caller.
    Following {
        /// What was tried so far.
        tries: Tries,
    },
    /// The supervisor is gone; the job lock is asked for.
    Locking {
        /// What was tried so far.
        tries: Tries,
    },
    /// The caller holds the job lock, and starts a supervisor process.
    Starting {
        /// What was tried so far.
        tries: Tries,
    },
    /// The caller holds the job lock, and starts to supervise the run itself.
    StandingIn {
        /// What was tried so far.
        tries: Tries,
    },
    /// Nobody could be given the run; it is tried again after a pause.
    Pausing {
        /// What was tried so far.
        tries: Tries,
    },
    /// Nobody can be given the run.
    GivingUp,
    /// The caller was told, or has left.
    Over,
}

/// What happens to a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Event {
    /// The supervisor closed its end of the leash, and the record has no end.
    LeashClosed,
    /// The record has its end.
    RecordEnded,
    /// Somebody removed the record.
    RecordGone,
    /// The lock or the record cannot be read, for want of handles say.
    Unreadable,
    /// Somebody else holds the job lock.
    LockBusy,
    /// The caller holds the job lock, and the record read under it has no end.
    LockTaken,
    /// Nobody holds the job lock of the run that is followed.
    Unsupervised,
    /// The supervisor was started.
    Started,
    /// The supervisor could not be started.
    StartFailed,
    /// The pause is over.
    PauseOver,
    /// The record was read once more, and has no end.
    StillOpen {
        /// Whether a worker may live.
        manned: bool,
    },
    /// The caller does not want the answer any more.
    CallerLeft,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display)]
#[strum(serialize_all = "snake_case")]
pub enum Effect {
    /// Pass on what the supervisor process tells, until it has no more to tell; then read the record.
    Listen,
    /// Likewise, and look whether the job is to end: nobody can send this process a signal for that.
    ListenAndLook,
    /// Pass on what the record tells, until it has its end or nobody holds the job lock.
    Follow,
    /// Take the job lock, and read the record under it.
    TakeLock,
    /// Start a supervisor process on a leash, with the lock.
    StartProcess,
    /// Supervise the run on a thread, on a leash, with the lock.
    StartThread,
    /// Wait for [`RETRY_PAUSE_MS`].
    Pause,
    /// Read the record once more.
    Look,
    /// Close the leash of the thread, which lets it go or has it end the run.
    LetGo,
    /// Give the caller the record.
    Answer,
    /// Tell the caller why the record cannot be had.
    Fail,
    /// Tell the caller that the run goes on, and where its answer will be.
    TellWhere,
    /// Mark the job cancelled, so that it does not begin by itself, and tell the caller.
    Cancel,
    /// Mark the job cancelled, and have its run ended: nobody waits for it any more.
    Renounce,
}

/// The beginning: the run was submitted with a supervisor on a leash.
pub fn begin() -> (State, Effects<Effect>) {
    (State::OnLeash { tries: Tries::default() }, Effects::from(vec![Effect::Listen]))
}

machine! { groups, no_op: (State::Over, _) }

/// The handlers. A state without one, which is over, takes no event.
#[state_machine(
    initial = "State::Over",
    visibility = "pub(self)",
    state(custom, name = "State"),
    superstate(derive(strum::IntoStaticStr))
)]
impl Machine {
    #[state(superstate = "leashed")]
    fn on_leash(tries: &Tries, event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::LeashClosed | Event::Unreadable => {
                to(State::Locking { tries: tries.died() }, [Effect::TakeLock], context)
            }
            _ => Super,
        }
    }

    #[state(superstate = "leashed")]
    fn in_process(tries: &Tries, event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::LeashClosed | Event::Unreadable => failed(*tries, context),
            Event::RecordEnded => {
                context.push(Effect::LetGo);
                Super
            }
            _ => Super,
        }
    }

    #[state(superstate = "reading")]
    fn following(tries: &Tries, event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::Unsupervised => to(State::Locking { tries: *tries }, [Effect::TakeLock], context),
            Event::Unreadable => failed(*tries, context),
            _ => Super,
        }
    }

    #[state(superstate = "reading")]
    fn locking(tries: &Tries, event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        let tries = *tries;
        match event {
            Event::LockBusy => to(State::Following { tries }, [Effect::Follow], context),
            Event::LockTaken if tries.may_replace() => to(State::Starting { tries }, [Effect::StartProcess], context),
            Event::LockTaken => to(State::StandingIn { tries }, [Effect::StartThread], context),
            Event::Unreadable => failed(tries, context),
            _ => Super,
        }
    }

    #[state(superstate = "unleashed")]
    fn starting(tries: &Tries, event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::Started => to(State::OnLeash { tries: *tries }, [Effect::Listen], context),
            Event::StartFailed => to(State::StandingIn { tries: *tries }, [Effect::StartThread], context),
            _ => Super,
        }
    }

    #[state(superstate = "unleashed")]
    fn standing_in(tries: &Tries, event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::Started => to(State::InProcess { tries: *tries }, [Effect::ListenAndLook], context),
            Event::StartFailed => failed(*tries, context),
            _ => Super,
        }
    }

    #[state(superstate = "unleashed")]
    fn pausing(tries: &Tries, event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::PauseOver => to(State::Locking { tries: *tries }, [Effect::TakeLock], context),
            _ => Super,
        }
    }

    #[state(superstate = "reading")]
    fn giving_up(event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::StillOpen { manned: true } => to(State::Over, [Effect::TellWhere], context),
            Event::StillOpen { manned: false } => to(State::Over, [Effect::Cancel], context),
            Event::Unreadable => to(State::Over, [Effect::Fail], context),
            _ => Super,
        }
    }

    /// A supervisor is at the other end of a leash, and ends the run when that closes.
    #[superstate]
    fn leashed(event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::CallerLeft => Transition(State::Over),
            event => told(event, context),
        }
    }

    /// Nobody notices by a leash that the caller leaves.
    #[superstate]
    fn unleashed(event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::CallerLeft => to(State::Over, [Effect::Renounce], context),
            _ => Super,
        }
    }

    /// The record is read.
    #[superstate(superstate = "unleashed")]
    fn reading(event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        told(event, context)
    }
}

/// What the record says to whoever waits, wherever it was read.
fn told(event: &Event, effects: &mut Effects<Effect>) -> Outcome<State> {
    match event {
        Event::RecordEnded => to(State::Over, [Effect::Answer], effects),
        Event::RecordGone => to(State::Over, [Effect::Fail], effects),
        _ => Super,
    }
}

/// Nobody could be given the run.
fn failed(tries: Tries, effects: &mut Effects<Effect>) -> Outcome<State> {
    if tries.failures < MAX_RETRIES {
        let failures = tries.failures + 1;
        to(State::Pausing { tries: Tries { failures, ..tries } }, [Effect::Pause], effects)
    } else {
        to(State::GivingUp, [Effect::Look], effects)
    }
}
