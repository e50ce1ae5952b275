//! The processes of a run: what each is started for, and what one that is gone left behind for the next.

use serde::{Deserialize, Serialize};

use crate::machines::cli_version::Version;
use crate::machines::flags::{Omission, Omitted};

/// What a process of a run is started for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// For the task, as it was given.
    #[default]
    Task,
    /// To go on in the session where the process before it was cut off.
    Continue,
    /// To give the answer again, which missed its schema.
    Repair,
}

/// What is known of a run's session when a process of it is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionFate {
    /// No process of the run was ever started: whoever was about to do so died.
    Unstarted,
    /// It never came to exist: nothing was paid, and the task can be given as if for the first time.
    Absent,
    /// It can be gone on with.
    Begun,
    /// The agent worked in it, and it cannot be gone on with.
    Lost,
}

/// What was seen of a run's session, in the output of all processes of the run so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SessionSigns {
    /// Some process was started.
    pub started: bool,
    /// Some process told of its session.
    pub begun: bool,
    /// The agent said or did something.
    pub worked: bool,
    /// The last process said that there is no such session.
    pub missing: bool,
    /// Its id is known.
    pub known: bool,
}

impl SessionFate {
    /// What the signs amount to. A CLI tells of a session before it writes it to its disk, so that one that was told of may
    /// be missing; it writes it before it asks the model.
    #[must_use]
    pub const fn of(signs: SessionSigns) -> Self {
        match signs {
            SessionSigns { started: false, .. } => Self::Unstarted,
            SessionSigns { worked: true, missing: true, .. } | SessionSigns { begun: true, known: false, .. } => {
                Self::Lost
            }
            SessionSigns { missing: true, .. } | SessionSigns { begun: false, .. } => Self::Absent,
            SessionSigns { begun: true, .. } => Self::Begun,
        }
    }
}

/// What a run knows of itself: its limits, and what its present process is started for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Run {
    /// How long each process may run, in ms.
    pub timeout_ms: u64,
    /// Flags that the CLI does not know.
    pub omitted: Omitted,
    /// What the process is started for.
    pub purpose: Purpose,
    /// How often the run may still go on after it was cut off.
    pub resumes_left: u8,
    /// How often an answer that misses its schema may still be asked for again.
    pub repairs_left: u8,
    /// How often the run may still wait until the account's usage limit is over.
    pub waits_left: u8,
}

impl Run {
    /// A run at its beginning.
    #[must_use]
    pub const fn new(timeout_ms: u64, resumes_left: u8) -> Self {
        Self {
            timeout_ms,
            omitted: Omitted::NOTHING,
            purpose: Purpose::Task,
            resumes_left,
            repairs_left: 0,
            waits_left: 0,
        }
    }

    /// The same, whose answer must match a schema: one that misses it is asked for again once.
    #[must_use]
    pub const fn repairable(self) -> Self {
        Self { repairs_left: 1, ..self }
    }

    /// The run that asks for its answer again; `None` where that is not worth it. It does not go on when it is cut off: the
    /// first answer is there.
    #[must_use]
    pub fn repaired(self, misses: bool, session: SessionFate) -> Option<Self> {
        let repairs_left = self.repairs_left.checked_sub(1).filter(|_| misses && session == SessionFate::Begun)?;
        Some(Self { purpose: Purpose::Repair, resumes_left: 0, repairs_left, ..self })
    }

    /// The same run, allowed to wait `waits_left` times for the usage limit.
    #[must_use]
    pub const fn waiting(self, waits_left: u8) -> Self {
        Self { waits_left, ..self }
    }

    /// The run as it goes on when the account's limit is over; `None` where it does not wait for that, or cannot go on.
    #[must_use]
    pub fn waited(self, limited: bool, session: SessionFate) -> Option<Self> {
        let waits_left = self.waits_left.checked_sub(1).filter(|_| limited)?;
        let purpose = match (self.purpose, session) {
            (_, SessionFate::Lost) => return None,
            (_, SessionFate::Absent | SessionFate::Unstarted) => Purpose::Task,
            (Purpose::Repair, SessionFate::Begun) => Purpose::Repair,
            (Purpose::Task | Purpose::Continue, SessionFate::Begun) => Purpose::Continue,
        };
        Some(Self { purpose, waits_left, ..self })
    }

    /// The same, started once more without a flag that the CLI does not know; `None` where that was done before.
    #[must_use]
    pub fn without(self, unknown: Option<Omission>) -> Option<Self> {
        let omission = unknown.filter(|omission| !self.omitted.lacks(omission.flag()))?;
        Some(Self { omitted: self.omitted.and(omission), ..self })
    }

    /// The same, as it is started on a CLI of this version: one that would ask without end for an answer in the form of a
    /// schema is not given the schema. It stays a part of the task, our own check judges the answer, and one that misses
    /// is asked for again once. That bounds the run and cuts off no work.
    #[must_use]
    pub fn on(self, version: Option<Version>) -> Self {
        match version {
            Some(version) if !version.bounds_schema() => {
                Self { omitted: self.omitted.and(Omission::UnboundedSchema), ..self }
            }
            _ => self,
        }
    }

    /// The same, with the task once more: the process was told to go on in a session that turned out not to be there.
    #[must_use]
    pub fn from_the_beginning(self, session: SessionFate) -> Option<Self> {
        (self.purpose == Purpose::Continue && session == SessionFate::Absent)
            .then_some(Self { purpose: Purpose::Task, ..self })
    }

    /// The same, as if it had just been submitted: nothing of it was ever started.
    #[must_use]
    pub fn unstarted(self, session: SessionFate) -> Option<Self> {
        (session == SessionFate::Unstarted).then_some(self)
    }

    /// The run as it goes on after it was cut off; `None` where it may not, or cannot.
    #[must_use]
    pub const fn gone_on(self, session: SessionFate) -> Option<Self> {
        let Some(resumes_left) = self.resumes_left.checked_sub(1) else { return None };
        let purpose = match session {
            SessionFate::Absent => Purpose::Task,
            SessionFate::Begun => Purpose::Continue,
            SessionFate::Unstarted | SessionFate::Lost => return None,
        };
        Some(Self { purpose, resumes_left, ..self })
    }

    /// The same, which does not go on when it is cut off: somebody wants it to end.
    #[must_use]
    pub const fn last(self) -> Self {
        Self { resumes_left: 0, ..self }
    }
}
