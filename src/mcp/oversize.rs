//! Messages that are longer than what is read. The protocol's library passes over them in silence, and whoever sent one
//! would wait for ever: they are noticed on their way in, and the request they were is answered.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use rmcp::model::RequestId;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::Notify;

use super::stdio::Input;

/// Longest id that is read back, in bytes. Clients count, or take a UUID.
const MAX_ID_BYTES: usize = 256;

/// The requests that were too long and wait for their answer.
#[derive(Debug, Default)]
pub struct Refused {
    ids: Mutex<VecDeque<RequestId>>,
    more: Notify,
}

impl Refused {
    /// The next one.
    pub async fn next(&self) -> RequestId {
        loop {
            let more = self.more.notified();
            let next = self.ids.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            match next {
                Some(id) => return id,
                None => more.await,
            }
        }
    }

    fn put(&self, id: RequestId) {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).push_back(id);
        self.more.notify_one();
    }
}

/// An input whose lines are looked at as they pass.
pub struct Watched {
    input: Input,
    max_line_bytes: usize,
    line: Line,
    refused: Arc<Refused>,
}

impl Watched {
    /// Looks at `input`; what is longer than `max_line_bytes` is noted in `refused`.
    pub fn new(input: Input, max_line_bytes: usize, refused: Arc<Refused>) -> Self {
        Self { input, max_line_bytes, line: Line::default(), refused }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let polled = self.input.as_mut().poll_read(context, buffer);
        let Self { line, refused, max_line_bytes, .. } = &mut *self;
        let read = buffer.filled().get(before..).unwrap_or_default();
        for piece in read.split_inclusive(|byte| *byte == b'\n') {
            let Some(end) = piece.strip_suffix(b"\n") else {
                line.feed(piece);
                continue;
            };
            line.feed(end);
            let line = std::mem::take(line);
            if line.bytes >= *max_line_bytes
                && let Some(id) = line.request()
            {
                refused.put(id);
            }
        }
        polled
    }
}

/// What is known of a line so far: the keys of its outermost object that make it a request.
#[derive(Debug, Default)]
struct Line {
    bytes: usize,
    /// How many brackets are open.
    depth: usize,
    /// Whether a string is open, and whether its next byte is escaped.
    string: Option<bool>,
    /// Whether the next value of the outermost object is a value, not a key.
    value: bool,
    /// The key or scalar that is being read in the outermost object; cut off when it is longer than any that matters.
    word: Vec<u8>,
    key: Vec<u8>,
    id: Option<Vec<u8>>,
    method: bool,
}

impl Line {
    fn feed(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len();
        let mut rest = bytes;
        while let Some((byte, after)) = rest.split_first() {
            // Most of a long line is inside one string: that is passed over at once.
            let plain = if self.string == Some(false) { plain_bytes(rest) } else { 0 };
            if plain > 0 {
                self.keep(&rest[..plain]);
                rest = &rest[plain..];
            } else {
                self.take(*byte);
                rest = after;
            }
        }
    }

    fn take(&mut self, byte: u8) {
        if let Some(escaped) = self.string {
            self.keep(&[byte]);
            self.string = match byte {
                _ if escaped => Some(false),
                b'\\' => Some(true),
                b'"' => None,
                _ => Some(false),
            };
            return;
        }
        match byte {
            b'"' => {
                self.keep(&[byte]);
                self.string = Some(false);
            }
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.end_of_word();
                self.depth = self.depth.saturating_sub(1);
            }
            b':' if self.depth == 1 => {
                self.key = std::mem::take(&mut self.word);
                self.value = true;
            }
            b',' if self.depth == 1 => self.end_of_word(),
            byte if byte.is_ascii_whitespace() => {}
            byte => self.keep(&[byte]),
        }
    }

    /// Keeps what may matter: one byte more than the longest id shows that it was longer.
    fn keep(&mut self, bytes: &[u8]) {
        if self.depth == 1 {
            let room = (MAX_ID_BYTES + 1).saturating_sub(self.word.len());
            self.word.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    /// The value of a key of the outermost object is complete.
    fn end_of_word(&mut self) {
        if self.depth != 1 {
            return;
        }
        let word = std::mem::take(&mut self.word);
        if std::mem::take(&mut self.value) {
            match self.key.as_slice() {
                b"\"id\"" if word.len() <= MAX_ID_BYTES => self.id = Some(word),
                b"\"method\"" => self.method = true,
                _ => {}
            }
        }
    }

    /// The id, where the line was a request.
    fn request(self) -> Option<RequestId> {
        let id = self.id.filter(|_| self.method && self.depth == 0)?;
        serde_json::from_slice(&id).ok()
    }
}

/// How many bytes at the beginning end or escape nothing in a string.
fn plain_bytes(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| matches!(byte, b'"' | b'\\')).unwrap_or(bytes.len())
}
