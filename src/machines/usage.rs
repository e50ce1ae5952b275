//! The usage journal: a line for every dispatch, what the lines add up to, and what an agent's runs usually take.
//!
//! Lines come from a file that several programs write and a user can edit: a line that cannot be read is
//! skipped, and a figure that no run can have counts as absent.

mod recent;
mod report;

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};

use super::answer::{Answer, Outcome};
use super::ids::JobId;
use super::{json, text};

pub use recent::{MIN_RUNS, RECENT_RUNS, Recent, Typical};
pub use report::{Day, Durations, Report, Tally, date};

/// Most bytes of a line with its end: half of what POSIX guarantees to be appended in one piece.
pub const MAX_LINE_BYTES: usize = 2 * 1024;
/// Longest name of an agent, in characters. With every character escaped it still leaves room for the rest of the line.
const AGENT_CHARS: usize = 100;
/// Longest caller, in characters (contract).
const CALLER_CHARS: usize = 60;
/// No run takes so long, in milliseconds (11 days); the longest time limit is two hours.
const IMPLAUSIBLE_MS: f64 = 1e9;
/// No run costs so much, in US dollars.
const IMPLAUSIBLE_USD: f64 = 1e6;
/// What stands in the place of a kind of failure for a run that was ended on purpose.
const CANCELLED: &str = "cancelled";

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry<'a> {
    /// When the dispatch was over, in Unix seconds.
    #[serde(deserialize_with = "whole")]
    pub t: u64,
    /// The agent, cut to 100 characters.
    #[serde(borrow)]
    pub agent: Cow<'a, str>,
    /// Whether it succeeded.
    pub ok: bool,
    /// What the run cost, in US dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// Milliseconds: as the CLI reported them, else from the start of the run to its end.
    #[serde(default, deserialize_with = "maybe_whole", skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
    /// Turns of the model.
    #[serde(default, deserialize_with = "maybe_whole", skip_serializing_if = "Option::is_none")]
    pub turns: Option<u64>,
    /// How far the agent says that it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Cow<'a, str>>,
    /// The kind of failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub err: Option<Cow<'a, str>>,
    /// Whether nobody paid for the answer.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cached: bool,
    /// Who asked, cut to 60 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<Cow<'a, str>>,
    /// The job that ran it: one that has its line gets no second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Cow<'a, str>>,
}

impl<'a> Entry<'a> {
    /// The line of a dispatch that is over at `t`, in Unix seconds.
    #[must_use]
    pub fn of(answer: &'a Answer, caller: Option<&str>, t: u64) -> Self {
        let cached = answer.cached == Some(true);
        let caller = caller.map(|caller| text::one_line(caller, CALLER_CHARS));
        Self {
            t,
            agent: agent_key(&answer.agent).into(),
            ok: answer.success,
            // What was paid for once is not counted again.
            cost: answer.cost_usd.filter(|_| !cached),
            ms: answer.duration_ms.filter(|_| !cached),
            turns: answer.num_turns.filter(|_| !cached),
            outcome: answer.outcome.filter(|_| !cached).map(Outcome::as_str).map(Cow::from),
            err: answer.error_type.map(|kind| kind.as_str().into()),
            cached,
            caller: caller.filter(|caller| !caller.is_empty()).map(Cow::from),
            job: None,
        }
    }

    /// The same, of a run that a job was made for.
    #[must_use]
    pub fn of_job(self, job: &JobId) -> Self {
        Self { job: Some(job.to_string().into()), ..self }
    }

    /// The same, with the time that the run took where the CLI does not say.
    #[must_use]
    pub fn lasting(self, ms: Option<u64>) -> Self {
        Self { ms: self.ms.or(ms), ..self }
    }

    /// The same, of a run that was ended on purpose: that is no failure of the agent.
    #[must_use]
    pub fn cancelled(self) -> Self {
        Self { err: (!self.ok).then_some(CANCELLED.into()), ..self }
    }

    /// The line with its end, at most [`MAX_LINE_BYTES`]: every text in it is bounded.
    #[must_use]
    pub fn to_line(&self) -> Vec<u8> {
        json::line(self)
    }

    /// Reads a line. `None` for one that is none, such as half of one.
    #[must_use]
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let entry = serde_json::from_slice::<Self>(line).ok()?;
        #[expect(clippy::cast_precision_loss, reason = "compared with a bound that is exact")]
        let ms = entry.ms.filter(|ms| (*ms as f64) < IMPLAUSIBLE_MS);
        let cost = entry.cost.filter(|cost| (0.0..IMPLAUSIBLE_USD).contains(cost));
        Some(Self { ms, cost, ..entry })
    }
}

/// The name under which an agent stands in the journal.
#[must_use]
pub fn agent_key(name: &str) -> &str {
    text::first_chars(name, AGENT_CHARS)
}

/// The text by which a line of this job is known.
#[must_use]
pub fn mark(job: &JobId) -> String {
    format!("\"job\":\"{job}\"")
}

/// The whole lines of `bytes`, and how many bytes they take: what follows the last end of a line is still being written.
pub fn lines(bytes: &[u8]) -> (impl Iterator<Item = &[u8]>, usize) {
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    (bytes[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()), whole)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Whole numbers also from a float, as other programs write them. What is below zero is zero.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
    f64::deserialize(deserializer).map(|number| number as u64)
}

fn maybe_whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
    let whole = |number: f64| (number >= 0.0).then_some(number as u64);
    Ok(Option::<f64>::deserialize(deserializer)?.and_then(whole))
}
