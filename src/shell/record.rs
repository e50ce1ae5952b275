//! A job record: `jobs/<id>.json`, shared with every process of the user and with older implementations.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::clock;
use crate::machines::activity::Activity;
use crate::machines::answer::{Answer, ErrorType};
use crate::machines::ids::JobId;
use crate::machines::job::{Phase, State, Status};

/// In which form a caller gets an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// The answer itself.
    Answer,
    /// Where it is stored, and its beginning.
    Reference {
        /// How much of it, in characters.
        summary_chars: usize,
    },
    /// The JSON that a call of several requests answers, which the result of its job holds as text.
    Call,
}

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
    /// How far it has come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity: Option<Activity>,
    /// When `progress` was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress_updated_at: Option<f64>,
    /// The session that the run was given, with which it can be resumed whatever happens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// When its time is up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_at: Option<f64>,
    /// What the caller of a dispatch gets that became a task. Without it, whoever asks for the job as a task gets the
    /// record, as `dispatch_wait` gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Form>,
    /// The call of several requests that it is a part of, where that is a job as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_of: Option<JobId>,
    /// How often it went on by itself after it was cut off; absent for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumptions: Option<u8>,
    /// Keys of other implementations and later versions.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Record {
    /// The answer of a job that ended; what is known of one that ended without any.
    #[must_use]
    pub fn into_answer(self) -> Answer {
        let answer = self.result.and_then(|result| serde_json::from_value(result).ok());
        answer.unwrap_or_else(|| {
            let error = self.error.unwrap_or_else(|| "the job ended without an answer".to_owned());
            Answer { session_id: self.session_id, ..Answer::failure(self.agent, ErrorType::CliError, error) }
        })
    }

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
            activity: None,
            progress_updated_at: None,
            session_id: None,
            deadline_at: None,
            delivery: None,
            part_of: None,
            resumptions: None,
            extra: Map::new(),
        }
    }

    /// Whether it is a call of several requests, which are jobs of their own.
    #[must_use]
    pub const fn is_call(&self) -> bool {
        matches!(self.delivery, Some(Form::Call))
    }

    /// What is told of a job that somebody ended, and how to go on from there.
    #[must_use]
    pub fn reason_of_cancel(&self) -> String {
        match (&self.session_id, self.started_at) {
            (Some(session), Some(_)) => format!(
                "cancelled; go on with dispatch_session(agent={:?}, task=\"Continue where you left off\", session_id={session:?})",
                self.agent
            ),
            (None, Some(_)) if self.is_call() => "cancelled; none of its parts runs any more".to_owned(),
            _ => "cancelled before it began".to_owned(),
        }
    }

    /// Where the job stands.
    #[must_use]
    pub const fn state(&self) -> State {
        State::of_record(self.status, self.phase)
    }
}
