//! From pieces of the stream to events.

use memchr::memchr;

use super::StreamEvent;
use super::line::{LineKind, StreamLine};
use super::parts::{self, MAX_LAST_TEXT_BYTES};
use super::plain::PlainOutput;
use super::scan::is_white;
use super::tasks::{self, WakeUp};
use crate::machines::tasks::TaskEvent;
use crate::machines::text;

/// Lines up to this length, in bytes, are read where they lie when a piece holds them whole. It is below every limit
/// on what is kept of a line that matters, so that reading does not depend on how the stream is cut into pieces.
const MAX_DIRECT_BYTES: usize = 256 * 1024;

/// Most characters kept of a line that is no event.
const MAX_STRAY_CHARS: usize = 500;

/// Reads the stream as it comes, in pieces of any size: the pieces make no difference to what is seen.
#[derive(Debug, Default)]
pub struct Reader {
    mode: Mode,
    line: StreamLine,
    last_text: Option<String>,
    stray: Option<String>,
    torn: bool,
    /// The wake-up that the agent asked for, until its result is there.
    wake_up: Option<WakeUp>,
    /// The message of the agent's own model that was seen last.
    message: Option<String>,
    /// Where in what was seen last a turn began.
    turns: Vec<usize>,
    /// What the results so far have cost, each for itself.
    run_cost_usd: Option<f64>,
    plain: PlainOutput,
}

/// How the stream is laid out at the place that has been reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Mode {
    /// One event a line.
    #[default]
    Lines,
    /// A line began with `[`: an array of events, or noise.
    Bracket,
    /// Inside an array of events: what `--output-format json` prints under the user setting `verbose`.
    Array {
        /// How many brackets are open inside the element.
        depth: usize,
        /// Whether a string is open.
        in_string: bool,
        /// Whether the byte that follows is escaped.
        escaped: bool,
    },
}

/// What is left at the end of the stream.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StreamEnd {
    /// What the last line held, when no newline followed it.
    pub seen: Vec<StreamEvent>,
    /// The last text of the agent itself (not of a sub-agent, nor an error that the CLI puts in its mouth), for a run
    /// whose result never came. At most 4 MiB.
    pub last_text: Option<String>,
    /// The last line that was no event, shortened: what a CLI prints that fails before its first event.
    pub stray: Option<String>,
    /// All of the output, when there was no event in it and it is not blank: the answer of a claude that prints text. At most
    /// 64 MiB, and a line that says so.
    pub plain: Option<String>,
    /// True when the stream ended in the middle of an event.
    pub torn: bool,
}

