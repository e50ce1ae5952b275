//! What the claude process sees of the environment.

use std::ffi::OsString;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tokio::process::Command;

use crate::config::path;
use crate::machines::ids::JobId;

/// Nesting depth of dispatches; absent at the top.
pub const DEPTH: &str = "AGENT_DISPATCH_DEPTH";
/// The job that a process runs for. Every descendant of a claude process inherits it, so leftovers can be named.
pub const JOB: &str = "AGENT_DISPATCH_JOB";
/// Path of the CLI to use instead of `claude` on PATH.
pub const CLAUDE: &str = "AGENT_DISPATCH_CLAUDE";
/// Tracing filter; logs go to standard error and to a file beside the jobs.
pub const LOG: &str = "AGENT_DISPATCH_LOG";
/// Makes the CLI wait for an agent's MCP servers before its first turn.
const MCP_NONBLOCKING: &str = "MCP_CONNECTION_NONBLOCKING";

/// How long the CLI waits after an agent's last turn for what works in the background, in ms, before it stops it and leaves.
/// Ten minutes where nothing is said; 0 for no bound. (Background commands have a time limit of their own, which their agent
/// sets and is told of.)
const BACKGROUND_WAIT: &str = "CLAUDE_CODE_PRINT_BG_WAIT_CEILING_MS";

/// Variables that describe the calling session. A claude process that inherited them would take itself for a part of it.
pub const CALLING_SESSION: [&str; 14] = [
    "CLAUDECODE",
    "CLAUDE_CODE_SESSION_ID",
    "CLAUDE_CODE_SESSION_ATTENDED",
    "CLAUDE_PID",
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_CODE_MESSAGING_SOCKET",
    "CLAUDE_CODE_MESSAGING_TOKEN",
    "CLAUDE_CODE_LAUNCHED_BY_SESSION_IDS",
    "CLAUDE_CODE_CHILD_NOTES_DIR",
    "CLAUDE_CODE_CHILD_SESSION",
    "CLAUDE_CODE_EXECPATH",
    "CLAUDE_PROJECT_DIR",
    "AI_AGENT",
    "CLAUDE_EFFORT",
];

/// Changes to the inherited environment, in order; `None` removes a variable.
pub type Changes = Vec<(String, Option<OsString>)>;

/// The changes for a claude process: the caller's session out, our depth and job in. What works in the background is waited
/// for as long as the run may take, unless the user says otherwise.
#[must_use]
pub fn for_claude(job: &JobId, depth: u32, wait_for_mcp: bool) -> Changes {
    let mut changes: Changes = CALLING_SESSION.iter().map(|name| ((*name).to_owned(), None)).collect();
    changes.push((DEPTH.to_owned(), Some(depth.to_string().into())));
    changes.push((JOB.to_owned(), Some(job.to_string().into())));
    if std::env::var_os(BACKGROUND_WAIT).is_none_or(|wait| wait.is_empty()) {
        changes.push((BACKGROUND_WAIT.to_owned(), Some("0".into())));
    }
    if wait_for_mcp {
        changes.push((MCP_NONBLOCKING.to_owned(), Some("0".into())));
    }
    changes
}

/// Makes the changes to the environment that a process is about to be started with.
pub fn apply(changes: &Changes, command: &mut Command) {
    for (name, value) in changes {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
}

/// The variables that name our files, as full paths: a server that the child starts runs in the agent's directory, and
/// reads the same files there. What cannot be expanded stays as it is, to be refused there as here.
#[must_use]
pub fn absolute(lookup: &dyn Fn(&str) -> Option<OsString>, home: Option<&Path>, current_dir: &Path) -> Changes {
    let full = |name: &'static str| {
        let path = path::named(name, home, lookup).ok().flatten()?;
        // A name alone is looked for on PATH.
        let is_name = name == CLAUDE && path.components().count() == 1;
        Some((name.to_owned(), Some(current_dir.join(path).into()))).filter(|_| !is_name)
    };
    path::VARIABLES.into_iter().chain([CLAUDE]).filter_map(full).collect()
}

/// On whose behalf requests are run, and where they are accounted for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The nesting depth of the caller.
    pub depth: u32,
    /// The job whose claude calls.
    pub caller_job: Option<String>,
    /// The usage journal.
    pub usage_log: Option<String>,
}

impl Origin {
    /// This process, whose dispatches leave their lines in the journal `usage_log`. A path that is no text could not be
    /// handed to a supervisor: then no journal is kept.
    #[must_use]
    pub fn here(usage_log: &Path) -> Self {
        Self { depth: depth(), caller_job: caller_job(), usage_log: usage_log.to_str().map(str::to_owned) }
    }
}

/// The nesting depth of this process. A value that is no number counts as the top: only a person can have written it.
#[must_use]
pub fn depth() -> u32 {
    std::env::var(DEPTH).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

/// The job on whose behalf this process runs, where it is itself a descendant of one.
#[must_use]
pub fn caller_job() -> Option<String> {
    std::env::var(JOB).ok().filter(|job| JobId::try_from(job.as_str()).is_ok())
}
