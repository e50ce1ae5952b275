//! Messages, line by line. What cannot be read is refused with its id wherever that can be told: rmcp's own reader answers
//! without one, or not at all, and the caller would wait for ever.

use std::io;

use memchr::memchr;
use rmcp::RoleServer;
use rmcp::model::{ErrorData, RequestId};
use rmcp::service::RxJsonRpcMessage;
use tokio::io::{AsyncBufReadExt, BufReader};

use super::misread;
use super::outline::Outline;
use super::stdio::Input;

/// Longest line that is read, in bytes. The largest prompt of 10 MiB grows at most sixfold by JSON's escapes.
const MAX_LINE_BYTES: usize = 64 * 1024 * 1024;
/// What is kept of the memory of a line for the next one, in bytes. Nearly all lines are shorter.
const KEPT_BYTES: usize = 64 * 1024;
/// Some programs begin their output with it; JSON readers may pass over it (RFC 8259, section 8.1).
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A message that was not read, and what its sender is told.
#[derive(Debug)]
pub struct Unreadable {
    /// The request it was, where that can be told.
    pub id: Option<RequestId>,
    /// What is wrong with it.
    pub error: ErrorData,
}

/// What a line was.
#[expect(clippy::large_enum_variant, reason = "nearly all are messages, and each is taken apart at once")]
#[derive(Debug)]
pub enum InputLine {
    /// A message.
    Message(RxJsonRpcMessage<RoleServer>),
    /// Something that its sender must be told of.
    Unreadable(Unreadable),
    /// Nothing that anybody waits for an answer to.
    Ignored,
}

/// The lines of an input.
pub struct Lines {
    input: BufReader<Input>,
    /// What was read of a line that has not ended.
    line: Vec<u8>,
    /// What is known of a line that is too long, until it ends.
    passed_over: Option<Outline>,
}

impl Lines {
    /// Of `input`.
    pub fn new(input: Input) -> Self {
        Self { input: BufReader::new(input), line: Vec::new(), passed_over: None }
    }

    /// The next line; `None` at the end of the input. Can be dropped and called again: nothing that was read is lost.
    pub async fn next(&mut self) -> Option<InputLine> {
        loop {
            let available = match self.input.fill_buf().await {
                Ok([]) => return None,
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    tracing::error!("the input cannot be read: {error}");
                    return None;
                }
            };
            let (piece, ends) = match memchr(b'\n', available) {
                Some(at) => (&available[..at], true),
                None => (available, false),
            };
            let taken = piece.len() + usize::from(ends);
            match &mut self.passed_over {
                Some(outline) => outline.feed(piece),
                None if self.line.len() + piece.len() > MAX_LINE_BYTES => {
                    let mut outline = Outline::of(&std::mem::take(&mut self.line));
                    outline.feed(piece);
                    self.passed_over = Some(outline);
                }
                None => self.line.extend_from_slice(piece),
            }
            self.input.consume(taken);
            if ends {
                return Some(self.ended());
            }
        }
    }

    fn ended(&mut self) -> InputLine {
        if let Some(outline) = self.passed_over.take() {
            return outline.request().map_or(InputLine::Ignored, |id| {
                InputLine::Unreadable(Unreadable { id: Some(id), error: misread::too_long(MAX_LINE_BYTES) })
            });
        }
        let read = read(&self.line);
        self.line.clear();
        self.line.shrink_to(KEPT_BYTES);
        read
    }
}

/// What a line is, which has no line end.
#[must_use]
pub fn read(line: &[u8]) -> InputLine {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
    if line.is_empty() {
        return InputLine::Ignored;
    }
    let error = match serde_json::from_slice(line) {
        Ok(message) => return InputLine::Message(message),
        Err(error) => error,
    };
    // What the reader says of a value may be the value.
    tracing::debug!(kind = ?error.classify(), column = error.column(), "a message cannot be read");
    tracing::trace!(%error, "a message cannot be read");
    let outline = Outline::of(line);
    let id = outline.request();
    // What is no JSON and names no request is answered to nobody: a peer that sends back what it gets would never end.
    if outline.wants_no_answer() || (id.is_none() && !error.is_data()) {
        return InputLine::Ignored;
    }
    let error = misread::why(line, &error, id.is_some());
    InputLine::Unreadable(Unreadable { id, error })
}
