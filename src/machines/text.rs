//! Bounding and cleaning of text that somebody else wrote. Every cut falls between characters.

use std::borrow::Cow;

/// The first `max_chars` characters of `text`.
#[must_use]
pub fn first_chars(text: &str, max_chars: usize) -> &str {
    // A text is never longer in characters than in bytes, so most texts need no counting.
    if text.len() <= max_chars {
        return text;
    }
    text.char_indices().nth(max_chars).map_or(text, |(end, _)| &text[..end])
}

/// The last `max_chars` characters of `text`.
#[must_use]
pub fn last_chars(text: &str, max_chars: usize) -> &str {
    if text.len() <= max_chars {
        return text;
    }
    if max_chars == 0 {
        return "";
    }
    text.char_indices().rev().nth(max_chars - 1).map_or(text, |(start, _)| &text[start..])
}

/// The longest beginning of `text` that is at most `max_bytes` long.
#[must_use]
pub fn first_bytes(text: &str, max_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(max_bytes)]
}

/// `text` as one line of at most `max_chars` characters: each control character becomes a space and the ends are
/// trimmed. Line and paragraph separators (U+2028, U+2029) count as control characters.
#[must_use]
pub fn one_line(text: &str, max_chars: usize) -> String {
    let start = text.trim_start_matches(|c: char| c.is_whitespace() || breaks_line(c));
    let cleaned: String = start.chars().take(max_chars).map(|c| if breaks_line(c) { ' ' } else { c }).collect();
    cleaned.trim_end().to_owned()
}

/// Bytes as text; what is not UTF-8 becomes U+FFFD.
#[must_use]
pub fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// `text` in double quotes, escaped as JSON: safe inside a call that a message tells the caller to make.
#[must_use]
pub fn quoted(text: &str) -> String {
    // Serializing a string cannot fail; the fallback keeps this total.
    serde_json::to_string(text).unwrap_or_else(|_| String::from("\"\""))
}

/// The first of some texts, and how many more there are.
#[must_use]
pub fn listed(texts: impl IntoIterator<Item = impl AsRef<str>>, most: usize) -> String {
    let mut told = String::new();
    let mut rest = texts.into_iter();
    for text in rest.by_ref().take(most) {
        told = if told.is_empty() { text.as_ref().to_owned() } else { told + ", " + text.as_ref() };
    }
    match rest.count() {
        0 => told,
        more => format!("{told} and {more} more"),
    }
}

/// A word for a POSIX shell.
#[must_use]
pub fn shell_word(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./=:@%+,".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The first control character of `text` that is not in `allowed`.
#[must_use]
pub fn first_control(text: &str, allowed: &[char]) -> Option<char> {
    text.chars().find(|c| c.is_control() && !allowed.contains(c))
}

/// True for a text that holds nothing to read: empty, or white space (a byte order mark counts as such, as it does
/// in the JavaScript of the claude CLI).
#[must_use]
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c == '\u{feff}')
}

fn breaks_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}
