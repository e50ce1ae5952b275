//! The summary of a job: what a list of jobs shows of it.

use serde::{Deserialize, Serialize};

use super::ids::JobId;
use super::job::{Phase, State, Status};
use super::text;

/// How much of a task is shown, in characters (contract).
const TASK_CHARS: usize = 120;

/// A job's summary, keys in the order of the contract.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Id of the job.
    pub id: JobId,
    /// Name of the agent.
    pub agent: String,
    /// The status of the job.
    pub status: Status,
    /// The call of several requests that it is a part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part_of: Option<JobId>,
    /// All of where it stands, which is not shown.
    #[serde(skip)]
    pub state: State,
    /// The beginning of its task.
    pub task: String,
    /// When it was submitted, in Unix seconds.
    pub created_at: f64,
    /// When its supervisor first claimed it, in Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<f64>,
    /// When it ended, in Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<f64>,
    /// Whether its answer is a success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success: Option<bool>,
    /// What its answer cost, in US dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// How far the agent says in its answer that it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// What a running one did last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_progress: Option<String>,
    /// The kind of failure, where its answer is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
}

/// The keys of a record that a summary needs; the long ones are passed over.
#[derive(Debug, Deserialize)]
pub struct Brief {
    id: JobId,
    agent: String,
    #[serde(default)]
    task: String,
    status: Status,
    #[serde(default, deserialize_with = "Phase::lenient")]
    phase: Option<Phase>,
    part_of: Option<JobId>,
    created_at: f64,
    started_at: Option<f64>,
    completed_at: Option<f64>,
    result: Option<BriefResult>,
    progress: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
struct BriefResult {
    success: Option<bool>,
    cost_usd: Option<f64>,
    outcome: Option<String>,
    error_type: Option<String>,
}

impl From<Brief> for Summary {
    fn from(brief: Brief) -> Self {
        let running = brief.status == Status::Running;
        let BriefResult { success, cost_usd, outcome, error_type } = brief.result.unwrap_or_default();
        Self {
            id: brief.id,
            agent: brief.agent,
            status: brief.status,
            part_of: brief.part_of,
            state: State::of_record(brief.status, brief.phase),
            task: text::one_line(&brief.task, TASK_CHARS),
            created_at: brief.created_at,
            started_at: brief.started_at,
            completed_at: brief.completed_at,
            success,
            cost_usd,
            outcome,
            last_progress: brief.progress.filter(|_| running).and_then(|mut lines| lines.pop()),
            error_type,
        }
    }
}

/// Which jobs are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those that stand here.
    pub status: Option<Status>,
    /// Only this agent's.
    pub agent: Option<String>,
}

impl Filter {
    /// Whether a job is asked for.
    #[must_use]
    pub fn matches(&self, job: &Summary) -> bool {
        self.status.is_none_or(|status| status == job.status)
            && self.agent.as_ref().is_none_or(|agent| *agent == job.agent)
    }
}
