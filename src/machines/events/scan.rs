//! A JSON scanner that accepts damaged text.
//!
//! serde_json refuses a whole line for one lone surrogate, one `NaN` or one value that nests too deep. An answer that
//! was paid for must not be lost for that, so events are walked with this scanner: one pass, no recursion over what
//! the text nests, nothing is refused, and a torn end is an end like any other. On valid JSON it sees what serde_json
//! sees (a property test holds that).

use std::str;

use memchr::{memchr, memchr2};

/// Walks over one JSON text.
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A JSON string as it is written, without its quotes.
#[derive(Clone, Copy)]
pub(super) struct Raw<'a>(pub(super) &'a [u8]);

impl<'a> Scanner<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Calls `visit` with the key of each entry of the object that comes next, the scanner standing at the value;
    /// what `visit` does not consume is skipped. Returns whether the object was closed by its brace; a value that is
    /// no object is skipped and counts as open.
    pub(super) fn entries(&mut self, mut visit: impl FnMut(&mut Self, &'a [u8])) -> bool {
        if self.peek() != Some(b'{') {
            self.skip();
            return false;
        }
        self.at += 1;
        loop {
            match self.peek_past_commas() {
                None => return false,
                Some(b'}') => {
                    self.at += 1;
                    return true;
                }
                Some(b'"') => {
                    let Raw(key) = self.raw_string();
                    if self.peek() == Some(b':') {
                        self.at += 1;
                        self.one_value(|scanner| visit(scanner, key));
                    }
                }
                // No key can begin here.
                Some(_) => self.at += 1,
            }
        }
    }

    /// Calls `visit` at each element of the array that comes next; what it does not consume is skipped. A value that
    /// is no array is skipped.
    pub(super) fn elements(&mut self, mut visit: impl FnMut(&mut Self)) {
        if self.peek() != Some(b'[') {
            self.skip();
            return;
        }
        self.at += 1;
        loop {
            match self.peek_past_commas() {
                None => return,
                Some(b']') => {
                    self.at += 1;
                    return;
                }
                // No value can begin here.
                Some(b'}' | b':') => self.at += 1,
                Some(_) => self.one_value(&mut visit),
            }
        }
    }

    /// The string that comes next; `None`, and nothing is consumed, when it is no string.
    pub(super) fn string(&mut self) -> Option<Raw<'a>> {
        (self.peek() == Some(b'"')).then(|| self.raw_string())
    }

    /// Skips the next value and returns it as it is written.
    pub(super) fn skip(&mut self) -> &'a [u8] {
        let first = self.peek();
        let start = self.at;
        match first {
            Some(b'"') => drop(self.raw_string()),
            Some(b'{' | b'[') => self.skip_container(),
            _ => self.skip_scalar(),
        }
        &self.bytes[start..self.at]
    }

    /// The byte at which the next value or sign begins.
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            if !is_white(byte) {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    fn peek_past_commas(&mut self) -> Option<u8> {
        while self.peek()? == b',' {
            self.at += 1;
        }
        self.peek()
    }

    /// Lets `visit` consume one value; consumes it when `visit` does not.
    fn one_value(&mut self, visit: impl FnOnce(&mut Self)) {
        self.peek();
        let before = self.at;
        visit(self);
        if self.at == before {
            self.skip();
        }
    }

    /// Consumes the string at whose opening quote the scanner stands.
    fn raw_string(&mut self) -> Raw<'a> {
        let start = self.at + 1;
        let mut at = start;
        loop {
            let rest = self.bytes.get(at..).unwrap_or_default();
            at += memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
            match self.bytes.get(at) {
                Some(b'\\') => at += 2,
                Some(_) => {
                    self.at = at + 1;
                    return Raw(&self.bytes[start..at]);
                }
                None => {
                    self.at = self.bytes.len();
                    return Raw(self.bytes.get(start..).unwrap_or_default());
                }
            }
        }
    }

    fn skip_container(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'"' => {
                    self.raw_string();
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
    }

    fn skip_scalar(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let ends = |byte: &u8| is_white(*byte) || matches!(byte, b',' | b':' | b'"' | b'{' | b'}' | b'[' | b']');
        self.at += rest.iter().position(ends).unwrap_or(rest.len());
    }
}

impl Raw<'_> {
    /// The text that the string stands for. A lone surrogate and bytes that are not UTF-8 become U+FFFD; an escape
    /// that JSON does not know stays as it is written; one that is cut off at the end is left out.
    pub(super) fn decode(self) -> String {
        self.decode_at_most(usize::MAX)
    }

    /// As [`Raw::decode`], but stops soon after `max_bytes` bytes of text.
    pub(super) fn decode_at_most(self, max_bytes: usize) -> String {
        let mut text = String::with_capacity(self.0.len().min(max_bytes));
        let mut rest = self.0;
        while !rest.is_empty() && text.len() < max_bytes {
            let plain = &rest[..rest.len().min(max_bytes)];
            let plain = &plain[..memchr(b'\\', plain).unwrap_or(plain.len())];
            push_lossy(&mut text, plain);
            rest = &rest[plain.len()..];
            if rest.first() == Some(&b'\\') {
                rest = &rest[push_escape(&mut text, rest)..];
            }
        }
        text
    }
}

/// White space between tokens. The bytes of a byte order mark and NUL count as such: they mean nothing outside a
/// string, and a file may begin with them.
pub(super) const fn is_white(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0 | 0xef | 0xbb | 0xbf)
}

fn push_lossy(text: &mut String, bytes: &[u8]) {
    if let Ok(valid) = str::from_utf8(bytes) {
        text.push_str(valid);
        return;
    }
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

/// Decodes the escape that `escape` begins with; returns its length in bytes.
fn push_escape(text: &mut String, escape: &[u8]) -> usize {
    let Some(letter) = escape.get(1) else { return 1 };
    let plain = match letter {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return push_unicode(text, escape),
        _ => {
            text.push('\\');
            return 1;
        }
    };
    text.push(plain);
    2
}

/// Decodes `\uXXXX`, or a pair of them that stands for one character; returns the length in bytes.
fn push_unicode(text: &mut String, escape: &[u8]) -> usize {
    /// Length of `\uXXXX`.
    const ESCAPE_BYTES: usize = 6;
    if escape.len() < ESCAPE_BYTES {
        return escape.len();
    }
    let Some(first) = hex4(&escape[2..]) else {
        text.push(char::REPLACEMENT_CHARACTER);
        return 2;
    };
    let second = match escape.get(ESCAPE_BYTES..ESCAPE_BYTES + 2) {
        Some(b"\\u") => hex4(&escape[ESCAPE_BYTES + 2..]),
        _ => None,
    };
    let pair = second.and_then(|second| char::decode_utf16([first, second]).next()?.ok());
    match pair {
        Some(wide) if wide.len_utf16() == 2 => {
            text.push(wide);
            2 * ESCAPE_BYTES
        }
        _ => {
            text.push(char::from_u32(u32::from(first)).unwrap_or(char::REPLACEMENT_CHARACTER));
            ESCAPE_BYTES
        }
    }
}

fn hex4(digits: &[u8]) -> Option<u16> {
    let digits = str::from_utf8(digits.get(..4)?).ok()?;
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
}
