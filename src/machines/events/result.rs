//! The event that ends a run.

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// The session.
    pub session_id: Option<String>,
    /// Cost of the whole session in this process so far, in US dollars (so the last of several results has all).
    pub total_cost_usd: Option<f64>,
    /// Duration in milliseconds.
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
}
