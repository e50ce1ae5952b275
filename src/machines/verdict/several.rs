//! The texts of several results, put together into one.

use super::super::events::{ResultText, Several};
use super::super::text;

/// What stands before a text that is not the answer itself.
const EARLIER: &str = "\n\n---\nSaid earlier in the same run:\n\n";
const LATER: &str = "\n\n---\nSaid later in the same run:\n\n";
/// Most characters of another turn's error in a hint.
const MAX_ERROR_CHARS: usize = 300;

/// Puts the other texts under the answer, the earlier ones first. What the answer, or one of them, says as well is not
/// repeated.
pub(super) fn attach(answer: &mut String, several: Several) {
    let mut kept: Vec<ResultText> = Vec::new();
    for told in several.others {
        let said = told.text.trim();
        if !answer.contains(said) && !kept.iter().any(|other| other.text.contains(said)) {
            kept.push(told);
        }
    }
    for told in kept {
        if text::is_blank(answer) {
            *answer = told.text;
        } else {
            answer.truncate(answer.trim_end().len());
            answer.push_str(if told.late { LATER } else { EARLIER });
            answer.push_str(told.text.trim());
        }
    }
}

/// What a caller is told of the results beside the answer.
pub(super) fn hint(several: &Several) -> Option<String> {
    let mut hints = Vec::new();
    if !several.others.is_empty() {
        hints.push(String::from(
            "the run gave several answers: `result` begins with the one that counts, the others follow it after a line",
        ));
    }
    if several.left_out > 0 {
        hints.push(format!("{} older answers had no room in `result`", several.left_out));
    }
    if let Some(failed) = &several.failed {
        let said = failed.result.clone().filter(|said| !text::is_blank(said));
        let said = said.unwrap_or_else(|| failed.errors.join("; "));
        let said = text::one_line(if said.is_empty() { &failed.subtype } else { &said }, MAX_ERROR_CHARS);
        hints
            .push(format!("another turn of the run ended with an error, which takes nothing from this answer: {said}"));
    }
    (!hints.is_empty()).then(|| hints.join(". "))
}
