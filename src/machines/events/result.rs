//! The event that ends a run.

use std::str;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::{json, text};
use super::scan::{Raw, Scanner};

/// Why the model stopped, as far as the result says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// The key is missing, or is no text: this CLI does not say. That is no sign of a cut answer.
    #[default]
    NotReported,
    /// `null`: the stream of the answer ended before the model had said that it was done.
    Cut,
    /// A reason such as `end_turn`.
    Reason(String),
}

/// A result event. A field of the wrong type, or with an absurd value, is absent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResultEvent {
    /// `success`, `error_max_turns`, … `success` alone does not mean success.
    pub subtype: String,
    /// Whether the CLI calls the run failed. When it does not say, a `subtype` that begins with `error` does.
    pub is_error: bool,
    /// The answer, or the text of the API's error.
    pub result: Option<String>,
    /// What went wrong, for a subtype other than `success`.
    pub errors: Vec<String>,
    /// Id of the session.
    pub session_id: Option<String>,
    /// Cost of the session, in US dollars; for a resumed one with all that was paid before this run.
    pub total_cost_usd: Option<f64>,
    /// Cost of this run alone up to here, in US dollars, where the CLI tells it: the sum over all results so far of what
    /// each adds (`model_usage_since_last_result`).
    pub run_cost_usd: Option<f64>,
    /// How long the turn took, in milliseconds.
    pub duration_ms: Option<u64>,
    /// Turns; 0 when the model was never asked.
    pub num_turns: Option<u64>,
    /// Why the model stopped.
    pub stop: Stop,
    /// HTTP status of the API's error.
    pub api_error_status: Option<u64>,
    /// Names of denied tools, without repetition, in order.
    pub permission_denials: Vec<String>,
    /// The value of a run with a schema.
    pub structured_output: Option<Value>,
    /// How the turn loop ended, such as `completed` or `max_turns`.
    pub terminal_reason: Option<String>,
    /// The tool whose call a hook put off (`deferred_tool_use`): the run ended with that.
    #[serde(default)]
    pub deferred_tool: Option<String>,
    /// Whether the CLI began the turn by itself because a background task had ended.
    pub is_notified: bool,
    /// What other results of the same start said.
    pub several: Option<Box<Several>>,
}

/// What the results beside the leading one said, and what all of them come to.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Several {
    /// The others that said something, in order.
    pub others: Vec<ResultText>,
    /// How many more there were, for which no room was left: the oldest.
    pub left_out: usize,
    /// Turns of all results.
    pub num_turns: Option<u64>,
    /// Durations of all results, in milliseconds. The waits between them are in none of them.
    pub duration_ms: Option<u64>,
    /// Names of tools that were denied in any of them, without repetition, in order.
    pub permission_denials: Vec<String>,
    /// The last error beside an answer, with a shortened text.
    pub failed: Option<Box<ResultEvent>>,
}

/// What one result said.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResultText {
    /// The text of the result.
    pub text: String,
    /// Its value, of a run with a schema. Only the last one is kept apart: the text of the others holds theirs.
    pub value: Option<Value>,
    /// Whether it came after the leading one.
    pub late: bool,
}

/// What a result lacks to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// The CLI itself calls it an error.
    Error,
    /// A hook put a call off, and the run ended with it.
    Deferred,
    /// The CLI answered by itself; the model was never asked.
    NotAsked,
    /// There is neither a text nor a value.
    Empty,
    /// The text may be cut.
    Cut,
}

/// Most names of denied tools that are kept.
pub(super) const MAX_DENIED_TOOLS: usize = 10;
/// Most characters of the name of a denied tool.
const MAX_TOOL_NAME_CHARS: usize = 100;
/// Most error texts that are kept, and most characters of each: they become part of one message.
const MAX_ERRORS: usize = 10;
const MAX_ERROR_CHARS: usize = 2_000;
/// Most characters of a word such as a subtype or a session id.
const MAX_WORD_CHARS: usize = 200;
/// Most bytes of a structured value that are parsed: in memory a value takes about ten times its text, and the CLI
/// gives the same value as the text of `result`.
const MAX_STRUCTURED_BYTES: usize = 8 * 1024 * 1024;
/// A cost above a million dollars is a mistake.
const MAX_COST_USD: f64 = 1e6;
/// A run of more than ten years, in milliseconds, is a mistake.
const MAX_DURATION_MS: f64 = 10.0 * 365.0 * 86_400_000.0;
/// More turns than a run can take in ten years are a mistake.
const MAX_TURNS: f64 = 1e9;
/// HTTP statuses have three digits.
const MAX_HTTP_STATUS: f64 = 999.0;

