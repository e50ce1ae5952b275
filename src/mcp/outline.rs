//! What can be told of a message that cannot be read, from its bytes alone: whether it is a request, and its id. Whoever
//! sent one that is too long, is no JSON or has another shape would otherwise wait for ever for an answer.

use memchr::memchr2;
use rmcp::model::RequestId;

/// Longest id that is read back, in bytes. Clients count, or take a UUID.
const MAX_ID_BYTES: usize = 256;

/// What is known of a line so far: the keys of its outermost object that make it a request.
#[derive(Debug, Default)]
pub struct Outline {
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
    has_id: bool,
    has_method: bool,
}

impl Outline {
    /// Of a whole line.
    pub fn of(line: &[u8]) -> Self {
        let mut outline = Self::default();
        outline.feed(line);
        outline
    }

    /// Goes on with the next piece of the line.
    pub fn feed(&mut self, bytes: &[u8]) {
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
                b"\"id\"" => {
                    self.has_id = true;
                    self.id = (word.len() <= MAX_ID_BYTES).then_some(word);
                }
                b"\"method\"" => self.has_method = true,
                _ => {}
            }
        }
    }

    /// The id, where the line was a whole request.
    pub fn request(&self) -> Option<RequestId> {
        let id = self.id.as_ref().filter(|_| self.has_method && self.depth == 0)?;
        serde_json::from_slice(id).ok()
    }

    /// Whether nobody waits for an answer: a notification, or itself an answer.
    pub const fn wants_no_answer(&self) -> bool {
        self.has_id != self.has_method
    }
}

/// How many bytes at the beginning end or escape nothing in a string.
fn plain_bytes(bytes: &[u8]) -> usize {
    memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len())
}
