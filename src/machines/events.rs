//! What claude says on stdout (`--output-format stream-json`), read byte by byte into what a dispatch needs.
//!
//! The stream is not to be trusted: lines may be torn, hundreds of megabytes long, not UTF-8, with lone surrogates,
//! numbers that JSON does not know and fields of the wrong type. Nothing of that may lose an answer that was paid
//! for, so each field is read by itself, and memory is bounded for everything but the answer.

mod line;
mod parts;
mod plain;
mod reader;
mod result;
mod scan;
mod several;
mod tasks;

pub use line::start_line;
pub use reader::{Reader, StreamEnd};
pub use result::{Doubt, ResultEvent, ResultText, Several, Stop};

use super::limit::RateLimit;
use super::tasks::TaskEvent;

/// Most characters of an assistant text that progress shows.
pub const MAX_PROGRESS_CHARS: usize = 500;

/// One thing seen in the stream.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamEvent {
    /// The session has started (a background task that ends late starts it once more).
    Init(Box<Init>),
    /// The agent, or a sub-agent of it, said something: its first [`MAX_PROGRESS_CHARS`] characters.
    AssistantText(String),
    /// A tool is being used.
    ToolUse {
        /// Name of the tool.
        name: String,
        /// What for: the file, command or pattern among its arguments, where one is known by its name.
        subject: Option<String>,
    },
    /// The API refused and the CLI tries again.
    Retry(Retry),
    /// A notice about the account's limit.
    RateLimit(RateLimit),
    /// Something about the agent's background tasks.
    Task(TaskEvent),
    /// A result. Several may come, and other events after it: see [`ResultEvent::followed_by`].
    Result(Box<ResultEvent>),
    /// A sign of life without content.
    Other,
}

/// What the first event of a session says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Init {
    /// The id of the session.
    pub session_id: Option<String>,
    /// How many tools the agent has.
    pub tools: usize,
    /// The MCP servers that the agent has.
    pub mcp_servers: Vec<McpServer>,
    /// The model that the agent runs on.
    pub model: Option<String>,
    /// The permission mode that the run is in.
    pub permission_mode: Option<String>,
    /// Version of the claude CLI.
    pub cli_version: Option<String>,
}

/// One MCP server of the agent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct McpServer {
    /// Name of the server.
    pub name: String,
    /// `connected`, `pending`, `failed`, `needs-auth` or what else the CLI says.
    pub status: String,
    /// Whether it stands in the project's own `.mcp.json`, as far as the CLI says (2.1.332 does).
    pub of_project: bool,
}

/// A retry of an API request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Retry {
    /// Which attempt it is, counted from 1.
    pub attempt: Option<u64>,
    /// How many there will be.
    pub max_retries: Option<u64>,
    /// The HTTP status that made it necessary.
    pub status: Option<u64>,
    /// The reason in a word, such as `rate_limit` or `overloaded`.
    pub error: String,
}