impl ResultEvent {
    /// What this run has cost, in US dollars.
    #[must_use]
    pub fn cost_usd(&self) -> Option<f64> {
        self.run_cost_usd.or(self.total_cost_usd)
    }

    /// Whether the run ended because a hook put a tool call off.
    #[must_use]
    pub fn is_deferred(&self) -> bool {
        /// What the CLI (2.1.332) calls that, as the reason to stop and as the reason to end.
        const DEFERRED: &str = "tool_deferred";
        self.terminal_reason.as_deref() == Some(DEFERRED)
            || matches!(&self.stop, Stop::Reason(reason) if reason == DEFERRED)
    }

    /// What it lacks to be trusted, if anything.
    #[must_use]
    pub fn doubt(&self) -> Option<Doubt> {
        if self.is_error {
            Some(Doubt::Error)
        } else if self.is_deferred() {
            Some(Doubt::Deferred)
        } else if self.num_turns == Some(0) {
            Some(Doubt::NotAsked)
        } else if self.structured_output.is_none() && self.result.as_deref().is_none_or(text::is_blank) {
            Some(Doubt::Empty)
        } else if self.stop == Stop::Cut {
            Some(Doubt::Cut)
        } else {
            None
        }
    }

    /// Whether it can be relied on as an answer of the agent.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        self.doubt().is_none()
    }

    /// Reads the event field by field, and whether it is whole.
    pub(super) fn read(line: &[u8]) -> (Self, bool) {
        let mut event = Self::default();
        let mut is_error = None;
        let whole = Scanner::new(line).entries(|value, key| match key {
            b"is_error" => is_error = boolean(value),
            _ => event.read_field(value, key),
        });
        event.is_error = is_error.unwrap_or_else(|| event.subtype.starts_with("error"));
        (event, whole)
    }

    fn read_field(&mut self, value: &mut Scanner<'_>, key: &[u8]) {
        match key {
            b"subtype" => self.subtype = word(value).unwrap_or_default(),
            b"result" => self.result = any_text(value),
            b"errors" => self.errors = errors(value),
            b"session_id" => self.session_id = word(value),
            b"total_cost_usd" => self.total_cost_usd = number(value, MAX_COST_USD),
            b"model_usage_since_last_result" => self.run_cost_usd = cost_of_models(value),
            b"duration_ms" => self.duration_ms = count(value, MAX_DURATION_MS),
            b"num_turns" => self.num_turns = count(value, MAX_TURNS),
            b"stop_reason" => self.stop = stop(value),
            b"api_error_status" => self.api_error_status = count(value, MAX_HTTP_STATUS),
            b"permission_denials" => self.permission_denials = denials(value),
            b"structured_output" => self.structured_output = structured(value),
            b"terminal_reason" => self.terminal_reason = word(value),
            b"deferred_tool_use" => self.deferred_tool = tool_name(value),
            b"origin" => self.is_notified = is_notified(value),
            _ => {}
        }
    }
}

/// The name of a call's tool.
fn tool_name(call: &mut Scanner<'_>) -> Option<String> {
    let mut name = None;
    call.entries(|field, key| {
        if key == b"name" {
            name = field.string().and_then(|raw| bounded(raw, MAX_TOOL_NAME_CHARS));
        }
    });
    name
}

/// A short text; absent when it is blank or no text.
pub(super) fn word(value: &mut Scanner<'_>) -> Option<String> {
    bounded(value.string()?, MAX_WORD_CHARS)
}

/// A text of one line and at most `max_chars` characters; absent when it is blank.
pub(super) fn bounded(raw: Raw<'_>, max_chars: usize) -> Option<String> {
    // A character has at most four bytes.
    let text = text::one_line(&raw.decode_at_most(max_chars.saturating_mul(4)), max_chars);
    (!text::is_blank(&text)).then_some(text)
}

