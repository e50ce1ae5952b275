//! What an agent did, event by event, from what claude wrote into the job's folder.

use std::path::PathBuf;

use crate::cli::format;
use crate::cli::jobs::shortened;
use crate::machines::events::{Init, MAX_PROGRESS_CHARS, Reader, ResultEvent, Retry, StreamEvent};
use crate::machines::ids::JobId;
use crate::machines::tasks::{self, TaskEvent};
use crate::shell::store::{JobFile, Store};
use crate::shell::tail::Tail;

/// Longest name or reason that is repeated, in characters.
const WORD_CHARS: usize = 100;
/// Most MCP servers that are named.
const MAX_SERVERS: usize = 10;

/// Something that the agent did, or that happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It said this; a long text is cut, and shows that.
    Said(String),
    /// It used a tool of this name.
    Used(String),
    /// Something happened to it.
    Happened(String),
}

impl Step {
    /// In words; what it said may have several lines.
    pub fn words(&self) -> String {
        match self {
            Self::Said(text) | Self::Happened(text) => text.clone(),
            Self::Used(tool) => format!("Using tool: {tool}"),
        }
    }

    fn of(seen: StreamEvent) -> Option<Self> {
        Some(match seen {
            StreamEvent::AssistantText(text) => {
                let cut = text.chars().count() >= MAX_PROGRESS_CHARS;
                Self::Said(if cut { format!("{text}…") } else { text })
            }
            StreamEvent::ToolUse { name, .. } => Self::Used(shortened(&name, WORD_CHARS)),
            StreamEvent::Init(init) => Self::Happened(began(&init)),
            StreamEvent::Retry(retry) => Self::Happened(refused(&retry)),
            StreamEvent::Result(result) => Self::Happened(ended(&result)),
            StreamEvent::Task(TaskEvent::Living(tasks)) if !tasks.is_empty() => {
                Self::Happened(format!("In the background: {}", tasks::listed(&tasks)))
            }
            StreamEvent::Task(_) | StreamEvent::RateLimit(_) | StreamEvent::Other => return None,
        })
    }
}

fn began(init: &Init) -> String {
    let mut words = vec!["Session began".to_owned()];
    words.extend(init.model.as_ref().map(|model| format!("model {}", shortened(model, WORD_CHARS))));
    words.extend(init.cli_version.as_ref().map(|version| format!("claude {}", shortened(version, WORD_CHARS))));
    words.push(format!("{} tools", init.tools));
    for server in init.mcp_servers.iter().take(MAX_SERVERS) {
        words.push(shortened(&format!("MCP server {} {}", server.name, server.status), WORD_CHARS));
    }
    words.extend(init.mcp_servers.len().checked_sub(MAX_SERVERS + 1).map(|more| format!("{} more", more + 1)));
    words.join(", ")
}

fn refused(retry: &Retry) -> String {
    let status = retry.status.map_or(String::new(), |status| format!(" {status}"));
    let attempt = retry.attempt.map_or(String::new(), |attempt| format!(", attempt {attempt}"));
    format!("Waiting for the API:{status} {}{attempt}", shortened(&retry.error, WORD_CHARS))
}

fn ended(result: &ResultEvent) -> String {
    let mut words = vec![if result.is_error { "Ended with an error" } else { "Ended" }.to_owned()];
    #[expect(clippy::cast_precision_loss, reason = "a duration for people")]
    words.extend(result.duration_ms.map(|ms| format!("after {}", format::span(ms as f64 / 1_000.0))));
    words.extend(result.num_turns.map(|turns| format::counted(turns, "turn")));
    words.extend(result.cost_usd().map(format::dollars));
    words.extend(result.permission_denials.iter().map(|tool| format!("denied {}", shortened(tool, WORD_CHARS))));
    words.join(", ")
}

/// The steps of a job, as far as they are written. They can be read on while more come.
pub struct EventLog {
    path: PathBuf,
    source: Option<(Tail, Reader)>,
}

impl EventLog {
    /// The log of this job, at its beginning. A job without a folder, or one that has not begun, has none.
    pub fn of(store: &Store, id: &JobId) -> Self {
        Self { path: store.file(id, JobFile::Stdout), source: None }
    }

    /// The steps that were written since the last call, a piece at a time; `None` when that is all at the moment.
    pub fn read(&mut self) -> Option<Vec<Step>> {
        if self.source.is_none() {
            self.source = self.open();
        }
        let (tail, reader) = self.source.as_mut()?;
        match tail.read() {
            Ok([]) => None,
            Ok(bytes) => Some(steps(reader.push(bytes))),
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "claude's output cannot be read");
                None
            }
        }
    }

    /// What the end holds when nothing more will come: its last line may be torn.
    pub fn finish(self) -> Vec<Step> {
        self.source.map(|(_, reader)| steps(reader.finish().seen)).unwrap_or_default()
    }

    /// Whether anything was there to read.
    pub const fn was_told(&self) -> bool {
        self.source.is_some()
    }

    fn open(&self) -> Option<(Tail, Reader)> {
        // To open a pipe would wait for its other end.
        let regular = std::fs::metadata(&self.path).is_ok_and(|file| file.is_file());
        let tail = regular.then(|| Tail::open(&self.path, 0));
        tail?.ok().map(|tail| (tail, Reader::new()))
    }
}

fn steps(seen: Vec<StreamEvent>) -> Vec<Step> {
    seen.into_iter().filter_map(Step::of).collect()
}
