//! The prompt of the agent that puts several answers together.

use std::borrow::Cow;

use crate::machines::answer::{Answer, Outcome};
use crate::machines::text;

/// The task that the aggregating agent is given.
pub const TASK: &str = "Put the answers in the context together into one. Say what matters most, where the agents \
contradict each other, what is missing because an agent failed or did not finish, and what follows from it all.";
/// The caller that it is told (contract).
pub const CALLER: &str = "dispatch_parallel";
/// The goal that it is told.
pub const GOAL: &str = "one answer from those of several agents";
/// How much of all answers together it is told, in bytes: most models read no more than some 200,000 tokens, of three to
/// four bytes each. Long answers are cut to equal parts of what the short ones leave.
pub const MAX_BYTES: usize = 512 * 1024;

/// An item as the aggregator sees it.
#[derive(Debug, Clone, Copy)]
pub struct AggregateItem<'a> {
    /// The answer of the item.
    pub answer: &'a Answer,
    /// Its caller wants so many characters of it, and the rest by reference.
    pub summary_chars: Option<usize>,
}

impl AggregateItem<'_> {
    /// What there is to read: the result, or why there is none and what the agent had said until then.
    fn text(&self) -> Cow<'_, str> {
        let Answer { success, result, error, .. } = self.answer;
        if *success {
            return Cow::Borrowed(self.summary_chars.map_or(result, |chars| text::first_chars(result, chars)));
        }
        match error {
            Some(error) if text::is_blank(result) || error.contains(result.trim()) => Cow::Borrowed(error),
            Some(error) => Cow::Owned(format!("{error}\n\nIt had said until then:\n{result}")),
            None => Cow::Borrowed(result),
        }
    }

    fn heading(&self, shown: &str) -> String {
        let answer = self.answer;
        let mut notes = String::from(if answer.success { "OK" } else { "FAILED" });
        match answer.outcome {
            Some(Outcome::Partial) => notes.push_str(", agent reports PARTIAL"),
            Some(Outcome::Blocked) => notes.push_str(", agent reports BLOCKED"),
            Some(Outcome::Done) | None => {}
        }
        if answer.success && (self.summary_chars.is_some() || shown.len() < answer.result.len()) {
            notes.push_str(&format!(", preview of {} chars", answer.result.chars().count()));
        }
        format!("## Agent: {} [{notes}]", answer.agent)
    }
}

/// The answers of all items, in their order, as the aggregator's context.
#[must_use]
pub fn context(items: &[AggregateItem<'_>]) -> String {
    let texts = items.iter().map(AggregateItem::text).collect::<Vec<_>>();
    let share = share(texts.iter().map(|text| text.len()), MAX_BYTES);
    let parts = items.iter().zip(&texts).map(|(item, text)| {
        let shown = text::first_bytes(text, share);
        format!("{}\n{shown}", item.heading(shown))
    });
    parts.collect::<Vec<_>>().join("\n\n")
}

/// The most that each may have so that all together have no more than `total`: what the short ones leave is the others'.
#[must_use]
pub fn share(lengths: impl Iterator<Item = usize>, total: usize) -> usize {
    let mut lengths = lengths.collect::<Vec<_>>();
    lengths.sort_unstable();
    let (mut left, mut others) = (total, lengths.len());
    for length in lengths {
        let equal = left / others;
        if length > equal {
            return equal;
        }
        left -= length;
        others -= 1;
    }
    total
}
