//! What stdout holds when it is no stream of events: a wrapper around claude may print plain text, or the JSON of events
//! over several lines.

use super::line::{LineKind, start_line};
use super::scan::{Scanner, is_white};
use crate::machines::text;

/// Most bytes that are kept of output without an event: one of the largest answers that must pass (50 MB).
const MAX_PLAIN_BYTES: usize = 64 * 1024 * 1024;
/// What stands at the end of a text that was longer.
const CUT: &str = "\n\n[the rest was not kept: claude printed more than 64 MiB of text]";

/// The output as it is, as long as no event was in it.
#[derive(Debug, Default)]
pub(super) struct PlainOutput {
    bytes: Vec<u8>,
    cut: bool,
    events: bool,
}

impl PlainOutput {
    /// Takes more of the output.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        if self.events {
            return;
        }
        let room = MAX_PLAIN_BYTES - self.bytes.len();
        self.cut |= bytes.len() > room;
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// There was an event: what stands around it is noise.
    pub(super) fn give_up(&mut self) {
        if !self.events {
            *self = Self { events: true, ..Self::default() };
        }
    }

    /// Whether there was an event.
    pub(super) const fn has_events(&self) -> bool {
        self.events
    }

    /// The events that the output ends with when they are written over several lines each. Nothing but JSON objects may
    /// follow the line that begins the first: an answer in prose may quote events.
    pub(super) fn events(&self) -> Vec<(LineKind, &[u8])> {
        let Some(start) = first_object(&self.bytes) else { return Vec::new() };
        let mut scanner = Scanner::new(&self.bytes[start..]);
        let mut events = Vec::new();
        while let Some(byte) = scanner.peek() {
            if byte != b'{' {
                return Vec::new();
            }
            let object = scanner.skip();
            events.push((LineKind::of_whole(object), object));
        }
        events.retain(|(kind, _)| kind.is_event());
        events
    }

    /// The output as a text. `None` when there was an event, or nothing.
    pub(super) fn text(self) -> Option<String> {
        if self.events {
            return None;
        }
        // What processes before this one wrote is not its answer.
        let own = start_line();
        let begins = memchr::memmem::rfind(&self.bytes, own.as_bytes()).map_or(0, |at| at + own.len());
        let said = text::lossy(&self.bytes[begins..]);
        let said = said.trim_matches(|c: char| c.is_whitespace() || c == '\0' || c == '\u{feff}');
        if text::is_blank(said) {
            return None;
        }
        Some(if self.cut { format!("{said}{CUT}") } else { said.to_owned() })
    }
}

/// Where the first line begins that begins with a brace.
fn first_object(bytes: &[u8]) -> Option<usize> {
    let mut start = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if line.first() == Some(&b'{') || start == 0 && line.iter().find(|byte| !is_white(**byte)) == Some(&b'{') {
            return Some(start);
        }
        start += line.len();
    }
    None
}