impl Reader {
    /// A reader at the beginning of the stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes and says what they completed.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<StreamEvent> {
        let mut seen = Vec::new();
        self.turns.clear();
        self.plain.feed(bytes);
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match self.mode {
                Mode::Lines => self.push_lines(rest, &mut seen),
                Mode::Bracket => self.push_bracket(rest),
                Mode::Array { .. } => self.push_array(rest, &mut seen),
            };
        }
        seen
    }

    /// The last text of the agent itself so far.
    #[must_use]
    pub fn last_text(&self) -> Option<&str> {
        self.last_text.as_deref()
    }

    /// Where in what the last [`Self::push`] gave the agent's own model began a turn. (A turn is a message; the CLI tells it
    /// in an event for each block.)
    #[must_use]
    pub fn turns(&self) -> &[usize] {
        &self.turns
    }

    /// The end of the stream.
    #[must_use]
    pub fn finish(mut self) -> StreamEnd {
        let mut seen = Vec::new();
        if self.mode == Mode::Bracket {
            self.line.feed(b"[");
        }
        self.torn = false;
        self.end_line(&mut seen);
        let plain = std::mem::take(&mut self.plain);
        for (kind, object) in plain.events() {
            self.take(kind, object, &mut seen);
        }
        let plain = if self.plain.has_events() { None } else { plain.text() };
        StreamEnd { seen, last_text: self.last_text, stray: self.stray, plain, torn: self.torn }
    }

    fn push_lines<'a>(&mut self, bytes: &'a [u8], seen: &mut Vec<StreamEvent>) -> &'a [u8] {
        let mut bytes = bytes;
        if !self.line.is_begun() {
            bytes = trim_start(bytes);
            if bytes.first() == Some(&b'[') {
                self.mode = Mode::Bracket;
                return &bytes[1..];
            }
        }
        let end = memchr(b'\n', bytes).unwrap_or(bytes.len());
        let (line, rest) = bytes.split_at(end);
        if rest.is_empty() {
            self.line.feed(line);
        } else {
            self.end_line_with(line, seen);
        }
        rest.get(1..).unwrap_or_default()
    }

    fn push_bracket<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let rest = trim_start(bytes);
        match rest.first() {
            None => {}
            Some(b'{') => self.mode = Mode::Array { depth: 0, in_string: false, escaped: false },
            Some(_) => {
                self.mode = Mode::Lines;
                self.line.feed(b"[");
            }
        }
        rest
    }

    /// Reads to the end of an element, of the array or of the piece.
    fn push_array<'a>(&mut self, bytes: &'a [u8], seen: &mut Vec<StreamEvent>) -> &'a [u8] {
        let Mode::Array { mut depth, mut in_string, mut escaped } = self.mode else { return bytes };
        let mut start = if depth == 0 { None } else { Some(0) };
        for (at, &byte) in bytes.iter().enumerate() {
            if in_string {
                match byte {
                    // No JSON string holds a raw newline: the array is broken off, and a new line begins.
                    b'\n' => {
                        self.mode = Mode::Lines;
                        self.end_line_with(&bytes[start.unwrap_or(at)..at], seen);
                        return &bytes[at + 1..];
                    }
                    _ if escaped => escaped = false,
                    b'\\' => escaped = true,
                    b'"' => in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => in_string = depth > 0,
                b'{' | b'[' => {
                    start = start.or(Some(at));
                    depth += 1;
                }
                b'}' | b']' if depth > 1 => depth -= 1,
                b'}' | b']' if depth == 1 => {
                    self.mode = Mode::Array { depth: 0, in_string: false, escaped: false };
                    self.end_line_with(&bytes[start.unwrap_or(at)..=at], seen);
                    return &bytes[at + 1..];
                }
                b']' => {
                    self.mode = Mode::Lines;
                    return &bytes[at + 1..];
                }
                _ => {}
            }
        }
        if let Some(start) = start {
            self.line.feed(&bytes[start..]);
        }
        self.mode = Mode::Array { depth, in_string, escaped };
        &[]
    }

    /// The line ends with `bytes`.
    fn end_line_with(&mut self, bytes: &[u8], seen: &mut Vec<StreamEvent>) {
        if !self.line.is_begun() && bytes.len() <= MAX_DIRECT_BYTES {
            let bytes = StreamLine::untagged(bytes);
            self.take(LineKind::of_whole(bytes), bytes, seen);
            return;
        }
        self.line.feed(bytes);
        self.end_line(seen);
    }

    fn end_line(&mut self, seen: &mut Vec<StreamEvent>) {
        if self.line.is_begun() {
            let (kind, bytes) = self.line.end();
            self.take(kind, &bytes, seen);
            self.line.reuse(bytes);
        }
    }

    /// Reads one line, of which `bytes` is what was kept.
    fn take(&mut self, kind: LineKind, bytes: &[u8], seen: &mut Vec<StreamEvent>) {
        if kind.is_event() {
            self.plain.give_up();
        }
        match kind {
            LineKind::Blank => {}
            LineKind::Noise => {
                self.stray = Some(text::one_line(&text::lossy(StreamLine::beginning(bytes)), MAX_STRAY_CHARS));
                seen.push(StreamEvent::Other);
            }
            LineKind::Other | LineKind::Strange => seen.push(StreamEvent::Other),
            LineKind::System => {
                let (event, whole) = parts::system(bytes);
                self.torn = !whole;
                seen.push(event);
            }
            LineKind::RateLimit => {
                let (event, whole) = parts::rate_limit(bytes);
                self.torn = !whole;
                seen.push(event);
            }
            LineKind::Assistant => {
                let before = seen.len();
                let said = parts::assistant(bytes, seen);
                self.torn = !said.whole;
                if said.turn.is_some() && said.turn != self.message {
                    self.message = said.turn;
                    self.turns.push(before);
                }
                self.last_text = said.last_text.or_else(|| self.last_text.take());
                self.wake_up = said.wake_up.or_else(|| self.wake_up.take());
            }
            LineKind::User => {
                let settled = self.wake_up.as_ref().and_then(|asked| asked.settled(bytes));
                if settled.is_some() {
                    self.wake_up = None;
                }
                seen.push(settled.flatten().map_or(StreamEvent::Other, StreamEvent::Task));
            }
            LineKind::Lifecycle => seen.push(tasks::lifecycle(bytes).map_or(StreamEvent::Other, StreamEvent::Task)),
            LineKind::Start => seen.push(StreamEvent::Task(TaskEvent::Begun)),
            LineKind::Result => self.take_result(bytes, seen),
        }
    }

    fn take_result(&mut self, bytes: &[u8], seen: &mut Vec<StreamEvent>) {
        let (mut event, whole) = super::ResultEvent::read(bytes);
        self.torn = !whole;
        if whole {
            self.run_cost_usd = match (self.run_cost_usd, event.run_cost_usd) {
                (Some(before), Some(added)) => Some(before + added),
                (before, added) => added.or(before),
            };
            event.run_cost_usd = self.run_cost_usd;
            seen.push(StreamEvent::Result(Box::new(event)));
            return;
        }
        // A result that is cut off is no result, but its text may be more than what was seen before.
        seen.push(StreamEvent::Other);
        let mut text = event.result.unwrap_or_default();
        text.truncate(text.floor_char_boundary(MAX_LAST_TEXT_BYTES));
        if text.len() > self.last_text.as_ref().map_or(0, String::len) {
            self.last_text = Some(text);
        }
    }
}

fn trim_start(bytes: &[u8]) -> &[u8] {
    let white = bytes.iter().take_while(|byte| is_white(**byte)).count();
    &bytes[white..]
}
