//! A job record: `jobs/<id>.json`, shared with every process of the user and with older implementations.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::clock;
use crate::machines::ids::JobId;
use crate::machines::job::{Phase, State, Status};

/// A job as its file tells it. Times are Unix seconds. Keys that we do not know are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Equal to the file's name.
    pub id: JobId,
    /// The agent it runs in.
    pub agent: String,
    /// What was asked.
    pub task: String,
    /// Context given with the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// To what end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// What of its state the status does not tell; see [`Record::state`].
    #[serde(default, deserialize_with = "Phase::lenient", skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// When it was submitted.
    pub created_at: f64,
    /// When its supervisor claimed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<f64>,
    /// When it became terminal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<f64>,
    /// The answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The last lines of what the agent did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Vec<String>>,
    /// When `progress` was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress_updated_at: Option<f64>,
    /// The session that the run was given, with which it can be resumed whatever happens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// When its time is up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_at: Option<f64>,
    /// How often it went on by itself after it was cut off; absent for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumptions: Option<u8>,
    /// Keys of other implementations and later versions.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Record {
    /// A job that was submitted at this moment.
    #[must_use]
    pub fn pending(id: JobId, agent: &str, task: &str) -> Self {
        Self {
            id,
            agent: agent.to_owned(),
            task: task.to_owned(),
            context: None,
            caller: None,
            goal: None,
            status: Status::Pending,
            phase: None,
            created_at: clock::unix_seconds(),
            started_at: None,
            completed_at: None,
            result: None,
            error: None,
            progress: None,
            progress_updated_at: None,
            session_id: None,
            deadline_at: None,
            resumptions: None,
            extra: Map::new(),
        }
    }

    /// Where the job stands.
    #[must_use]
    pub const fn state(&self) -> State {
        State::of_record(self.status, self.phase)
    }
}
