//! One line of the stream: of which kind it is, and how much of it is worth keeping.

use super::scan::Scanner;

/// How many bytes of a line tell its kind, as the CLI writes it: `{"type":"…"` with room for long types and for the tag of
/// a log with its time.
const PROBE_BYTES: usize = 160;
/// Most bytes kept of a line whose type is not its first key, until that key is found.
const MAX_UNKNOWN_BYTES: usize = 1024 * 1024;
/// Most bytes kept of a system event; the first one of a session lists all tools.
const MAX_SYSTEM_BYTES: usize = 1024 * 1024;
/// Most bytes kept of an assistant event: its text matters only until the result repeats it.
const MAX_ASSISTANT_BYTES: usize = 4 * 1024 * 1024;
/// Most bytes kept of a result, five times the largest answer that must pass (50 MB). A longer one counts as torn.
const MAX_RESULT_BYTES: usize = 256 * 1024 * 1024;
/// Most bytes kept of a line that is no event: a message fits.
const MAX_NOISE_BYTES: usize = 2 * 1024;
/// Most bytes kept of a user event, of which matters whether a short call was refused, and of notices, which are short.
const MAX_NOTICE_BYTES: usize = 256 * 1024;
/// A buffer that is larger than this, in bytes, is given back after its line.
const MAX_IDLE_BYTES: usize = 1024 * 1024;

/// Type of the event that the supervisor itself writes where the output of a further process of the run begins.
pub(super) const START: &str = "agent_dispatch_start";

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineKind {
    /// A line of nothing but white space.
    Blank,
    /// A line that is no event.
    Noise,
    /// An event that is not looked into.
    Other,
    /// An object that is no event of the CLI's, as far as is known.
    Strange,
    /// An event of type `system`.
    System,
    /// An event of type `assistant`.
    Assistant,
    /// An event of type `result`.
    Result,
    /// An event of type `rate_limit_event`.
    RateLimit,
    /// An event of type `user`.
    User,
    /// An event of type `command_lifecycle`.
    Lifecycle,
    /// An event of type [`START`].
    Start,
}

impl LineKind {
    /// The kind of a line that is there as a whole and has no tag.
    pub(super) fn of_whole(line: &[u8]) -> Self {
        Self::of_probe(&line[..line.len().min(PROBE_BYTES)]).unwrap_or_else(|| Self::of_type(line))
    }

    /// Whether it shows that claude's output is a stream of events.
    pub(super) const fn is_event(self) -> bool {
        !matches!(self, Self::Blank | Self::Noise | Self::Strange | Self::Start)
    }

    /// The kind as the beginning of the line tells it; `None` when the type is not there.
    fn of_probe(probe: &[u8]) -> Option<Self> {
        match probe.first() {
            None => return Some(Self::Blank),
            Some(b'{') => {}
            Some(_) => return Some(Self::Noise),
        }
        let rest = probe.strip_prefix(b"{\"type\":\"")?;
        let end = rest.iter().position(|byte| *byte == b'"')?;
        Some(Self::of_name(&rest[..end]))
    }

    /// The kind as the first key `type` of the event tells it.
    fn of_type(line: &[u8]) -> Self {
        let mut kind = None;
        Scanner::new(line).entries(|value, key| {
            if key == b"type" && kind.is_none() {
                kind = Some(value.string().map_or(Self::Strange, |name| Self::of_name(name.0)));
            }
        });
        kind.unwrap_or(Self::Strange)
    }

    fn of_name(name: &[u8]) -> Self {
        match name {
            b"assistant" => Self::Assistant,
            b"system" => Self::System,
            b"result" => Self::Result,
            b"rate_limit_event" => Self::RateLimit,
            b"user" => Self::User,
            b"command_lifecycle" => Self::Lifecycle,
            _ if name == START.as_bytes() => Self::Start,
            b"stream_event" | b"tool_progress" | b"tool_use_summary" | b"auth_status" | b"keep_alive" => Self::Other,
            _ if name.starts_with(b"control_") => Self::Other,
            _ => Self::Strange,
        }
    }

    const fn max_bytes(self) -> usize {
        match self {
            Self::Blank | Self::Other | Self::Strange => 0,
            Self::Noise => MAX_NOISE_BYTES,
            Self::System | Self::RateLimit => MAX_SYSTEM_BYTES,
            Self::Assistant => MAX_ASSISTANT_BYTES,
            Self::Result => MAX_RESULT_BYTES,
            Self::User | Self::Lifecycle | Self::Start => MAX_NOTICE_BYTES,
        }
    }
}

