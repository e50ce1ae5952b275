//! One run of the claude CLI, from waiting for a slot to its end. Declared in `spec/dispatch.yaml`.
//!
//! Order in this file: numbers, `begin` and `step`, the handlers. Effects, events and states are in `types`, what a
//! run's processes are started for in `run`.

mod run;
mod types;

use statig::prelude::*;

use super::apply::apply;
use super::effect::Effects;
use super::flags::Omission;
use super::rejected::Rejected;
use super::time::Millis;
pub use run::{Purpose, Run, SessionFate, SessionSigns};
pub use types::{AnswerKind, CancelledBy, Effect, End, Event, State, StopReason};

/// How long a process group has to leave after SIGTERM before SIGKILL, in ms. The CLI leaves within 30 ms, with a background
/// task within 1.6 s (measured); a cancelled run must be gone within 2 s.
pub const TERM_GRACE_MS: u64 = 1_700;
/// How long to wait for a process after SIGKILL, in ms; one that is still there then hangs in the kernel.
pub const KILL_GRACE_MS: u64 = 2_000;
/// How long the CLI may stay after a complete result before its answer is taken and it is ended, in ms. It leaves at once
/// where no background tasks live (measured); a turn that begins in this time is waited for.
pub const LEAVE_GRACE_MS: u64 = 15_000;

/// The first state of a run, and its effects.
pub fn begin(run: Run) -> (State, Effects<Effect>) {
    (State::Waiting { run }, Effects::from(vec![Effect::RequestSlot]))
}

/// The state of a run that works on although its supervisor died, for the one that takes over. Its deadline is that of the
/// record; whether it has answered, which of its tasks live and whether it is over shows when its output is read again.
#[must_use]
pub const fn adopted(run: Run, deadline: Millis) -> State {
    State::Running { run, deadline, answered: false, tasks: false }
}

/// Takes one event.
///
/// # Errors
/// [`Rejected`] when the event has no row in the spec for this state; the state stands as it was.
pub fn step(state: State, event: &Event) -> Result<(State, Effects<Effect>), Rejected> {
    apply(state, |state, effects| state.handle(&mut Machine, event, effects), || reject(state, event))
}

const fn reject(state: State, event: &Event) -> Rejected {
    let (name, event) = (state.name(), event.name());
    match state {
        State::Ended { .. } => Rejected::NoOp { state: name, event },
        _ => Rejected::Invalid { state: name, event },
    }
}

/// Shared storage of the machine: none, all of it is in the state.
struct Machine;

