//! What a record says of its job's state: a status that every implementation knows, and a phase for this one.

use serde::{Deserialize, Deserializer, Serialize};
use strum::IntoStaticStr;

use super::State;

/// Where a job stands, as callers and older implementations see it: the record's `status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    /// Submitted; no claude process yet.
    Pending,
    /// Begun, and its result is still to come.
    Running,
    /// Ended with a successful answer.
    Done,
    /// Ended without a successful answer.
    Failed,
    /// Ended because somebody asked for it, or because the only reader of its answer left.
    Cancelled,
}

impl Status {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Running, Self::Done, Self::Failed, Self::Cancelled];

    /// The name that stands in the record.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The status of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Whether the job's result can no longer change.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Pending | Self::Running => false,
            Self::Done | Self::Failed | Self::Cancelled => true,
        }
    }
}

/// What a status does not tell: the record's `phase`, which is absent most of the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Phase {
    /// Of a running job: see [`State::Adopted`].
    Adopted,
    /// Of a running job: see [`State::Resuming`].
    Resuming,
    /// Of a cancelled job: see [`State::Stopping`].
    Stopping,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Adopted, Self::Resuming, Self::Stopping];

    /// The name that stands in the record.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Reads a record's phase. One that a later version wrote, or a hand, is none: the status stands without it, and a word
    /// must not make a record unreadable.
    ///
    /// # Errors
    /// What the source reports.
    pub fn lenient<'de, D: Deserializer<'de>>(source: D) -> Result<Option<Self>, D::Error> {
        let word = serde_json::Value::deserialize(source)?;
        Ok(Self::ALL.into_iter().find(|phase| word.as_str() == Some(phase.name())))
    }
}

impl State {
    /// The state that a record's status and phase amount to. A phase that does not go with its status says nothing.
    #[must_use]
    pub const fn of_record(status: Status, phase: Option<Phase>) -> Self {
        match (status, phase) {
            (Status::Running, Some(Phase::Adopted)) => Self::Adopted,
            (Status::Running, Some(Phase::Resuming)) => Self::Resuming,
            (Status::Cancelled, Some(Phase::Stopping)) => Self::Stopping,
            (Status::Pending, _) => Self::Pending,
            (Status::Running, _) => Self::Running,
            (Status::Done, _) => Self::Done,
            (Status::Failed, _) => Self::Failed,
            (Status::Cancelled, _) => Self::Cancelled,
        }
    }

    /// What the record says of it; `None` for a record that is gone.
    #[must_use]
    pub const fn in_record(self) -> Option<(Status, Option<Phase>)> {
        Some(match self {
            Self::Pending => (Status::Pending, None),
            Self::Running => (Status::Running, None),
            Self::Adopted => (Status::Running, Some(Phase::Adopted)),
            Self::Resuming => (Status::Running, Some(Phase::Resuming)),
            Self::Stopping => (Status::Cancelled, Some(Phase::Stopping)),
            Self::Done => (Status::Done, None),
            Self::Failed => (Status::Failed, None),
            Self::Cancelled => (Status::Cancelled, None),
            Self::Collected => return None,
        })
    }
}