/// The line that the supervisor writes where the output of a further process of the run begins, with its end.
#[must_use]
pub fn start_line() -> String {
    format!("{{\"type\":\"{START}\"}}\n")
}

/// A line that comes in pieces.
#[derive(Debug, Default)]
pub(super) struct StreamLine {
    kept: Vec<u8>,
    begun: bool,
    stage: Stage,
}

/// How much is known about the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stage {
    /// Too little has come.
    #[default]
    Probe,
    /// An object, but its type is not at its beginning.
    Unknown,
    /// The kind is known.
    Known(LineKind),
}

impl StreamLine {
    /// Whether a byte of the line has come.
    pub(super) const fn is_begun(&self) -> bool {
        self.begun
    }

    /// A line that is there as a whole, without its tag.
    pub(super) fn untagged(line: &[u8]) -> &[u8] {
        match line.first() {
            Some(b'{') | None => line,
            Some(_) => &line[tag_length(&line[..line.len().min(PROBE_BYTES)])..],
        }
    }

    /// What is kept of a line that is no event.
    pub(super) fn beginning(line: &[u8]) -> &[u8] {
        &line[..line.len().min(MAX_NOISE_BYTES)]
    }

    /// Takes more of the line; keeps what its kind allows.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            self.begun = true;
            let limit = match self.stage {
                Stage::Probe => PROBE_BYTES,
                Stage::Unknown => MAX_UNKNOWN_BYTES,
                Stage::Known(kind) => kind.max_bytes(),
            };
            let room = limit.saturating_sub(self.kept.len()).min(rest.len());
            self.kept.extend_from_slice(&rest[..room]);
            rest = &rest[room..];
            if rest.is_empty() {
                return;
            }
            self.stage = match self.stage {
                Stage::Probe => LineKind::of_probe(self.without_tag()).map_or(Stage::Unknown, Stage::Known),
                Stage::Unknown => Stage::Known(LineKind::of_type(&self.kept)),
                Stage::Known(_) => return,
            };
        }
    }

    /// Drops the tag before an event, if there is one.
    fn without_tag(&mut self) -> &[u8] {
        self.kept.drain(..tag_length(&self.kept));
        &self.kept
    }

    /// The end of the line: its kind and what was kept. The next line can begin.
    pub(super) fn end(&mut self) -> (LineKind, Vec<u8>) {
        let mut line = std::mem::take(self);
        if line.stage == Stage::Probe {
            line.without_tag();
        }
        let kind = match line.stage {
            Stage::Known(kind) => kind,
            Stage::Probe | Stage::Unknown => LineKind::of_whole(&line.kept),
        };
        (kind, line.kept)
    }

    /// Takes an emptied buffer back, unless it is large.
    pub(super) fn reuse(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() <= MAX_IDLE_BYTES {
            buffer.clear();
            self.kept = buffer;
        }
    }
}

/// How long the prefix is that something between claude and us put before an event: colour codes, or the tag of a log such
/// as `[claude]` or `claude |`. Prose is no tag: it may quote an event.
fn tag_length(probe: &[u8]) -> usize {
    const EVENT: &[u8] = b"{\"type\":\"";
    let Some(at) = memchr::memchr(b'{', probe).filter(|at| probe[*at..].starts_with(EVENT)) else { return 0 };
    let tag = without_colours(&probe[..at]);
    let tag = tag.trim_ascii();
    let is_tag = match tag {
        [] | [.., b']'] => true,
        // A row of a table begins with its sign.
        [first, .., b'|'] => *first != b'|',
        _ => false,
    };
    if is_tag { at } else { 0 }
}

/// The bytes without the control sequences of ECMA-48 (`ESC [`, parameters, a final byte).
fn without_colours(bytes: &[u8]) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        match after.strip_prefix(b"[").filter(|_| *first == 0x1b) {
            Some(sequence) => {
                let end = sequence.iter().position(|byte| (0x40..=0x7e).contains(byte));
                rest = end.map_or(&[][..], |end| &sequence[end + 1..]);
            }
            None => {
                kept.push(*first);
                rest = after;
            }
        }
    }
    kept
}
