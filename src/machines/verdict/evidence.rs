//! What is known about a run when it is over.

use serde::{Deserialize, Serialize};

use super::super::command_line::BadValue;
use super::super::events::{McpServer, ResultEvent, Retry};
use super::super::flags::Omitted;
use super::super::limit::RateLimit;
use super::super::plan::RunPlan;
use super::super::prompt::PromptError;
use super::super::tasks::Task;
use super::settings::SettingsFile;

/// Who ended a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Canceller {
    /// The waiting caller is gone.
    CallerGone,
    /// Somebody cancelled the job, by tool or on the command line.
    Request,
}

/// Why claude was never started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotStarted {
    /// The agent's directory does not exist.
    DirectoryMissing,
    /// The agent's directory is a file, or may not be entered; what the system said.
    DirectoryUnusable(String),
    /// There is no claude CLI that could be run.
    CliMissing {
        /// What was looked for, or what is wrong with what was found.
        what: String,
        /// What to do about it.
        way_out: String,
    },
    /// A value that must not reach the command line.
    BadValue(BadValue),
    /// A prompt that cannot be sent.
    BadPrompt(PromptError),
    /// The chain of dispatches has reached its limit.
    TooDeep {
        /// The setting `max_dispatch_depth`.
        max: u32,
    },
    /// The session to go on with belongs to another agent.
    ForeignSession {
        /// Name of the agent that the session belongs to.
        owner: String,
        /// Where that one worked, if that is known.
        directory: Option<String>,
    },
    /// The system refused to start the process; what it said.
    SpawnFailed(String),
}

impl NotStarted {
    /// Whether the session is another agent's to go on with.
    pub(super) const fn is_foreign(&self) -> bool {
        matches!(self, Self::ForeignSession { .. })
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The process left by itself.
    Exited {
        /// Exit code of the process.
        code: i32,
    },
    /// A signal that we did not send ended the process.
    Signalled {
        /// Number of the signal.
        signal: i32,
    },
    /// The deadline passed and we ended the process.
    TimedOut,
    /// We ended the process because nobody wants the answer.
    Cancelled {
        /// Who wanted its end.
        by: Canceller,
    },
    /// There was no process.
    NotStarted {
        /// Why there was none.
        reason: NotStarted,
    },
    /// Supervisor and process are gone, and nobody saw how.
    Abandoned,
}

/// Everything that is known about a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence<'a> {
    /// What was asked for.
    pub plan: &'a RunPlan,
    /// How the run ended.
    pub ending: EndReason,
    /// Options that were left out because of this CLI, each for its reason.
    pub omitted: Omitted,
    /// The result event; several are one (see [`ResultEvent::followed_by`]).
    pub result: Option<ResultEvent>,
    /// Whether the result is a first one that the CLI held back while background tasks worked, and that it printed because it
    /// was told to leave: not the answer.
    pub held_back: bool,
    /// Background tasks that were stopped before their end.
    pub unfinished: Vec<Task>,
    /// The answer that missed its schema, where it was asked for again; `result` is what came of that.
    pub missed: Option<ResultEvent>,
    /// The last text of the agent itself.
    pub last_text: Option<String>,
    /// All of stdout, where no event was in it.
    pub plain: Option<String>,
    /// Whether the CLI keeps a session under the id that it was given. Counts only where it tells nothing itself.
    pub session_kept: bool,
    /// A line on stdout that was no event.
    pub stray: Option<String>,
    /// What came on stderr, bounded.
    pub stderr: String,
    /// The permission mode that the first event reported.
    pub permission_mode: Option<String>,
    /// The session id that the first event reported.
    pub session_id: Option<String>,
    /// Whether a process of the run told of its session. Without that there is none to go on with.
    pub begun: bool,
    /// The MCP servers, as the last process that began found them.
    pub mcp_servers: Vec<McpServer>,
    /// What is wrong with the project's `.mcp.json`, so that claude passed over it.
    pub mcp_config_error: Option<String>,
    /// The settings that counted for the run, where they were read: where a tool was denied or put off.
    pub settings: Option<Vec<SettingsFile>>,
    /// What the system lacks that no run works without, and the way out, in words.
    pub system_lack: Option<String>,
    /// A timeout that the agent's history suggests, in seconds.
    pub suggested_timeout_seconds: Option<u64>,
    /// How often the run went on by itself after it was cut off.
    pub resumptions: u8,
    /// What its processes before the last one have cost, in US dollars, as far as they told.
    pub paid_before_usd: Option<f64>,
    /// What the CLI said of the account's limit, when it refused.
    pub rate_limit: Option<RateLimit>,
    /// How long the last process took until it wrote its last word, in milliseconds. Counts where it gave several results:
    /// their own durations leave out the waits between them.
    pub wall_ms: Option<u64>,
    /// The last retry of an API request.
    pub last_retry: Option<Retry>,
}

impl<'a> Evidence<'a> {
    /// A run of which nothing but its ending is known.
    #[must_use]
    pub fn new(plan: &'a RunPlan, ending: EndReason) -> Self {
        Self {
            plan,
            ending,
            omitted: Omitted::default(),
            result: None,
            held_back: false,
            unfinished: Vec::new(),
            missed: None,
            last_text: None,
            plain: None,
            session_kept: false,
            stray: None,
            stderr: String::new(),
            permission_mode: None,
            session_id: None,
            begun: false,
            mcp_servers: Vec::new(),
            mcp_config_error: None,
            settings: None,
            system_lack: None,
            suggested_timeout_seconds: None,
            resumptions: 0,
            paid_before_usd: None,
            wall_ms: None,
            last_retry: None,
            rate_limit: None,
        }
    }

    /// The code that the process left with; 0 where that is not how it ended.
    pub(super) const fn exit_code(&self) -> i32 {
        match self.ending {
            EndReason::Exited { code } => code,
            EndReason::Signalled { .. }
            | EndReason::TimedOut
            | EndReason::Cancelled { .. }
            | EndReason::NotStarted { .. }
            | EndReason::Abandoned => 0,
        }
    }
}
