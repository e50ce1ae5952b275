//! One run of the claude CLI, from waiting for a slot to its end. Declared in `spec/dispatch.yaml`.
//!
//! Order in this file: numbers, effects, events, states, `begin` and `step`, the handlers.

use serde::{Deserialize, Serialize};
use statig::prelude::*;
use std::fmt;

use super::command_line;
use super::effect::Effects;
use super::refused::Refused;
use super::time::Millis;

/// How long a process group has to leave after SIGTERM before SIGKILL, in ms. The CLI leaves within 30 ms, with a background
/// task within 1.6 s (measured); a cancelled run must be gone within 2 s.
pub const TERM_GRACE_MS: u64 = 1_700;
/// How long to wait for a process after SIGKILL, in ms; one that is still there then hangs in the kernel.
pub const KILL_GRACE_MS: u64 = 2_000;
/// How long the CLI may stay after a complete result before its answer is taken and it is ended, in ms. The CLI itself waits
/// 5 s for background tasks (measured); a turn that begins in this time is waited for.
pub const LEAVE_GRACE_MS: u64 = 15_000;

/// A flag that older versions of the CLI may not know. A run is tried again without it, once for each flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// `--session-id`: without it a timed-out run cannot be resumed unless the CLI told its own id.
    SessionId,
    /// `--append-system-prompt`: without it the agent does not see the dispatch protocol.
    SystemPrompt,
    /// `--max-budget-usd`: without it an overshoot is only reported.
    MaxBudget,
}

impl Flag {
    /// The flag behind an option, where a run without it is still the run that was asked for.
    #[must_use]
    pub const fn droppable(option: command_line::Flag) -> Option<Self> {
        match option {
            command_line::Flag::SessionId => Some(Self::SessionId),
            command_line::Flag::AppendSystemPrompt => Some(Self::SystemPrompt),
            command_line::Flag::MaxBudget => Some(Self::MaxBudget),
            command_line::Flag::Print
            | command_line::Flag::OutputFormat
            | command_line::Flag::Verbose
            | command_line::Flag::Resume
            | command_line::Flag::Model
            | command_line::Flag::PermissionMode
            | command_line::Flag::AllowedTools
            | command_line::Flag::DisallowedTools => None,
        }
    }
}

/// The flags that are left out because the CLI said that it does not know them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Omitted {
    /// `--session-id` is left out.
    pub session_id: bool,
    /// `--append-system-prompt` is left out.
    pub system_prompt: bool,
    /// `--max-budget-usd` is left out.
    pub max_budget: bool,
}

impl Omitted {
    /// Whether `flag` is left out.
    #[must_use]
    pub const fn has(self, flag: Flag) -> bool {
        match flag {
            Flag::SessionId => self.session_id,
            Flag::SystemPrompt => self.system_prompt,
            Flag::MaxBudget => self.max_budget,
        }
    }

    /// The same, with `flag` left out as well.
    #[must_use]
    pub const fn and(mut self, flag: Flag) -> Self {
        match flag {
            Flag::SessionId => self.session_id = true,
            Flag::SystemPrompt => self.system_prompt = true,
            Flag::MaxBudget => self.max_budget = true,
        }
        self
    }
}

impl From<Omitted> for command_line::Omitted {
    fn from(omitted: Omitted) -> Self {
        Self {
            session_id: omitted.session_id,
            append_system_prompt: omitted.system_prompt,
            max_budget: omitted.max_budget,
        }
    }
}

/// Who ended a run before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelledBy {
    /// Somebody asked for it: a cancelled request, the cancel tool, the CLI, a signal to the supervisor.
    Request,
    /// The process that waited for the answer is gone.
    CallerGone,
}

/// How a run came to its end. What the answer says is judged from this and from what claude printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The process could not be started.
    NotStarted,
    /// The process left by itself.
    Exited,
    /// A complete answer was there, but the process did not leave and was ended.
    Lingered,
    /// The time was up. `answered`: a complete answer is there all the same.
    TimedOut {
        /// A complete result was seen.
        answered: bool,
    },
    /// Somebody ended it.
    Cancelled {
        /// Who.
        by: CancelledBy,
    },
}