#[state_machine(initial = "begin(Run::new(0, 0)).0", visibility = "pub(self)", state(custom, name = "State"))]
impl Machine {
    #[state]
    fn waiting(run: &Run, event: &Event, context: &mut Effects<Effect>) -> Outcome<State> {
        match event {
            Event::SlotGranted => Transition(start(*run, context)),
            Event::Cancel { by, .. } => {
                context.push(Effect::WithdrawSlot);
                Transition(end(End::Cancelled { by: *by, answered: false }, context, Resources::Nothing))
            }
            Event::Tick { .. } => Handled,
            Event::Spawned { .. }
            | Event::SpawnFailed
            | Event::ResultSeen { .. }
            | Event::TurnBegan
            | Event::TasksChanged { .. }
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
                    Transition(State::Running { run: *run, deadline, answered: false, tasks: false })
                }
                Some(by) => {
                    Transition(terminate(*run, StopReason::Cancelled { by: *by }, Heard::default(), *now, context))
                }
            },
            Event::SpawnFailed => Transition(end(End::NotStarted, context, Resources::Slot)),
            Event::Cancel { by, .. } => match cancelled {
                None => Transition(State::Starting { run: *run, cancelled: Some(*by) }),
                Some(_) => Handled,
            },
            Event::Tick { .. } => Handled,
            Event::SlotGranted
            | Event::ResultSeen { .. }
            | Event::TurnBegan
            | Event::TasksChanged { .. }
            | Event::Exited { .. } => Super,
        }
    }

    #[state]
    fn running(
        run: &Run,
        deadline: &Millis,
        answered: &bool,
        tasks: &bool,
        event: &Event,
        context: &mut Effects<Effect>,
    ) -> Outcome<State> {
        let heard = Heard { answered: *answered, tasks: *tasks };
        match event {
            Event::ResultSeen { now } => Transition(answered_at(*now, *run, *deadline, *tasks)),
            Event::TasksChanged { alive, .. } if alive != tasks => {
                Transition(State::Running { run: *run, deadline: *deadline, answered: *answered, tasks: *alive })
            }
            Event::Exited { .. } if *answered => Transition(end(End::Exited, context, Resources::SlotAndProcesses)),
            Event::Exited { unknown, seen, session, .. } => {
                Transition(after_exit(*run, *unknown, *seen, *session, context))
            }
            Event::Tick { now } if *now >= *deadline => {
                Transition(terminate(*run, StopReason::Timeout, heard, *now, context))
            }
            Event::Tick { .. } | Event::TurnBegan | Event::TasksChanged { .. } => Handled,
            Event::Cancel { by, now } => {
                Transition(terminate(*run, StopReason::Cancelled { by: *by }, heard, *now, context))
            }
            Event::SlotGranted | Event::Spawned { .. } | Event::SpawnFailed => Super,
        }
    }

    #[state]
    fn answered(
        run: &Run,
        deadline: &Millis,
        leave_by: &Millis,
        tasks: &bool,
        event: &Event,
        context: &mut Effects<Effect>,
    ) -> Outcome<State> {
        let heard = Heard { answered: true, tasks: *tasks };
        match event {
            Event::Exited { seen, session, answer, .. } => {
                Transition(after_answer(*run, *seen, *session, *answer, context))
            }
            Event::TurnBegan => {
                Transition(State::Running { run: *run, deadline: *deadline, answered: true, tasks: *tasks })
            }
            Event::TasksChanged { alive, now } if alive != tasks => {
                Transition(answered_at(*now, *run, *deadline, *alive))
            }
            Event::Tick { now } if *now >= *deadline => {
                Transition(terminate(*run, StopReason::Timeout, heard, *now, context))
            }
            Event::Tick { now } if *now >= *leave_by => {
                Transition(terminate(*run, StopReason::Lingering, heard, *now, context))
            }
            Event::ResultSeen { .. } | Event::TasksChanged { .. } | Event::Tick { .. } => Handled,
            Event::Cancel { by, now } => {
                Transition(terminate(*run, StopReason::Cancelled { by: *by }, heard, *now, context))
            }
            Event::SlotGranted | Event::Spawned { .. } | Event::SpawnFailed => Super,
        }
    }

    #[state]
    fn terminating(
        run: &Run,
        reason: &StopReason,
        answered: &bool,
        tasks: &bool,
        kill_at: &Millis,
        event: &Event,
        context: &mut Effects<Effect>,
    ) -> Outcome<State> {
        let (run, reason, tasks, kill_at) = (*run, *reason, *tasks, *kill_at);
        match event {
            Event::Exited { session, .. } => Transition(after_stop(run, reason, *answered, *session, context)),
            // While tasks lived the CLI may have held a first result back, which is not the answer.
            Event::ResultSeen { .. } if !*answered && !tasks => {
                Transition(State::Terminating { run, reason, answered: true, tasks, kill_at })
            }
            Event::Tick { now } if *now >= kill_at => {
                context.push(Effect::Kill);
                let give_up_at = now.plus(KILL_GRACE_MS);
                Transition(State::Killing { run, reason, answered: *answered, tasks, give_up_at })
            }
            Event::Cancel { .. } => {
                Transition(State::Terminating { run: run.last(), reason, answered: *answered, tasks, kill_at })
            }
            Event::ResultSeen { .. } | Event::Tick { .. } | Event::TurnBegan | Event::TasksChanged { .. } => Handled,
            Event::SlotGranted | Event::Spawned { .. } | Event::SpawnFailed => Super,
        }
    }

    #[state]
    fn killing(
        run: &Run,
        reason: &StopReason,
        answered: &bool,
        tasks: &bool,
        give_up_at: &Millis,
        event: &Event,
        context: &mut Effects<Effect>,
    ) -> Outcome<State> {
        let (run, reason, tasks, give_up_at) = (*run, *reason, *tasks, *give_up_at);
        match event {
            Event::Exited { session, .. } => Transition(after_stop(run, reason, *answered, *session, context)),
            Event::ResultSeen { .. } if !*answered && !tasks => {
                Transition(State::Killing { run, reason, answered: true, tasks, give_up_at })
            }
            Event::Tick { now } if *now >= give_up_at => {
                Transition(end(stopped(reason, *answered), context, Resources::SlotAndProcesses))
            }
            Event::Cancel { .. } => {
                Transition(State::Killing { run: run.last(), reason, answered: *answered, tasks, give_up_at })
            }
            Event::ResultSeen { .. } | Event::Tick { .. } | Event::TurnBegan | Event::TasksChanged { .. } => Handled,
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
            | Event::TasksChanged { .. }
            | Event::Exited { .. }
            | Event::Tick { .. }
            | Event::Cancel { .. } => Super,
        }
    }
}

