//! One run of the claude CLI, from waiting for a slot to its end. Declared in `spec/dispatch.yaml`.
//!
//! Order in this file: numbers, `begin` and `step`, the handlers. Effects, events and states are in `types`, what a
//! run's processes are started for in `run`.

mod run;
mod types;

use statig::prelude::*;

use super::apply::{self, apply};
use super::effect::Effects;
use super::flags::Omission;
use super::rejected::Rejected;
use super::time::Millis;
pub use run::{Purpose, Run, SessionFate, SessionSigns};
pub use types::{AnswerKind, CancelledBy, Effect, End, Event, State, StopReason};

/// How long a process group has to leave after SIGTERM before SIGKILL, in ms. The CLI leaves within 30 ms, with a background
/// task within 1.6 s (measured). A cancelled run is gone within 2 s where SIGKILL ends it at once.
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
    let mut machine = Machine { answered: state.was_answered() };
    apply(
        state,
        |state, effects| state.handle(&mut machine, event, effects),
        || Rejected::of(matches!(state, State::Ended { .. }), state.name(), event.name()),
    )
}

/// The groups of the spec that a state is in, the outermost first.
#[must_use]
pub fn groups(state: State) -> Vec<&'static str> {
    apply::groups::<Machine>(state)
}

/// What a group must know of its state beyond the data that all states of the group hold.
struct Machine {
    /// A complete result was seen of the process.
    answered: bool,
}

/// The handlers. A state without one, which is over, takes no event.
#[state_machine(
    initial = "begin(Run::new(0, 0)).0",
    visibility = "pub(self)",
    state(custom, name = "State"),
    superstate(derive(strum::IntoStaticStr))
)]
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
            _ => Super,
        }
    }

    #[state]
    fn starting(
        run: &Run,
        cancelled: &mut Option<CancelledBy>,
        event: &Event,
        context: &mut Effects<Effect>,
    ) -> Outcome<State> {
        match event {
            Event::Spawned { now } => Transition(match cancelled {
                None => {
                    let deadline = now.plus(run.timeout_ms);
                    State::Running { run: *run, deadline, answered: false, tasks: false }
                }
                Some(by) => terminate(*run, StopReason::Cancelled { by: *by }, Heard::default(), *now, context),
            }),
            Event::SpawnFailed => Transition(end(End::NotStarted, context, Resources::Slot)),
            Event::Cancel { by, .. } => {
                cancelled.get_or_insert(*by);
                Handled
            }
            Event::Tick { .. } => Handled,
            _ => Super,
        }
    }

    #[state(superstate = "working")]
    fn running(
        run: &Run,
        deadline: &Millis,
        answered: &bool,
        tasks: &mut bool,
        event: &Event,
        context: &mut Effects<Effect>,
    ) -> Outcome<State> {
        match event {
            Event::ResultSeen { now } => Transition(answered_at(*now, *run, *deadline, *tasks)),
            Event::TasksChanged { alive, .. } => {
                *tasks = *alive;
                Handled
            }
            Event::Exited { .. } if *answered => Transition(end(End::Exited, context, Resources::SlotAndProcesses)),
            Event::Exited { unknown, seen, session, .. } => {
                Transition(after_exit(*run, *unknown, *seen, *session, context))
            }
            _ => Super,
        }
    }

    #[state(superstate = "working")]
    fn answered(
        run: &Run,
        deadline: &Millis,
        leave_by: &Millis,
        tasks: &bool,
        event: &Event,
        context: &mut Effects<Effect>,
    ) -> Outcome<State> {
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
            Event::Tick { now } if leave_by <= now && now < deadline => {
                let heard = Heard { answered: true, tasks: *tasks };
                Transition(terminate(*run, StopReason::Lingering, heard, *now, context))
            }
            _ => Super,
        }
    }

    #[state(superstate = "stopping")]
    fn terminating(
        run: &Run,
        reason: &StopReason,
        answered: &bool,
        tasks: &bool,
        kill_at: &Millis,
        event: &Event,
        context: &mut Effects<Effect>,
    ) -> Outcome<State> {
        let (run, reason, answered, tasks) = (*run, *reason, *answered, *tasks);
        match event {
            Event::Tick { now } if now >= kill_at => {
                context.push(Effect::Kill);
                Transition(State::Killing { run, reason, answered, tasks, give_up_at: now.plus(KILL_GRACE_MS) })
            }
            _ => Super,
        }
    }

    #[state(superstate = "stopping")]
    fn killing(
        run: &Run,
        reason: &StopReason,
        answered: &bool,
        tasks: &bool,
        give_up_at: &Millis,
        event: &Event,
        context: &mut Effects<Effect>,
    ) -> Outcome<State> {
        let _: (&Run, &bool) = (run, tasks);
        match event {
            Event::Tick { now } if now >= give_up_at => {
                Transition(end(stopped(*reason, *answered), context, Resources::SlotAndProcesses))
            }
            _ => Super,
        }
    }

    /// Nobody has asked the process to leave.
    #[superstate(superstate = "alive")]
    fn working(
        &mut self,
        run: &Run,
        deadline: &Millis,
        tasks: &bool,
        event: &Event,
        context: &mut Effects<Effect>,
    ) -> Outcome<State> {
        let heard = Heard { answered: self.answered, tasks: *tasks };
        match event {
            Event::Tick { now } if now >= deadline => {
                Transition(terminate(*run, StopReason::Timeout, heard, *now, context))
            }
            Event::Cancel { by, now } => {
                Transition(terminate(*run, StopReason::Cancelled { by: *by }, heard, *now, context))
            }
            _ => Super,
        }
    }

    /// The process was told to leave.
    #[superstate(superstate = "alive")]
    fn stopping(
        run: &mut Run,
        reason: &StopReason,
        answered: &mut bool,
        tasks: &bool,
        event: &Event,
        context: &mut Effects<Effect>,
    ) -> Outcome<State> {
        match event {
            Event::Exited { session, .. } => Transition(after_stop(*run, *reason, *answered, *session, context)),
            // While tasks lived the CLI may have held a first result back, which is not the answer.
            Event::ResultSeen { .. } if !*tasks => {
                *answered = true;
                Handled
            }
            Event::Cancel { .. } => {
                *run = run.last();
                Handled
            }
            _ => Super,
        }
    }

    /// The process is there: what the states of the group do not act upon is known already, or too early.
    #[superstate]
    fn alive(event: &Event) -> Outcome<State> {
        match event {
            Event::ResultSeen { .. } | Event::TurnBegan | Event::TasksChanged { .. } | Event::Tick { .. } => Handled,
            _ => Super,
        }
    }
}

/// What was heard of a process so far.
#[derive(Debug, Clone, Copy, Default)]
struct Heard {
    /// A complete result was seen.
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
