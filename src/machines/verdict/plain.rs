//! Text instead of events: claude behind a wrapper that prints what it likes.
//!
//! Exit code 0 and a text is all that such a claude says of its success, so the text is taken for the answer. The CLI's
//! own messages, which it prints as text as well, are short and begin in known ways; those are no answer.

use super::super::events::ResultEvent;
use super::super::text;
use super::cause::Cause;
use super::classify::{self, MessageSource};
use super::{EndReason, Evidence};

/// Most lines and characters of a message of the CLI. What is longer is an answer, whatever it quotes.
const MAX_MESSAGE_LINES: usize = 3;
const MAX_MESSAGE_CHARS: usize = 500;
/// How a line begins that tells of a failure. (The CLI: "Error: …", "API Error: …", "Execution error".)
const FAILS: [&str; 7] = ["error", "api error", "execution error", "fatal", "failed to", "exception", "traceback"];

/// Who says such a message: a process that left without an error.
pub(super) const SOURCE: MessageSource = MessageSource::Printed { code: 0 };

/// What a caller is told of such an answer.
pub(super) const HINT: &str = "claude printed text instead of events (--output-format stream-json), so its text was taken \
for the answer: progress, cost and turns are unknown; what stands between agent-dispatch and claude, such as a wrapper, \
should pass its options and output on";

/// What a text amounts to that came instead of events.
pub(super) enum PlainText {
    /// It is the answer.
    Answer,
    /// It is a message of the CLI that it could not do its work.
    Message(String),
    /// It is what came until the process was ended, or failed.
    Rest,
}

/// Judges the text that came instead of events; `None` where there is none.
pub(super) fn judge(evidence: &Evidence<'_>) -> Option<PlainText> {
    let said = evidence.plain.as_deref()?;
    Some(match &evidence.ending {
        EndReason::Exited { code: 0 } if is_message(said) => {
            PlainText::Message(text::one_line(said, MAX_MESSAGE_CHARS))
        }
        EndReason::Exited { code: 0 } => PlainText::Answer,
        _ => PlainText::Rest,
    })
}

/// The text as a result that tells nothing else.
pub(super) fn result(said: String) -> ResultEvent {
    ResultEvent { subtype: String::from("success"), result: Some(said), ..ResultEvent::default() }
}

/// Whether a text is a message of the CLI, or of what stands before it, that it failed.
fn is_message(said: &str) -> bool {
    if said.lines().count() > MAX_MESSAGE_LINES || said.chars().nth(MAX_MESSAGE_CHARS).is_some() {
        return false;
    }
    let first = said.trim_start().to_ascii_lowercase();
    let known = classify::cause(said, SOURCE) != Cause::Unknown;
    FAILS.iter().any(|begin| first.starts_with(begin)) || known
}