/// What was heard of a process so far.
#[derive(Debug, Clone, Copy, Default)]
struct Heard {
    /// A complete result.
    answered: bool,
    /// Background tasks of the agent live.
    tasks: bool,
}

/// A complete result is there. While background tasks live the CLI waits for them, to give a further one.
fn answered_at(now: Millis, run: Run, deadline: Millis, tasks: bool) -> State {
    let leave_by = if tasks { deadline } else { now.plus(LEAVE_GRACE_MS).min(deadline) };
    State::Answered { run, deadline, leave_by, tasks }
}

/// What a run still holds when it ends.
enum Resources {
    Nothing,
    Slot,
    SlotAndProcesses,
}

fn end(end: End, effects: &mut Effects<Effect>, held: Resources) -> State {
    if matches!(held, Resources::SlotAndProcesses) {
        effects.push(Effect::Sweep);
    }
    effects.push(Effect::Conclude(end));
    if !matches!(held, Resources::Nothing) {
        effects.push(Effect::ReleaseSlot);
    }
    State::Ended { end }
}

/// A process that nobody told to leave is gone without an answer.
fn after_exit(
    run: Run,
    unknown: Option<Omission>,
    seen: bool,
    session: SessionFate,
    effects: &mut Effects<Effect>,
) -> State {
    let once_more = run.without(unknown);
    if seen {
        return match once_more.or_else(|| run.from_the_beginning(session)) {
            Some(run) => start(run, effects),
            None => end(End::Exited, effects, Resources::SlotAndProcesses),
        };
    }
    match once_more.or_else(|| run.unstarted(session)).or_else(|| run.gone_on(session)) {
        Some(run) => wait_to_go_on(run, effects),
        None => end(End::Exited, effects, Resources::SlotAndProcesses),
    }
}

/// A process that had answered is gone.
fn after_answer(
    run: Run,
    seen: bool,
    session: SessionFate,
    answer: AnswerKind,
    effects: &mut Effects<Effect>,
) -> State {
    if let Some(run) = run.waited(answer == AnswerKind::Limited, session) {
        return wait_to_go_on(run, effects);
    }
    match run.repaired(answer == AnswerKind::Misses && seen, session) {
        // The fence first: never two processes of one run.
        Some(run) => {
            effects.push(Effect::Sweep);
            start(run, effects)
        }
        None => end(End::Exited, effects, Resources::Slot),
    }
}

fn start(run: Run, effects: &mut Effects<Effect>) -> State {
    effects.push(Effect::Spawn(run));
    State::Starting { run, cancelled: None }
}

/// The fence first: what is left of the process is gone before the run queues again like any other.
fn wait_to_go_on(run: Run, effects: &mut Effects<Effect>) -> State {
    effects.push(Effect::Sweep);
    effects.push(Effect::NoteResumption);
    effects.push(Effect::ReleaseSlot);
    effects.push(Effect::RequestSlot);
    State::Waiting { run }
}

fn terminate(run: Run, reason: StopReason, heard: Heard, now: Millis, effects: &mut Effects<Effect>) -> State {
    effects.push(Effect::Terminate);
    let Heard { answered, tasks } = heard;
    State::Terminating { run, reason, answered, tasks, kill_at: now.plus(TERM_GRACE_MS) }
}

/// A process that was told to leave is gone. One whose time was up, without an answer, may be followed by another.
fn after_stop(
    run: Run,
    reason: StopReason,
    answered: bool,
    session: SessionFate,
    effects: &mut Effects<Effect>,
) -> State {
    match (reason, run.gone_on(session)) {
        (StopReason::Timeout, Some(run)) if !answered => wait_to_go_on(run, effects),
        _ => end(stopped(reason, answered), effects, Resources::SlotAndProcesses),
    }
}

const fn stopped(reason: StopReason, answered: bool) -> End {
    match reason {
        StopReason::Timeout => End::TimedOut { answered },
        StopReason::Lingering => End::Lingered,
        StopReason::Cancelled { by } => End::Cancelled { by, answered },
    }
}
