//! What a run is doing, in one line: shown in records, progress messages and the status of a task.

use serde::{Deserialize, Serialize};

use super::money;
use super::text;

/// How long a line is at most, in characters: clients show it in one line of a terminal.
pub const LINE_CHARS: usize = 200;
/// How much of it the last deed may take, in characters; turn and cost need some 40.
const DEED_CHARS: usize = 150;

/// How far a run has come.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    /// Turns of the agent's own model so far, the one that it is in counted.
    #[serde(default)]
    pub turn: u64,
    /// What it did last: a tool and what for, or the beginning of what it said. One line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doing: Option<String>,
    /// What it has cost so far in US dollars, where the CLI has said so. It says so with a result; a run that goes on after
    /// one, for a background task say, has a cost before its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// How many of its background tasks live.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub background_tasks: usize,
}

impl Activity {
    /// The same, fit to be kept: what it did is one clean line.
    #[must_use]
    pub fn cleaned(&self) -> Self {
        let doing = self.doing.as_deref().map(|doing| text::one_line(doing, DEED_CHARS));
        Self { doing: doing.filter(|doing| !doing.is_empty()), ..self.clone() }
    }

    /// `turn 3 · Edit src/x.rs · 2 background tasks · $0.02`, without what is not known. Empty when nothing is.
    #[must_use]
    pub fn line(&self) -> String {
        let turn = (self.turn > 0).then(|| format!("turn {}", self.turn));
        let tasks = match self.background_tasks {
            0 => None,
            1 => Some(String::from("1 background task")),
            many => Some(format!("{many} background tasks")),
        };
        let parts = [turn, self.cleaned().doing, tasks, self.cost_usd.map(money::brief)];
        text::one_line(&parts.into_iter().flatten().collect::<Vec<_>>().join(" · "), LINE_CHARS)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(tasks: &usize) -> bool {
    *tasks == 0
}

/// A tool and what it is used for, seen from the agent's directory.
#[must_use]
pub fn tool_use(name: &str, subject: Option<&str>, directory: &str) -> String {
    let inside = |subject: &str| -> Option<String> {
        let below = subject.strip_prefix(directory.trim_end_matches('/'))?.strip_prefix('/')?;
        (!below.is_empty()).then(|| below.to_owned())
    };
    match subject.map(|subject| inside(subject).unwrap_or_else(|| subject.to_owned())) {
        Some(subject) => deed(&format!("{name} {subject}")),
        None => deed(name),
    }
}

/// The beginning of a text. It is cleaned when it is shown: most deeds of a fast stream never are.
#[must_use]
pub fn deed(text: &str) -> String {
    text::first_chars(text.trim_start().lines().next().unwrap_or_default(), DEED_CHARS).to_owned()
}
