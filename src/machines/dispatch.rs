//! One run of the claude CLI, from waiting for a slot to its end. Declared in `spec/dispatch.yaml`.
//!
//! Order in this file: numbers, `begin` and `step`, the handlers. Flags, effects, events and states are in `types`.

mod types;

use statig::prelude::*;

use super::effect::Effects;
use super::refused::Refused;
use super::time::Millis;
pub use types::{CancelledBy, Effect, End, Event, Flag, Omitted, Run, State, StopReason};

/// How long a process group has to leave after SIGTERM before SIGKILL, in ms. The CLI leaves within 30 ms, with a background
/// task within 1.6 s (measured); a cancelled run must be gone within 2 s.
pub const TERM_GRACE_MS: u64 = 1_700;
/// How long to wait for a process after SIGKILL, in ms; one that is still there then hangs in the kernel.
pub const KILL_GRACE_MS: u64 = 2_000;
/// How long the CLI may stay after a complete result before its answer is taken and it is ended, in ms. The CLI itself waits
/// 5 s for background tasks (measured); a turn that begins in this time is waited for.
pub const LEAVE_GRACE_MS: u64 = 15_000;

/// The first state of a run, and its effects.
pub fn begin(timeout_ms: u64) -> (State, Effects<Effect>) {
    let run = Run { timeout_ms, omitted: Omitted::default() };
    (State::Waiting { run }, Effects::from(vec![Effect::RequestSlot]))
}

/// The state of a run that works on although its supervisor died, for the one that takes over. Its deadline is that of the
/// record; whether it has answered shows when its output is read again.
#[must_use]
pub const fn adopted(timeout_ms: u64, deadline: Millis) -> State {
    State::Running { run: Run { timeout_ms, omitted: Omitted::NOTHING }, deadline, answered: false }
}

/// Takes one event.
///
/// # Errors
/// [`Refused`] when the event has no row in the spec for this state; the state stands as it was.
pub fn step(state: State, event: &Event) -> Result<(State, Effects<Effect>), Refused> {
    let mut effects = Effects::none();
    let mut current = state;
    match current.handle(&mut Machine, event, &mut effects) {
        Outcome::Transition(next) => Ok((next, effects)),
        Outcome::Handled => Ok((state, effects)),
        Outcome::Super => {
            let (state, event) = (state.name(), event.name());
            Err(match current {
                State::Ended { .. } => Refused::AlreadyThere { state, event },
                _ => Refused::NotHere { state, event },
            })
        }
    }
}

/// Shared storage of the machine: none, all of it is in the state.
struct Machine;

