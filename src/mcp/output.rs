//! What clients are told of answers: the schema of each tool's structured answer, and how large it may be.
//!
//! The answer is the same JSON twice, as text and as structure. A structure must be an object (older clients refuse any
//! other, some with the whole list), so an answer that is an array stands under `result`, as the official SDKs have it.

use rmcp::model::JsonObject;
use serde_json::{Value, json};

/// The first protocol version with structured answers. Versions are dates, whose order as text is that of time.
const FIRST_STRUCTURED: &str = "2025-06-18";
/// How many characters of an answer Claude Code shows its model, instead of 50,000: its own upper limit.
const MAX_RESULT_CHARS: u64 = 500_000;

/// What clients are told of a tool's answer.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// The keys of the answer and their types, `key: type, key?: type`. One with `?` may be absent; more may come.
    keys: &'static str,
    /// Whether the answer may hold an agent's whole text.
    is_large: bool,
}

/// Of every dispatch; a reference, which stands for one, has some of its own.
pub const ANSWER: Output = Output::new(
    "agent: string, success: boolean, result?: string, error?: string, error_type?: string, session_id?: string, \
     cost_usd?: number, duration_ms?: integer, num_turns?: integer, outcome?: string, denied_tools?: array, \
     hint?: string, budget_exceeded?: boolean, cached?: boolean, ref?: string, size?: integer, \
     summary_chars?: integer, summary?: string",
)
.large();
/// Of a job, as it stands.
pub const RECORD: Output = Output::new(
    "id: string, agent: string, task: string, status: string, created_at: number, started_at?: number, \
     completed_at?: number, result?: object, error?: string, progress?: array, activity?: object, \
     session_id?: string, part_of?: string, queue_place?: integer, timed_out_waiting?: boolean",
)
.large();
/// An array, which stands under this key in a structured answer.
pub const LIST: Output = Output::new("result: array");
/// Of an agent or a group.
pub const DESCRIPTION: Output = Output::new("name: string, description?: string");

impl Output {
    /// An answer with these keys, in the notation of the field.
    pub const fn new(keys: &'static str) -> Self {
        Self { keys, is_large: false }
    }

    /// The same for an answer that may hold an agent's whole text.
    pub const fn large(self) -> Self {
        Self { is_large: true, ..self }
    }

    /// The schema of the structured answer. It names what can be relied on; more keys may come.
    pub fn schema(&self) -> JsonObject {
        let (mut properties, mut required) = (JsonObject::new(), Vec::new());
        for (key, kind) in self.keys.split(", ").filter_map(|key| key.split_once(": ")) {
            let name = key.trim_end_matches('?');
            properties.insert(name.to_owned(), json!({"type": kind}));
            required.extend((name == key).then(|| Value::from(name)));
        }
        let mut schema = JsonObject::new();
        schema.insert("type".to_owned(), json!("object"));
        if !properties.is_empty() {
            schema.insert("properties".to_owned(), Value::Object(properties));
        }
        if !required.is_empty() {
            schema.insert("required".to_owned(), Value::Array(required));
        }
        schema
    }

    /// How large the answer may be before Claude Code puts it into a file; `None` for its own limit.
    pub fn max_result_chars(&self) -> Option<u64> {
        self.is_large.then_some(MAX_RESULT_CHARS)
    }
}

/// The answer as a structure.
#[must_use]
pub fn structure(answer: Value) -> Value {
    if answer.is_object() { answer } else { json!({ "result": answer }) }
}

/// Whether a client of this protocol version knows structured answers.
#[must_use]
pub fn is_structured(version: &str) -> bool {
    version >= FIRST_STRUCTURED
}
