//! The STATUS line with which an agent reports how far it came.

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use super::text;

/// How far the agent says that it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Outcome {
    /// The task is fully done.
    Done,
    /// A part of it is done.
    Partial,
    /// No progress was possible.
    Blocked,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 3] = [Self::Done, Self::Partial, Self::Blocked];

    /// The name that stands in the answer.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A result and what its last line said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifted {
    /// The verdict of the agent, when the last line that is not empty gave one.
    pub outcome: Option<Outcome>,
    /// The text, without the line when that held the bare marker.
    pub text: String,
}

/// Longest line in bytes that is looked at: a marker with a reason is one sentence, and the last line of a
/// single-line answer may be megabytes long.
const MAX_LINE_BYTES: usize = 4096;

/// Reads the outcome from the last non-empty line of `text`. Case and markdown decoration do not matter. A bare
/// marker is removed; a line that gives a reason stays, since the reason is worth reading.
#[must_use]
pub fn lift(text: impl Into<String>) -> Lifted {
    let mut text = text.into();
    let trimmed = text.trim_end();
    let (start, line) = last_line(trimmed);
    let Some((outcome, reason)) = read(line) else { return Lifted { outcome: None, text } };
    if reason.trim_matches(is_decoration).is_empty() {
        let kept = trimmed[..start].trim_end().len();
        text.truncate(kept);
    }
    Lifted { outcome: Some(outcome), text }
}

/// The outcome that the last non-empty line of `text` states.
#[must_use]
pub fn outcome(text: &str) -> Option<Outcome> {
    read(last_line(text.trim_end()).1).map(|(outcome, _)| outcome)
}

/// Where the last line begins, and its beginning.
fn last_line(trimmed: &str) -> (usize, &str) {
    let start = trimmed.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    (start, text::first_bytes(&trimmed[start..], MAX_LINE_BYTES))
}

/// The outcome that a line states and what follows it.
fn read(line: &str) -> Option<(Outcome, &str)> {
    let rest = strip_word(line.trim_start_matches(is_lead), "status")?;
    let rest = rest.trim_start_matches(is_decoration).strip_prefix([':', '：'])?;
    let rest = rest.trim_start_matches(is_decoration);
    let (outcome, rest) = Outcome::ALL.iter().find_map(|o| Some((*o, strip_word(rest, o.as_str())?)))?;
    // "doneness" or "partially" is a word of its own, not a verdict.
    let ends = !rest.chars().next().is_some_and(|c| c.is_alphanumeric() || c == '-' && !rest.starts_with("--"));
    ends.then_some((outcome, rest))
}

fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let head = text.get(..word.len())?;
    head.eq_ignore_ascii_case(word).then(|| &text[word.len()..])
}

/// What may surround the marker without saying anything: white space, emphasis, code ticks, a closing stop.
fn is_decoration(c: char) -> bool {
    c.is_whitespace() || matches!(c, '*' | '_' | '`' | '~' | '.' | '!')
}

/// What may stand in front of the marker: decoration, or the sign of a heading, a quotation or a list item.
fn is_lead(c: char) -> bool {
    is_decoration(c) || matches!(c, '#' | '>' | '-')
}