/// A whole number from 0 to `max`; fractions are cut off.
pub(super) fn count(value: &mut Scanner<'_>, max: f64) -> Option<u64> {
    // In range by the bound; the cast cuts the fraction off.
    number(value, max).map(|number| number as u64)
}

/// A number from 0 to `max`, also when it is written as a string.
fn number(value: &mut Scanner<'_>, max: f64) -> Option<f64> {
    /// Longer than any number that means something.
    const MAX_NUMBER_BYTES: usize = 400;
    let written = match value.string() {
        Some(Raw(raw)) => raw,
        None => value.skip(),
    };
    let written = str::from_utf8(written.get(..written.len().min(MAX_NUMBER_BYTES))?).ok()?;
    // A comparison with a range is false for NaN, so that is dropped with the infinities.
    written.trim().parse().ok().filter(|number| (0.0..=max).contains(number))
}

/// The costs of an object of models, added up. `None` when none is told.
fn cost_of_models(models: &mut Scanner<'_>) -> Option<f64> {
    let mut sum = None;
    models.entries(|model, _| {
        model.entries(|field, key| {
            if key == b"costUSD"
                && let Some(cost) = number(field, MAX_COST_USD)
            {
                sum = Some(sum.unwrap_or(0.0) + cost);
            }
        });
    });
    sum
}

/// Whether this origin of a turn is the end of a background task.
fn is_notified(origin: &mut Scanner<'_>) -> bool {
    let mut notified = false;
    origin.entries(|field, key| {
        if key == b"kind" {
            notified = field.string().is_some_and(|kind| kind.0 == b"task-notification");
        }
    });
    notified
}

fn boolean(value: &mut Scanner<'_>) -> Option<bool> {
    let written = match value.string() {
        Some(Raw(raw)) => raw,
        None => value.skip(),
    };
    match written {
        b"true" => Some(true),
        b"false" => Some(false),
        _ => None,
    }
}

/// A text in full; of another value its JSON, so that an answer of the wrong type is not lost.
fn any_text(value: &mut Scanner<'_>) -> Option<String> {
    if let Some(raw) = value.string() {
        return Some(raw.decode());
    }
    let written = value.skip();
    (written != b"null" && !written.is_empty()).then(|| text::lossy(written).into_owned())
}

fn errors(value: &mut Scanner<'_>) -> Vec<String> {
    let shorten = |text: &str| text::one_line(text, MAX_ERROR_CHARS);
    if let Some(raw) = value.string() {
        return bounded(raw, MAX_ERROR_CHARS).into_iter().collect();
    }
    let mut errors = Vec::new();
    value.elements(|element| {
        if errors.len() == MAX_ERRORS {
            return;
        }
        match element.string() {
            Some(raw) => errors.extend(bounded(raw, MAX_ERROR_CHARS)),
            None => errors.push(shorten(&text::lossy(first_bytes(element.skip())))),
        }
    });
    errors
}

fn stop(value: &mut Scanner<'_>) -> Stop {
    match value.string() {
        Some(raw) => bounded(raw, MAX_WORD_CHARS).map_or(Stop::NotReported, Stop::Reason),
        None if value.skip() == b"null" => Stop::Cut,
        None => Stop::NotReported,
    }
}

fn denials(value: &mut Scanner<'_>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    value.elements(|element| {
        let mut name = element.string().and_then(|raw| bounded(raw, MAX_TOOL_NAME_CHARS));
        if name.is_none() && element.peek() == Some(b'{') {
            element.entries(|field, key| {
                if matches!(key, b"tool_name" | b"tool") {
                    name = field.string().and_then(|raw| bounded(raw, MAX_TOOL_NAME_CHARS)).or_else(|| name.take());
                }
            });
        }
        let name = name.unwrap_or_else(|| String::from("unknown"));
        if names.len() < MAX_DENIED_TOOLS && !names.contains(&name) {
            names.push(name);
        }
    });
    names
}

fn structured(value: &mut Scanner<'_>) -> Option<Value> {
    let written = value.skip();
    if written.len() > MAX_STRUCTURED_BYTES {
        return None;
    }
    json::parse_bytes(written).filter(|value| !value.is_null())
}

fn first_bytes(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(MAX_ERROR_CHARS * 4)]
}
