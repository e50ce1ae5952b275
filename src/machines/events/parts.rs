//! Assistant and system events.

use super::super::limit::RateLimit;
use super::result::{bounded, count, word};
use super::scan::{Raw, Scanner};
use super::tasks::{self, Fields, WAKE_UP_TOOL, WakeUp};
use super::{Init, MAX_PROGRESS_CHARS, McpServer, Retry, StreamEvent};
use crate::machines::text;

/// Most bytes kept of the last text of the agent: it stands in for a result that never came.
pub(super) const MAX_LAST_TEXT_BYTES: usize = 4 * 1024 * 1024;
/// Most MCP servers that are kept.
const MAX_MCP_SERVERS: usize = 100;
/// Most characters of the name of a tool or of an MCP server.
const MAX_NAME_CHARS: usize = 100;
/// Most characters of what a tool is used for.
const MAX_SUBJECT_CHARS: usize = 200;
/// Arguments of the CLI's own tools that say what a use is for, the most telling first.
const SUBJECTS: [&str; 9] =
    ["file_path", "notebook_path", "path", "command", "pattern", "query", "url", "skill", "description"];
/// Larger numbers of retries, or statuses, are mistakes.
const MAX_RETRY_NUMBER: f64 = 1e6;

/// What an assistant event says beside its progress.
#[derive(Default)]
pub(super) struct Said {
    /// The agent's own text, when the event holds one.
    pub(super) last_text: Option<String>,
    /// Which message of the agent's own model it is a part of: each is a turn. `None` for a sub-agent's.
    pub(super) turn: Option<String>,
    /// The wake-up that the agent asks for.
    pub(super) wake_up: Option<WakeUp>,
    /// Whether the event was there as a whole.
    pub(super) whole: bool,
}

/// Reads an assistant event: what it shows goes to `seen`.
pub(super) fn assistant(line: &[u8], seen: &mut Vec<StreamEvent>) -> Said {
    let mut said = Said::default();
    // A sub-agent's text is never the answer; nor is an API error that the CLI words as the agent.
    let mut not_the_agent = false;
    let before = seen.len();
    said.whole = Scanner::new(line).entries(|value, key| match key {
        b"message" => drop(value.entries(|field, key| match key {
            b"content" => content(field, seen, &mut said),
            b"id" => said.turn = word(field),
            b"model" => not_the_agent |= field.string().is_some_and(|model| model.0 == b"<synthetic>"),
            _ => {}
        })),
        b"parent_tool_use_id" | b"error" => not_the_agent |= value.string().is_some(),
        _ => {}
    });
    if not_the_agent {
        (said.last_text, said.turn, said.wake_up) = (None, None, None);
    }
    if seen.len() == before {
        seen.push(StreamEvent::Other);
    }
    said
}

fn content(value: &mut Scanner<'_>, seen: &mut Vec<StreamEvent>, said: &mut Said) {
    if let Some(text) = value.string() {
        take_text(text, seen, &mut said.last_text);
        return;
    }
    value.elements(|block| {
        let (mut kind, mut text, mut name): (&[u8], _, _) = (b"", None, None);
        let (mut call, mut input) = (None, Input::default());
        block.entries(|field, key| match key {
            b"type" => kind = field.string().map_or(b"", |kind| kind.0),
            b"text" => text = field.string(),
            b"name" => name = field.string(),
            b"id" => call = word(field),
            b"input" => input = Input::read(field),
            _ => {}
        });
        match (kind, text) {
            (b"text", Some(text)) => take_text(text, seen, &mut said.last_text),
            (b"tool_use" | b"server_tool_use" | b"mcp_tool_use", _) => {
                let name = name.and_then(|name| bounded(name, MAX_NAME_CHARS));
                let name = name.unwrap_or_else(|| String::from("unknown"));
                if name == WAKE_UP_TOOL
                    && let Some(call) = call.take()
                {
                    said.wake_up = Some(WakeUp { call, stop: input.stop, reason: tasks::reason(input.reason) });
                }
                seen.push(StreamEvent::ToolUse { name, subject: input.subject() });
            }
            _ => {}
        }
    });
}

/// Arguments of a tool.
#[derive(Default)]
struct Input<'a> {
    /// The first of [`SUBJECTS`] among them that is a text, and its place there.
    subject: Option<(usize, Raw<'a>)>,
    /// Whether a call of [`WAKE_UP_TOOL`] takes the wake-up back.
    stop: bool,
    reason: Option<Raw<'a>>,
}

