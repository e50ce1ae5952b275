//! How a verb ends.

use std::process;

use serde_json::{Map, Value};

use super::registration::installation::typed;
use crate::config::change::ChangeError;
use crate::config::groups::GroupError;
use crate::config::path::PlaceError;
use crate::config::read::ConfigError;
use crate::config::write::WriteError;

/// The exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitCode {
    /// What was asked for is done.
    Success,
    /// It is not done, and the reason was given.
    Failure,
    /// What was typed cannot be understood.
    Usage,
    /// The time is up, and what was waited for goes on.
    StillRunning,
    /// Ctrl-C. 128 + the number of SIGINT, as shells have it.
    Interrupted,
}

impl From<ExitCode> for process::ExitCode {
    fn from(exit: ExitCode) -> Self {
        Self::from(match exit {
            ExitCode::Success => 0,
            ExitCode::Failure => 1,
            ExitCode::Usage => 2,
            ExitCode::StillRunning => 3,
            ExitCode::Interrupted => 130,
        })
    }
}

/// What went wrong, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What went wrong, in one sentence.
    pub error: String,
    /// Next steps, a line each.
    pub hints: Vec<String>,
}

impl Failure {
    /// A failure without a way out.
    pub fn new(error: impl Into<String>) -> Self {
        Self { error: error.into(), hints: Vec::new() }
    }

    /// The same with one more next step.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// `{"error", "hint"?}`, as the MCP tools have it.
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        object.insert("error".to_owned(), self.error.as_str().into());
        if !self.hints.is_empty() {
            object.insert("hint".to_owned(), self.hints.join("; ").into());
        }
        Value::Object(object)
    }
}

/// Errors that bring their own next step.
macro_rules! with_hint {
    ($($error:ty),*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::new(error.to_string()).hint(error.hint())
            }
        })*
    };
}
with_hint!(PlaceError, ConfigError, WriteError);

impl From<GroupError> for Failure {
    fn from(error: GroupError) -> Self {
        let failure = Self::new(error.to_string());
        match error {
            GroupError::Exists(name) => failure.hint(format!(
                "{} group update {name} … changes it, group add-member {name} … adds to it, group remove {name} takes it out",
                typed()
            )),
            GroupError::Unknown(_) => failure.hint(format!("{} group list shows all groups", typed())),
            GroupError::UnknownAgent(_) => {
                failure.hint(format!("{} add NAME DIR makes a project an agent", typed()))
            },
            GroupError::Member { agent, group } => failure.hint(format!(
                "to give it another purpose: {} group remove-member {group} {agent}, then add it again",
                typed()
            )),
            GroupError::Disabled { .. } => failure.hint("correct the entry in agents.yaml"),
            GroupError::Nothing => failure.hint("give --description or --shared-context; an empty text clears it"),
            GroupError::Write(error) => error.into(),
            GroupError::Name(_) | GroupError::NotAMember { .. } | GroupError::TooLong { .. } => failure,
        }
    }
}

impl From<ChangeError> for Failure {
    /// The same mistake in the words of the command line.
    fn from(error: ChangeError) -> Self {
        match &error {
            ChangeError::Exists(name) => Self::new(format!("agent '{name}' exists already"))
                .hint(format!("{own} update {name} … changes it, {own} remove {name} takes it out", own = typed())),
            ChangeError::Unknown(text) => Self::new(text).hint(format!("{} list shows all agents", typed())),
            ChangeError::Nothing => Self::new("nothing to update")
                .hint("give at least one option; `none` clears a text or a list, `[]` is an empty list, `--max-budget 0` takes the agent's own cap away"),
            ChangeError::Write(error) => error.clone().into(),
            ChangeError::Name(_) | ChangeError::Directory { .. } | ChangeError::Value { .. } => {
                Self { error: error.to_string(), hints: error.hint().into_iter().collect() }
            }
        }
    }
}