/// What the shell is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Ask for a place under the concurrency limit (and for the session, where one is resumed).
    RequestSlot,
    /// Take back the request for a place.
    WithdrawSlot,
    /// Start the CLI without the flags named here.
    Spawn(Omitted),
    /// SIGTERM to the process group.
    Terminate,
    /// SIGKILL to the process group.
    Kill,
    /// SIGKILL to every process that the run left behind, in whatever session.
    Sweep,
    /// Judge the answer and store it. Comes before the slot is given back: a stored answer outranks a fast one.
    Conclude(End),
    /// Give the place back.
    ReleaseSlot,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RequestSlot => "request_slot",
            Self::WithdrawSlot => "withdraw_slot",
            Self::Spawn(_) => "spawn",
            Self::Terminate => "terminate",
            Self::Kill => "kill",
            Self::Sweep => "sweep",
            Self::Conclude(_) => "conclude",
            Self::ReleaseSlot => "release_slot",
        })
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// A place under the limit was given.
    SlotGranted,
    /// The process runs.
    Spawned {
        /// When.
        now: Millis,
    },
    /// The process could not be started.
    SpawnFailed,
    /// A complete result was read from claude's output.
    ResultSeen {
        /// When.
        now: Millis,
    },
    /// Claude began a further turn after a result.
    TurnBegan,
    /// The process is gone and its output is read to the end.
    Exited {
        /// A flag that it said it does not know.
        unknown: Option<Flag>,
    },
    /// A deadline may be due.
    Tick {
        /// When.
        now: Millis,
    },
    /// The run is to end.
    Cancel {
        /// Who asks.
        by: CancelledBy,
        /// When.
        now: Millis,
    },
}

impl Event {
    /// The event's name in the spec.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SlotGranted => "slot_granted",
            Self::Spawned { .. } => "spawned",
            Self::SpawnFailed => "spawn_failed",
            Self::ResultSeen { .. } => "result_seen",
            Self::TurnBegan => "turn_began",
            Self::Exited { .. } => "exited",
            Self::Tick { .. } => "tick",
            Self::Cancel { .. } => "cancel",
        }
    }
}

/// What stays the same over the life of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Run {
    /// How long the process may run, in ms.
    pub timeout_ms: u64,
    /// Flags that the CLI does not know.
    pub omitted: Omitted,
}

/// Why a process is being ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// Its time is up.
    Timeout,
    /// It stayed after its answer.
    Lingering,
    /// Somebody asked.
    Cancelled {
        /// Who.
        by: CancelledBy,
    },
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// For a place under the limit.
    Waiting {
        /// The run.
        run: Run,
    },
    /// The process is being started. `cancelled`: it is to end as soon as it runs.
    Starting {
        /// The run.
        run: Run,
        /// Who asked for the end meanwhile.
        cancelled: Option<CancelledBy>,
    },
    /// The process works. `answered`: an earlier turn already gave a complete result.
    Running {
        /// The run.
        run: Run,
        /// When its time is up.
        deadline: Millis,
        /// A complete result was seen.
        answered: bool,
    },
    /// A complete result is there; the process is expected to leave.
    Answered {
        /// The run.
        run: Run,
        /// When its time is up.
        deadline: Millis,
        /// When it must have left.
        leave_by: Millis,
    },
    /// SIGTERM was sent.
    Terminating {
        /// Why.
        reason: StopReason,
        /// A complete result was seen.
        answered: bool,
        /// When SIGKILL follows.
        kill_at: Millis,
    },
    /// SIGKILL was sent.
    Killing {
        /// Why.
        reason: StopReason,
        /// A complete result was seen.
        answered: bool,
        /// When waiting for it ends.
        give_up_at: Millis,
    },
    /// It is over.
    Ended {
        /// How.
        end: End,
    },
}

impl State {
    /// The state's name in the spec.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Waiting { .. } => "waiting",
            Self::Starting { .. } => "starting",
            Self::Running { .. } => "running",
            Self::Answered { .. } => "answered",
            Self::Terminating { .. } => "terminating",
            Self::Killing { .. } => "killing",
            Self::Ended { .. } => "ended",
        }
    }

    /// When the next [`Event::Tick`] is due; `None` where the machine waits for something else.
    #[must_use]
    pub const fn next_deadline(&self) -> Option<Millis> {
        match self {
            Self::Waiting { .. } | Self::Starting { .. } | Self::Ended { .. } => None,
            Self::Running { deadline, .. } => Some(*deadline),
            Self::Answered { leave_by, .. } => Some(*leave_by),
            Self::Terminating { kill_at, .. } => Some(*kill_at),
            Self::Killing { give_up_at, .. } => Some(*give_up_at),
        }
    }
}

/// The first state of a run, and its effects.
pub fn begin(timeout_ms: u64) -> (State, Effects<Effect>) {
    let run = Run { timeout_ms, omitted: Omitted::default() };
    (State::Waiting { run }, Effects::from(vec![Effect::RequestSlot]))
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