impl<'a> Input<'a> {
    fn read(input: &mut Scanner<'a>) -> Self {
        let mut read = Self::default();
        input.entries(|field, key| match key {
            b"stop" => read.stop = field.skip() == b"true",
            b"reason" => read.reason = field.string(),
            _ => {
                let rank = SUBJECTS.iter().position(|subject| subject.as_bytes() == key);
                if let Some(rank) = rank.filter(|rank| read.subject.as_ref().is_none_or(|(best, _)| rank < best))
                    && let Some(text) = field.string()
                {
                    read.subject = Some((rank, text));
                }
            }
        });
        read
    }

    /// What the tool is used for.
    fn subject(self) -> Option<String> {
        bounded(self.subject?.1, MAX_SUBJECT_CHARS)
    }
}

fn take_text(raw: Raw<'_>, seen: &mut Vec<StreamEvent>, last_text: &mut Option<String>) {
    let mut text = raw.decode_at_most(MAX_LAST_TEXT_BYTES);
    if text::is_blank(&text) {
        return;
    }
    text.truncate(text.floor_char_boundary(MAX_LAST_TEXT_BYTES));
    seen.push(StreamEvent::AssistantText(text::first_chars(&text, MAX_PROGRESS_CHARS).to_owned()));
    *last_text = Some(text);
}

/// Reads a system event, and whether it is whole.
pub(super) fn system(line: &[u8]) -> (StreamEvent, bool) {
    let mut init = Init::default();
    let mut retry = Retry::default();
    let mut task = Fields::default();
    let mut subtype: &[u8] = b"";
    let whole = Scanner::new(line).entries(|value, key| match key {
        b"subtype" => subtype = value.string().map_or(b"", |subtype| subtype.0),
        b"session_id" => init.session_id = word(value),
        b"tools" => value.elements(|tool| {
            tool.skip();
            init.tools += 1;
        }),
        b"mcp_servers" => init.mcp_servers = mcp_servers(value),
        b"model" => init.model = word(value),
        b"permissionMode" => init.permission_mode = word(value),
        b"claude_code_version" => init.cli_version = word(value),
        b"attempt" => retry.attempt = count(value, MAX_RETRY_NUMBER),
        b"max_retries" => retry.max_retries = count(value, MAX_RETRY_NUMBER),
        b"error_status" => retry.status = count(value, MAX_RETRY_NUMBER),
        b"error" => retry.error = word(value).unwrap_or_default(),
        _ => task.read(value, key),
    });
    let seen = match subtype {
        b"init" => StreamEvent::Init(Box::new(init)),
        b"api_retry" => StreamEvent::Retry(retry),
        // Half a list would end tasks that live.
        _ if whole => task.event(subtype).map_or(StreamEvent::Other, StreamEvent::Task),
        _ => StreamEvent::Other,
    };
    (seen, whole)
}

/// Reads a notice about the account's limit, and whether it is whole.
pub(super) fn rate_limit(line: &[u8]) -> (StreamEvent, bool) {
    /// The end of the year 9999; what is later, or written in milliseconds, is a mistake.
    const MAX_UNIX_SECONDS: f64 = 253_402_300_799.0;
    let mut limit = RateLimit::default();
    let whole = Scanner::new(line).entries(|value, key| {
        if key == b"rate_limit_info" {
            value.entries(|field, key| match key {
                b"status" => limit.rejected = field.string().is_some_and(|status| status.0 == b"rejected"),
                b"resetsAt" => limit.resets_at = count(field, MAX_UNIX_SECONDS),
                _ => {}
            });
        }
    });
    (StreamEvent::RateLimit(limit), whole)
}

fn mcp_servers(value: &mut Scanner<'_>) -> Vec<McpServer> {
    let mut servers = Vec::new();
    value.elements(|element| {
        let mut server = McpServer::default();
        let short = |value: &mut Scanner<'_>| value.string().and_then(|raw| bounded(raw, MAX_NAME_CHARS));
        element.entries(|field, key| match key {
            b"name" => server.name = short(field).unwrap_or_default(),
            b"status" => server.status = short(field).unwrap_or_default(),
            b"source" => server.of_project = field.string().is_some_and(|source| source.0 == b"project"),
            _ => {}
        });
        if servers.len() < MAX_MCP_SERVERS {
            servers.push(server);
        }
    });
    servers
}
