//! The answer to a dispatch, as callers and job records see it.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use strum::{IntoStaticStr, VariantArray};

use super::ids::JobId;
pub use super::status_line::Outcome;
use super::{json, status_line, text};

/// Why a dispatch failed, in the order of the contract. Callers branch on the written form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ErrorType {
    /// A tool or an action was denied.
    Permission,
    /// The run took longer than it was allowed to.
    Timeout,
    /// The chain of dispatches is too deep.
    Recursion,
    /// The agent's directory or the claude CLI is missing.
    NotFound,
    /// The CLI stopped the run at its spend cap.
    Budget,
    /// The account's usage limit.
    UsageLimit,
    /// The answer does not match the schema that the caller gave.
    SchemaMismatch,
    /// Somebody ended the run: its caller, or whoever cancelled its job.
    Cancelled,
    /// Any other failure of the CLI.
    CliError,
}

impl ErrorType {
    /// The name that stands in the answer.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl<'de> Deserialize<'de> for ErrorType {
    /// A type that another version wrote is read as [`ErrorType::CliError`]: an unknown word must not make a stored
    /// answer unreadable.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Ok(Self::VARIANTS.iter().copied().find(|t| t.as_str() == word).unwrap_or(Self::CliError))
    }
}

/// What a dispatch answers. Keys appear in this order; what is absent is left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Name of the agent.
    #[serde(default)]
    pub agent: String,
    /// Whether the answer can be relied on as the agent's own, complete answer.
    pub success: bool,
    /// The agent's text; on failure what there is of it.
    #[serde(default, deserialize_with = "null_as_default")]
    pub result: String,
    /// What went wrong and what to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The kind of failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_type: Option<ErrorType>,
    /// When the usage limit is over that ended the run, in Unix seconds, where the CLI tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_resets_at: Option<u64>,
    /// The session that can be resumed with `dispatch_session`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Cost in US dollars as the CLI reported it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// Duration in milliseconds as the CLI reported it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Turns that the model took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub num_turns: Option<u64>,
    /// How far the agent says that it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The result as JSON, when JSON was asked for and came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parsed_result: Option<Value>,
    /// Names of the tools that were denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denied_tools: Option<Vec<String>>,
    /// Advice that does not change the verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// True when the cost is over the budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_exceeded: Option<bool>,
    /// True when this caller did not pay for the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached: Option<bool>,
}

/// An answer that stays in the job store, and what of it is told at once. Keys in the order of the contract.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reference<'a> {
    r#ref: JobId,
    agent: &'a str,
    success: bool,
    size: usize,
    summary_chars: usize,
    summary: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_usd: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_turns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_type: Option<ErrorType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    denied_tools: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parsed_result: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cached: Option<bool>,
}

impl Answer {
    /// What is told of an answer that stays in the store: its beginning, and its size in characters.
    #[must_use]
    pub fn by_reference(&self, reference: JobId, summary_chars: usize) -> Reference<'_> {
        let summary = text::first_chars(&self.result, summary_chars);
        Reference {
            r#ref: reference,
            agent: &self.agent,
            success: self.success,
            size: self.result.chars().count(),
            summary_chars: summary.chars().count(),
            summary,
            session_id: self.session_id.as_deref(),
            cost_usd: self.cost_usd,
            duration_ms: self.duration_ms,
            num_turns: self.num_turns,
            error: self.error.as_deref(),
            error_type: self.error_type,
            denied_tools: self.denied_tools.as_deref(),
            outcome: self.outcome,
            hint: self.hint.as_deref(),
            parsed_result: self.parsed_result.as_ref(),
            cached: self.cached,
        }
    }

    /// A failure without anything but its reason.
    #[must_use]
    pub fn failure(agent: impl Into<String>, error_type: ErrorType, error: impl Into<String>) -> Self {
        Self { agent: agent.into(), error: Some(error.into()), error_type: Some(error_type), ..Self::default() }
    }

    /// A success with nothing but its text.
    #[must_use]
    pub fn success(agent: impl Into<String>, result: impl Into<String>) -> Self {
        Self { agent: agent.into(), success: true, result: result.into(), ..Self::default() }
    }
}

/// Deepest JSON that is taken for a value; deeper answers stay text. Half of what serde_json and other parsers read: the
/// value is written into records and answers, some levels further down, and must be read again from there.
pub const MAX_PARSED_LEVELS: usize = 64;

/// The JSON value that an answer consists of, after a STATUS line and a code fence around it are taken away. `null`
/// says nothing and counts as no value; so does JSON that nests deeper than [`MAX_PARSED_LEVELS`]. Half a surrogate pair
/// becomes U+FFFD.
#[must_use]
pub fn parse_json(answer: &str) -> Option<Value> {
    // Most answers are JSON as they stand; only the others are copied to have their last line lifted.
    let value = parse_fenced(answer).or_else(|| parse_fenced(&status_line::lift(answer).text))?;
    (!value.is_null() && is_shallow(&value, MAX_PARSED_LEVELS)).then_some(value)
}

/// Whether the value has at most this many levels of arrays and objects.
#[must_use]
pub fn is_shallow(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels > 0 && items.iter().all(|item| is_shallow(item, levels - 1)),
        Value::Object(entries) => levels > 0 && entries.values().all(|entry| is_shallow(entry, levels - 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

fn parse_fenced(answer: &str) -> Option<Value> {
    let answer = answer.trim_matches(|c: char| text::is_blank(c.encode_utf8(&mut [0; 4])));
    json::parse(answer).or_else(|| json::parse(inside_fence(answer)?))
}

/// What stands between the opening and the closing line of a code fence that surrounds the whole text.
fn inside_fence(answer: &str) -> Option<&str> {
    let mark = ["```", "~~~"].into_iter().find(|mark| answer.starts_with(mark))?;
    let (_language, body) = answer.split_once('\n')?;
    let body = body.trim_end();
    Some(body.strip_suffix(mark).unwrap_or(body))
}

fn null_as_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