#[state_machine(initial = "begin(0).0", visibility = "pub(self)", state(custom, name = "State"))]
impl Machine {
    #[state]
    fn waiting(run: &Run, event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::SlotGranted => {
                context.push(Effect::Spawn(run.omitted));
                Transition(State::Starting { run: *run, cancelled: None })
            }
            Event::Cancel { by, .. } => {
                context.push(Effect::WithdrawSlot);
                Transition(end(End::Cancelled { by: *by }, context, Held::Nothing))
            }
            Event::Tick { .. } => Handled,
            Event::Spawned { .. }
            | Event::SpawnFailed
            | Event::ResultSeen { .. }
            | Event::TurnBegan
            | Event::Exited { .. } => Super,
        }
    }

    #[state]
    fn starting(
        run: &Run,
        cancelled: &Option<CancelledBy>,
        event: &Event,
        context: &mut Effects<Effect>,
    ) -> Outcome<State> {
        match event {
            Event::Spawned { now } => match cancelled {
                None => {
                    let deadline = now.plus(run.timeout_ms);
                    Transition(State::Running { run: *run, deadline, answered: false })
                }
                Some(by) => Transition(terminate(StopReason::Cancelled { by: *by }, false, *now, context)),
            },
            Event::SpawnFailed => Transition(end(End::NotStarted, context, Held::Slot)),
            Event::Cancel { by, .. } => match cancelled {
                None => Transition(State::Starting { run: *run, cancelled: Some(*by) }),
                Some(_) => Handled,
            },
            Event::Tick { .. } => Handled,
            Event::SlotGranted | Event::ResultSeen { .. } | Event::TurnBegan | Event::Exited { .. } => Super,
        }
    }

    #[state]
    fn running(
        run: &Run,
        deadline: &Millis,
        answered: &bool,
        event: &Event,
        context: &mut Effects<Effect>,
    ) -> Outcome<State> {
        match event {
            Event::ResultSeen { now } => Transition(State::Answered {
                run: *run,
                deadline: *deadline,
                leave_by: now.plus(LEAVE_GRACE_MS).min(*deadline),
            }),
            Event::Exited { unknown } => match unknown {
                Some(flag) if !*answered && !run.omitted.has(*flag) => {
                    let run = Run { omitted: run.omitted.and(*flag), ..*run };
                    context.push(Effect::Spawn(run.omitted));
                    Transition(State::Starting { run, cancelled: None })
                }
                Some(_) | None => Transition(end(End::Exited, context, Held::SlotAndTree)),
            },
            Event::Tick { now } if *now >= *deadline => {
                Transition(terminate(StopReason::Timeout, *answered, *now, context))
            }
            Event::Tick { .. } | Event::TurnBegan => Handled,
            Event::Cancel { by, now } => {
                Transition(terminate(StopReason::Cancelled { by: *by }, *answered, *now, context))
            }
            Event::SlotGranted | Event::Spawned { .. } | Event::SpawnFailed => Super,
        }
    }

    #[state]
    fn answered(
        run: &Run,
        deadline: &Millis,
        leave_by: &Millis,
        event: &Event,
        context: &mut Effects<Effect>,
    ) -> Outcome<State> {
        match event {
            Event::Exited { .. } => Transition(end(End::Exited, context, Held::Slot)),
            Event::TurnBegan => Transition(State::Running { run: *run, deadline: *deadline, answered: true }),
            Event::ResultSeen { .. } => Handled,
            Event::Tick { now } if *now >= *deadline => Transition(terminate(StopReason::Timeout, true, *now, context)),
            Event::Tick { now } if *now >= *leave_by => {
                Transition(terminate(StopReason::Lingering, true, *now, context))
            }
            Event::Tick { .. } => Handled,
            Event::Cancel { by, now } => Transition(terminate(StopReason::Cancelled { by: *by }, true, *now, context)),
            Event::SlotGranted | Event::Spawned { .. } | Event::SpawnFailed => Super,
        }
    }

    #[state]
    fn terminating(
        reason: &StopReason,
        answered: &bool,
        kill_at: &Millis,
        event: &Event,
        context: &mut Effects<Effect>,
    ) -> Outcome<State> {
        match event {
            Event::Exited { .. } => Transition(end(stopped(*reason, *answered), context, Held::SlotAndTree)),
            Event::ResultSeen { .. } if !*answered => {
                Transition(State::Terminating { reason: *reason, answered: true, kill_at: *kill_at })
            }
            Event::Tick { now } if *now >= *kill_at => {
                context.push(Effect::Kill);
                let give_up_at = now.plus(KILL_GRACE_MS);
                Transition(State::Killing { reason: *reason, answered: *answered, give_up_at })
            }
            Event::ResultSeen { .. } | Event::Tick { .. } | Event::TurnBegan | Event::Cancel { .. } => Handled,
            Event::SlotGranted | Event::Spawned { .. } | Event::SpawnFailed => Super,
        }
    }

    #[state]
    fn killing(
        reason: &StopReason,
        answered: &bool,
        give_up_at: &Millis,
        event: &Event,
        context: &mut Effects<Effect>,
    ) -> Outcome<State> {
        match event {
            Event::Exited { .. } => Transition(end(stopped(*reason, *answered), context, Held::SlotAndTree)),
            Event::ResultSeen { .. } if !*answered => {
                Transition(State::Killing { reason: *reason, answered: true, give_up_at: *give_up_at })
            }
            Event::Tick { now } if *now >= *give_up_at => {
                Transition(end(stopped(*reason, *answered), context, Held::SlotAndTree))
            }
            Event::ResultSeen { .. } | Event::Tick { .. } | Event::TurnBegan | Event::Cancel { .. } => Handled,
            Event::SlotGranted | Event::Spawned { .. } | Event::SpawnFailed => Super,
        }
    }

    #[state]
    fn ended(end: &End, event: &Event) -> Outcome<State> {
        let _: &End = end;
        match event {
            Event::SlotGranted
            | Event::Spawned { .. }
            | Event::SpawnFailed
            | Event::ResultSeen { .. }
            | Event::TurnBegan
            | Event::Exited { .. }
            | Event::Tick { .. }
            | Event::Cancel { .. } => Super,
        }
    }
}

/// What a run still holds when it ends.
enum Held {
    Nothing,
    Slot,
    SlotAndTree,
}

fn end(end: End, effects: &mut Effects<Effect>, held: Held) -> State {
    if matches!(held, Held::SlotAndTree) {
        effects.push(Effect::Sweep);
    }
    effects.push(Effect::Conclude(end));
    if !matches!(held, Held::Nothing) {
        effects.push(Effect::ReleaseSlot);
    }
    State::Ended { end }
}

fn terminate(reason: StopReason, answered: bool, now: Millis, effects: &mut Effects<Effect>) -> State {
    effects.push(Effect::Terminate);
    State::Terminating { reason, answered, kill_at: now.plus(TERM_GRACE_MS) }
}

const fn stopped(reason: StopReason, answered: bool) -> End {
    match reason {
        StopReason::Timeout => End::TimedOut { answered },
        StopReason::Lingering => End::Lingered,
        StopReason::Cancelled { by } => End::Cancelled { by },
    }
}
