//! Several results of one start of claude, as one.
//!
//! After its first result the CLI goes on when a background task of the agent ends, when a wake-up comes or when a turn
//! was put off, and prints one more result for each such turn. All of them are paid for. One of them leads: its text is
//! the answer. The others are kept beside it, and what is counted is counted over all of them.

use serde_json::Value;

use super::result::{MAX_DENIED_TOOLS, ResultEvent, ResultText, Several};
use crate::machines::{status_line, text};

/// Most texts that are kept beside the leading one. A run that is woken every minute for an hour has 60.
const MAX_OTHERS: usize = 100;
/// Most bytes of all texts that are kept beside the leading one: one of the largest answers that must pass (50 MB).
const MAX_OTHERS_BYTES: usize = 64 * 1024 * 1024;
/// Most characters of what an error that does not count said.
const MAX_FAILURE_CHARS: usize = 2_000;

/// What a model says that was woken by a background task and has nothing to tell. Both texts are kept whatever is found here:
/// it decides which of them comes first.
const NOTHING: [&str; 7] =
    ["nothing new", "nothing to add", "nothing to report", "nothing more", "nothing further", "no change", "no update"];

/// Whether the text of a turn says that it adds nothing to what was said.
fn adds_nothing(event: &ResultEvent) -> bool {
    let said = event.result.as_deref().unwrap_or_default().to_lowercase();
    NOTHING.iter().any(|words| said.contains(words))
}

impl ResultEvent {
    /// This result (or those that it stands for), and one more that came after it.
    #[must_use]
    pub fn followed_by(mut self, mut next: Self) -> Self {
        let mut several = self.several.take().map_or_else(|| Several::of(&self), |several| *several);
        several.count(&next);
        let total_cost_usd = [self.total_cost_usd, next.total_cost_usd].into_iter().flatten().reduce(f64::max);
        let run_cost_usd = [self.run_cost_usd, next.run_cost_usd].into_iter().flatten().reduce(f64::max);
        let session_id = next.session_id.take().or_else(|| self.session_id.take());
        let leads = next.leads(&self);
        let (mut lead, other) = if leads { (next, self) } else { (self, next) };
        if leads {
            several.others.iter_mut().for_each(|told| told.late = false);
        }
        several.put_beside(other, !leads);
        (lead.total_cost_usd, lead.run_cost_usd, lead.session_id) = (total_cost_usd, run_cost_usd, session_id);
        lead.several = Some(Box::new(several));
        lead
    }

    /// Whether this result is the answer rather than those before it.
    ///
    /// The last one that is an answer leads, with one exception: a turn that the CLI began by itself because a background
    /// task had ended often only says that there is nothing to add. It leads only where it shows that it is meant as the
    /// answer: by a value, by a STATUS line, or, where that does not tell them apart, by not saying that it adds nothing, or
    /// by saying no less.
    fn leads(&self, before: &Self) -> bool {
        if !(self.is_answer() && before.is_answer() && self.is_notified) {
            return self.is_answer() || !before.is_answer();
        }
        let said = |event: &Self| event.result.as_deref().unwrap_or_default().trim().len();
        let shows = |event: &Self| status_line::outcome(event.result.as_deref().unwrap_or_default()).is_some();
        match (self.structured_output.is_some(), before.structured_output.is_some()) {
            (false, false) => match (shows(self), shows(before)) {
                (false, false) => said(self) >= said(before) || !adds_nothing(self),
                (marked, _) => marked,
            },
            (given, _) => given,
        }
    }

    /// Names of tools that were denied in the run.
    #[must_use]
    pub fn all_denials(&self) -> &[String] {
        self.several.as_ref().map_or(&self.permission_denials, |several| &several.permission_denials)
    }

    /// The error of another turn beside this answer.
    #[must_use]
    pub fn failed(&self) -> Option<&Self> {
        self.several.as_ref().and_then(|several| several.failed.as_deref())
    }

    /// The texts beside this one, in order.
    #[must_use]
    pub fn others(&self) -> &[ResultText] {
        self.several.as_ref().map_or(&[], |several| &several.others)
    }

    /// Makes the text beside this one at `place` the leading one.
    pub fn promote(&mut self, place: usize) {
        let Some(several) = self.several.as_mut().filter(|several| place < several.others.len()) else { return };
        let led = ResultText {
            text: self.result.take().unwrap_or_default(),
            value: self.structured_output.take(),
            late: false,
        };
        let promoted = several.others.remove(place);
        let led_at = several.others.iter().filter(|told| !told.late).count();
        several.others.insert(led_at, led);
        // What stands at its place or after it came later.
        several.others.iter_mut().enumerate().for_each(|(at, told)| told.late = at >= place);
        self.result = Some(promoted.text);
        self.structured_output = promoted.value;
    }
}

impl Several {
    fn of(first: &ResultEvent) -> Self {
        let mut several = Self::default();
        several.count(first);
        several
    }

    fn count(&mut self, event: &ResultEvent) {
        let add = |sum: Option<u64>, more: Option<u64>| match (sum, more) {
            (Some(sum), Some(more)) => Some(sum.saturating_add(more)),
            (sum, more) => sum.or(more),
        };
        self.num_turns = add(self.num_turns, event.num_turns);
        self.duration_ms = add(self.duration_ms, event.duration_ms);
        // A call that was put off did not run either.
        for name in event.permission_denials.iter().chain(&event.deferred_tool) {
            if self.permission_denials.len() < MAX_DENIED_TOOLS && !self.permission_denials.contains(name) {
                self.permission_denials.push(name.clone());
            }
        }
    }

    /// Keeps what this result says, which does not lead.
    fn put_beside(&mut self, other: ResultEvent, late: bool) {
        if other.is_error {
            let said = other.result.as_deref().map(|said| text::one_line(said, MAX_FAILURE_CHARS));
            self.failed = Some(Box::new(ResultEvent { result: said, structured_output: None, several: None, ..other }));
            return;
        }
        let said = other.result.filter(|said| !text::is_blank(said));
        if other.num_turns == Some(0) || said.is_none() && other.structured_output.is_none() {
            return;
        }
        let value = other.structured_output;
        let text = said.or_else(|| value.as_ref().map(Value::to_string)).unwrap_or_default();
        if self.others.last().is_some_and(|last| last.text == text && last.value == value) {
            return;
        }
        if value.is_some() {
            self.others.iter_mut().for_each(|told| told.value = None);
        }
        self.others.push(ResultText { text, value, late });
        let mut bytes: usize = self.others.iter().map(|told| told.text.len()).sum();
        while bytes > MAX_OTHERS_BYTES || self.others.len() > MAX_OTHERS {
            bytes -= self.others.remove(0).text.len();
            self.left_out += 1;
        }
    }
}
