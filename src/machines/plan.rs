//! Everything that is needed to run one dispatch. The submitting process writes it into the job's folder, the
//! supervisor of the job reads it there.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ids::SessionRef;
use super::{limit, text};

/// Shortest time limit that a caller may set, in seconds (contract): the CLI needs some to start.
pub const MIN_TIMEOUT_SECONDS: u64 = 10;
/// Longest one (contract).
pub const MAX_TIMEOUT_SECONDS: u64 = 7_200;

/// Most turns that a caller may allow. More than a run takes in the longest time that it may have: a turn of the model
/// takes a second at least.
pub const MAX_TURNS: u32 = 10_000;
/// Most times that a run may go on by itself (contract): each may cost as much as the first.
pub const MAX_RESUME_ATTEMPTS: u8 = 3;
/// What an agent is told that goes on in the session in which it was cut off.
pub const CONTINUE: &str = "Continue where you left off";

/// The form that the caller wants the answer in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Prose; the agent ends with a STATUS line.
    #[default]
    Text,
    /// One JSON value and nothing else.
    Json,
}

/// Which claude session a run belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum SessionPlan {
    /// A new session under an id chosen before the start, so that a run that is cut off can be resumed.
    Fresh {
        /// A UUID; the CLI accepts nothing else for a new session.
        id: SessionRef,
    },
    /// An earlier session goes on.
    Resume {
        /// UUID or title of that session.
        id: SessionRef,
    },
}

impl SessionPlan {
    /// The id under which the session can be resumed.
    #[must_use]
    pub const fn id(&self) -> &SessionRef {
        match self {
            Self::Fresh { id } | Self::Resume { id } => id,
        }
    }

    /// True when an earlier session goes on.
    #[must_use]
    pub const fn is_resume(&self) -> bool {
        matches!(self, Self::Resume { .. })
    }
}

/// A further process of a run, in the session of the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Continuation {
    /// The session, as the CLI named it or as it was planned.
    pub session: SessionRef,
    /// What the agent is told; it has the task from before.
    pub prompt: String,
}

/// One dispatch, completely described: all defaults are applied, nothing is looked up later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunPlan {
    /// Name of the agent in agents.yaml.
    pub agent: String,
    /// Absolute path of the directory that claude runs in. Empty where it is not known: of a run whose plan was lost and
    /// that is only waited for.
    pub directory: String,
    /// The task as the caller gave it.
    pub task: String,
    /// The context as the caller gave it (with the group's shared context in front, if any).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Name of the agent that asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// What the caller is after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal: Option<String>,
    /// The form of the answer.
    #[serde(default)]
    pub format: Format,
    /// The text that claude reads on stdin, before [`super::prompt::for_stdin`]. It has a file of its own in the job's
    /// folder and is not written a second time.
    #[serde(skip)]
    pub prompt: String,
    /// The session to start or to resume.
    pub session: SessionPlan,
    /// Model to pass on; absent: the CLI's own choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Permission mode as agent or settings say it; absent: see [`super::mode::unless_said`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission_mode: Option<String>,
    /// Tools granted on the command line. The difference between "not set" and "explicitly none" ends where the
    /// defaults of the settings are applied; for the CLI both mean that nothing is granted beyond its own settings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_tools: Vec<String>,
    /// Tools taken away on the command line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disallowed_tools: Vec<String>,
    /// Text appended to the system prompt: dispatch protocol and standing instructions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    /// Spend cap of the run in US dollars; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_budget_usd: Option<f64>,
    /// The JSON Schema that the answer must match; it was checked. The form is [`Format::Json`] then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_schema: Option<Value>,
    /// Most turns of each process of the run; absent: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_turns: Option<u32>,
    /// Time that each process of the run may take, in seconds, from the start of claude.
    pub timeout_seconds: u64,
    /// How often the run may go on by itself, in the same session, after it was cut off.
    #[serde(default)]
    pub resume_attempts: u8,
    /// How many runs of this depth there may be at once, over all processes, as configured when it was submitted.
    pub max_concurrency: u32,
    /// Nesting depth that the child is told (its parent's plus one).
    pub depth: u32,
    /// The job that the calling session runs for, when it is itself a dispatch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_job: Option<String>,
    /// Whether the run waits until the account's usage limit is over instead of failing with it.
    #[serde(default)]
    pub wait_for_limit: bool,
    /// Whether claude waits for its MCP servers before the first turn.
    #[serde(default)]
    pub wait_for_mcp: bool,
    /// Absolute path of the usage journal that gets a line when the run is over; absent: none is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage_log: Option<String>,
}

impl RunPlan {
    /// The directory that claude runs in, where it is known.
    #[must_use]
    pub fn known_directory(&self) -> Option<&str> {
        Some(self.directory.as_str()).filter(|directory| !directory.is_empty())
    }

    /// The same as a message names it.
    #[must_use]
    pub fn place(&self) -> String {
        self.known_directory().map_or_else(|| "its directory".to_owned(), text::quoted)
    }

    /// How often the run waits for the account's usage limit.
    #[must_use]
    pub const fn limit_waits(&self) -> u8 {
        if self.wait_for_limit { limit::MAX_WAITS } else { 0 }
    }

    /// Whether this rule is about a tool that the run is denied as a whole.
    #[must_use]
    pub fn is_denied(&self, rule: &str) -> bool {
        let name = rule.split('(').next().unwrap_or_default().trim();
        self.disallowed_tools.iter().any(|denied| denied.trim() == name)
    }

    /// The plan of a further process of the run. Tools, permissions and system prompt are passed again: the CLI does not
    /// keep them with the session.
    #[must_use]
    pub fn continued(&self, continuation: Continuation) -> Self {
        let Continuation { session, prompt } = continuation;
        Self { session: SessionPlan::Resume { id: session }, prompt, ..self.clone() }
    }
}
