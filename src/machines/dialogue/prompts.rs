//! What the two agents of a dialogue are told, and how a message that ends with [`RESOLVED`] is recognised.

use crate::machines::{status_line, text};

/// How a message ends that ends the dialogue. Elsewhere in a message it is only spoken of.
pub const RESOLVED: &str = "[RESOLVED]";
/// How much of a message the other one is told, in bytes. A longer one is cut, and says so: most models read no more than
/// some 200,000 tokens, and one answer may have megabytes.
const MAX_QUOTED_BYTES: usize = 256 * 1024;

/// What the responder is told first. The topic stands above it, as the goal.
#[must_use]
pub fn opening(requester: &str) -> String {
    format!(
        "You and the agent '{requester}' work out the goal above in a dialogue; you begin. Say what you know, or ask for \
         what you need to know: '{requester}' reads your message and answers it. {CLOSING}"
    )
}

/// What either is told when the other has spoken.
#[must_use]
pub fn reply(other: &str, message: &str) -> String {
    let quoted = text::first_bytes(message, MAX_QUOTED_BYTES);
    let cut = message.len() - quoted.len();
    let cut = if cut == 0 { String::new() } else { format!("\n\n({cut} more bytes of this message are left out.)") };
    format!(
        "You work out the goal above in a dialogue with the agent '{other}', who says:\n\n{quoted}{cut}\n\nAnswer. {CLOSING}"
    )
}

const CLOSING: &str = "Once the goal is reached and nothing is left to ask, end your message with [RESOLVED], on a line \
of its own before any STATUS line; do not write it otherwise.";

/// The message without its closing mark, if it ends with one. A STATUS line before or behind the mark, and markdown around
/// it, do not hide it.
#[must_use]
pub fn resolution(message: &str) -> Option<String> {
    let body = without_status(message);
    let body = strip_mark(&body)?;
    let body = status_line::lift(body.trim_end()).text;
    Some(body.trim_end().to_owned())
}

/// The message without a last line that is a STATUS line, with a reason or without.
fn without_status(message: &str) -> String {
    let lifted = status_line::lift(message);
    if lifted.outcome.is_none() || lifted.text.len() < message.trim_end().len() {
        return lifted.text;
    }
    let trimmed = message.trim_end();
    trimmed.rfind(['\n', '\r']).map_or(String::new(), |end| trimmed[..end].to_owned())
}

fn strip_mark(message: &str) -> Option<&str> {
    let end = message.trim_end_matches(decorates);
    let body = end.strip_suffix(RESOLVED)?;
    // What opened an emphasis around the mark goes with it.
    Some(body.trim_end_matches(['*', '_', '`', '~']))
}

/// What may stand behind the mark without making it a part of a sentence.
fn decorates(c: char) -> bool {
    c.is_whitespace() || matches!(c, '*' | '_' | '`' | '~' | '.' | '!')
}
