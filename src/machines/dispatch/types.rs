//! The states, events and effects of the dispatch machine.

use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr};

use super::run::{Run, SessionFate};
use crate::machines::apply::named;
use crate::machines::flags::Omission;
use crate::machines::time::Millis;

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
    /// Somebody ended the run before it was over.
    Cancelled {
        /// Who asked for the end.
        by: CancelledBy,
        /// A complete result was seen.
        answered: bool,
    },
}

impl End {
    /// Whether a result that is there may be the answer. One that the CLI had held back while background tasks of the agent
    /// worked, and that it printed because it was told to leave, is not.
    #[must_use]
    pub const fn takes_result(self) -> bool {
        match self {
            Self::NotStarted | Self::Exited | Self::Lingered => true,
            Self::TimedOut { answered } | Self::Cancelled { answered, .. } => answered,
        }
    }
}

/// What the shell is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display)]
#[strum(serialize_all = "snake_case")]
pub enum Effect {
    /// Ask for a place under the concurrency limit (and for the session, where one is resumed).
    RequestSlot,
    /// Take back the request for a place.
    WithdrawSlot,
    /// Note in the record that the process is gone and that the run goes on in its session as soon as it may. A usage limit
    /// that the answer tells of is noted before, for all who wait for its end.
    NoteResumption,
    /// Start the CLI, for what the run says and without the flags that are left out.
    Spawn(Run),
    /// SIGTERM to the process group.
    Terminate,
    /// SIGKILL to the process group.
    Kill,
    /// SIGKILL to every process that the run left behind, in whatever session.
    Sweep,
    /// Judge the answer and store it, a usage limit as with [`Self::NoteResumption`]. Comes before the slot is given back: a
    /// stored answer outranks a fast one.
    Conclude(End),
    /// Give the place back.
    ReleaseSlot,
}

/// What the answer of a process that is gone is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerKind {
    /// It is judged as it is, or there is none.
    Final,
    /// The process left in order, and its answer misses the schema that it must match.
    Misses,
    /// It says that the account's usage limit is reached.
    Limited,
}

/// What happened to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Event {
    /// A place under the limit was given.
    SlotGranted,
    /// The process runs.
    Spawned {
        /// When it happened.
        now: Millis,
    },
    /// The process could not be started.
    SpawnFailed,
    /// A complete result was read from claude's output.
    ResultSeen {
        /// When it happened.
        now: Millis,
    },
    /// Claude began a further turn after a result.
    TurnBegan,
    /// Background tasks of the agent began, or all of them are over.
    TasksChanged {
        /// Whether any background task lives now.
        alive: bool,
        /// When it happened.
        now: Millis,
    },
    /// The process is gone and its output is read to the end.
    Exited {
        /// What it said it does not take.
        unknown: Option<Omission>,
        /// Somebody saw how it ended. Otherwise it went while nobody supervised it.
        seen: bool,
        /// What is left of the session.
        session: SessionFate,
        /// What its answer is worth.
        answer: AnswerKind,
    },
    /// A deadline may be due.
    Tick {
        /// When it happened.
        now: Millis,
    },
    /// The run is to end.
    Cancel {
        /// Who asks for the end.
        by: CancelledBy,
        /// When it happened.
        now: Millis,
    },
}

named!(State, Event);

/// Why a process is being ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// Its time is up.
    Timeout,
    /// It stayed after its answer.
    Lingering,
    /// Somebody asked for the end.
    Cancelled {
        /// Who asked for the end.
        by: CancelledBy,
    },
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum State {
    /// The run waits for a slot.
    Waiting {
        /// What the run knows of itself.
        run: Run,
    },
    /// The process is being started. `cancelled`: it is to end as soon as it runs.
    Starting {
        /// What the run knows of itself.
        run: Run,
        /// Who asked for the end meanwhile.
        cancelled: Option<CancelledBy>,
    },
    /// The process works. `answered`: an earlier turn already gave a complete result.
    Running {
        /// What the run knows of itself.
        run: Run,
        /// When its time is up.
        deadline: Millis,
        /// A complete result was seen.
        answered: bool,
        /// Background tasks of the agent live.
        tasks: bool,
    },
    /// A complete result is there; the process is expected to leave when no background tasks live any more.
    Answered {
        /// What the run knows of itself.
        run: Run,
        /// When its time is up.
        deadline: Millis,
        /// When it must have left.
        leave_by: Millis,
        /// Background tasks of the agent live.
        tasks: bool,
    },
    /// SIGTERM was sent.
    Terminating {
        /// What the run knows of itself.
        run: Run,
        /// Why the process is being ended.
        reason: StopReason,
        /// A complete result was seen.
        answered: bool,
        /// Background tasks of the agent lived when it was told to leave.
        tasks: bool,
        /// When SIGKILL follows.
        kill_at: Millis,
    },
    /// SIGKILL was sent.
    Killing {
        /// What the run knows of itself.
        run: Run,
        /// Why the process is being ended.
        reason: StopReason,
        /// A complete result was seen.
        answered: bool,
        /// Background tasks of the agent lived when it was told to leave.
        tasks: bool,
        /// When waiting for it ends.
        give_up_at: Millis,
    },
    /// The run is over.
    Ended {
        /// How the run ended.
        end: End,
    },
}

impl State {
    /// Whether a complete result was seen of the process.
    pub(super) const fn was_answered(&self) -> bool {
        match self {
            Self::Running { answered, .. } | Self::Terminating { answered, .. } | Self::Killing { answered, .. } => {
                *answered
            }
            Self::Answered { .. } => true,
            Self::Waiting { .. } | Self::Starting { .. } | Self::Ended { .. } => false,
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
