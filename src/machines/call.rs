//! A call of several requests as one job: what the record of that job says.

use super::answer::{Answer, ErrorType};
use super::text;

/// How much of each task is shown, in characters.
const TASK_CHARS: usize = 100;
/// How many tasks are shown, and how many failures are named.
const SHOWN: usize = 10;
/// How many agents are named.
const AGENTS: usize = 5;

/// How the parts of a call ended, in their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    failures: Vec<String>,
    parts: usize,
    cost_usd: Option<f64>,
}

impl Tally {
    /// Counts an answer; `name` says whose it is.
    pub fn add(&mut self, name: impl FnOnce() -> String, answer: &Answer) {
        self.parts = self.parts.saturating_add(1);
        // Somebody else's call paid for a cached one.
        if let Some(cost) = answer.cost_usd.filter(|_| answer.cached != Some(true)) {
            self.cost_usd = Some(self.cost_usd.unwrap_or_default() + cost);
        }
        if !answer.success {
            let kind = answer.error_type.unwrap_or(ErrorType::CliError).as_str();
            self.failures.push(format!("{} ({kind})", name()));
        }
    }

    /// What all of them have cost so far, in US dollars; `None` while nothing is known.
    #[must_use]
    pub const fn cost_usd(&self) -> Option<f64> {
        self.cost_usd
    }

    /// The answer of the whole call, whose JSON is `text`. It is a success when each part is.
    #[must_use]
    pub fn conclude(self, agents: &str, text: String, duration_ms: u64) -> Answer {
        let error = (!self.failures.is_empty()).then(|| {
            let named = text::listed(&self.failures, SHOWN);
            format!("{} of {} failed: {named}; the result has all answers", self.failures.len(), self.parts)
        });
        Answer {
            success: error.is_none(),
            error,
            cost_usd: self.cost_usd,
            duration_ms: Some(duration_ms),
            ..Answer::success(agents, text)
        }
    }
}

/// The agents of a call in words, each once.
#[must_use]
pub fn agents<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut each: Vec<&str> = Vec::new();
    for name in names {
        if !each.contains(&name) {
            each.push(name);
        }
    }
    text::listed(each, AGENTS)
}

/// What the items of a call are to do, in words: each agent and the beginning of its task.
#[must_use]
pub fn tasks<'a>(items: impl ExactSizeIterator<Item = (&'a str, &'a str)>) -> String {
    let count = items.len();
    let shown = items.take(SHOWN).enumerate().map(|(index, (agent, task))| {
        format!("#{} {agent}: {}", index.saturating_add(1), text::one_line(task, TASK_CHARS))
    });
    let shown = shown.collect::<Vec<_>>().join("; ");
    let more = count.saturating_sub(SHOWN);
    if more == 0 { shown } else { format!("{shown}; and {more} more") }
}
