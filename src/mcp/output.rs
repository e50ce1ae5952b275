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
/// Tools whose answers hold an agent's whole text.
const LARGE: [&str; 8] = [
    "dispatch",
    "dispatch_session",
    "dispatch_stream",
    "dispatch_parallel",
    "dispatch_dialogue",
    "dispatch_status",
    "dispatch_wait",
    "fetch_result",
];

/// What a key holds, as a schema names it.
type Key = (&'static str, &'static str);

/// Of every dispatch; a reference, which stands for one, has some of its own.
const ANSWER: &[Key] = &[
    ("agent", "string"),
    ("success", "boolean"),
    ("result", "string"),
    ("error", "string"),
    ("error_type", "string"),
    ("session_id", "string"),
    ("cost_usd", "number"),
    ("duration_ms", "integer"),
    ("num_turns", "integer"),
    ("outcome", "string"),
    ("denied_tools", "array"),
    ("hint", "string"),
    ("budget_exceeded", "boolean"),
    ("cached", "boolean"),
    ("ref", "string"),
    ("size", "integer"),
    ("summary_chars", "integer"),
    ("summary", "string"),
];
const RECORD: &[Key] = &[
    ("id", "string"),
    ("agent", "string"),
    ("task", "string"),
    ("status", "string"),
    ("created_at", "number"),
    ("started_at", "number"),
    ("completed_at", "number"),
    ("result", "object"),
    ("error", "string"),
    ("progress", "array"),
    ("activity", "object"),
    ("session_id", "string"),
    ("part_of", "string"),
    ("queue_place", "integer"),
    ("timed_out_waiting", "boolean"),
];
const DIALOGUE: &[Key] = &[
    ("resolved", "boolean"),
    ("rounds", "integer"),
    ("total_cost_usd", "number"),
    ("total_duration_ms", "integer"),
    ("conversation", "array"),
    ("final_answer", "string"),
];
const LIST: &[Key] = &[("result", "array")];
const STATISTICS: &[Key] = &[
    ("size", "integer"),
    ("max_size", "integer"),
    ("hits", "integer"),
    ("misses", "integer"),
    ("evictions", "integer"),
    ("hit_rate", "number"),
    ("enabled", "boolean"),
    ("message", "string"),
];

/// The keys of a tool's answer, the first so many of which are always there. None for a tool that is not told of here.
const fn keys(tool: &str) -> (&'static [Key], usize) {
    match tool.as_bytes() {
        b"dispatch" | b"dispatch_session" | b"dispatch_stream" => (ANSWER, 2),
        b"dispatch_parallel" => (&[("result", "array"), ("individual_results", "array"), ("aggregated", "object")], 0),
        b"dispatch_dialogue" => (DIALOGUE, 5),
        b"dispatch_async" => (&[("job_id", "string"), ("status", "string"), ("agent", "string")], 3),
        b"dispatch_status" | b"dispatch_wait" => (RECORD, 5),
        b"dispatch_cancel" => (&[("job_id", "string"), ("outcome", "string"), ("status", "string")], 3),
        b"list_agents" | b"list_groups" | b"dispatch_jobs" => (LIST, 1),
        b"inspect_agent" | b"inspect_group" => (&[("name", "string"), ("description", "string")], 1),
        b"dispatch_gc" => (&[("purged", "integer"), ("max_age_days", "number"), ("job_ids", "array")], 2),
        b"add_agent" => (&[("added", "string"), ("directory", "string"), ("description", "string")], 2),
        b"update_agent" => (&[("updated", "string"), ("fields", "array")], 2),
        b"remove_agent" => (&[("removed", "string")], 1),
        b"cache_stats" => (STATISTICS, 0),
        b"cache_clear" => (&[("cleared", "integer"), ("enabled", "boolean"), ("message", "string")], 0),
        _ => (&[], 0),
    }
}

/// The schema of a tool's structured answer. It names what can be relied on; more keys may come.
#[must_use]
pub fn schema(tool: &str) -> JsonObject {
    let (keys, required) = keys(tool);
    let properties = keys.iter().map(|(key, kind)| ((*key).to_owned(), json!({"type": kind}))).collect::<JsonObject>();
    let mut schema = JsonObject::new();
    schema.insert("type".to_owned(), json!("object"));
    if !properties.is_empty() {
        schema.insert("properties".to_owned(), Value::Object(properties));
    }
    let required = keys.iter().take(required).map(|(key, _)| Value::from(*key)).collect::<Vec<_>>();
    if !required.is_empty() {
        schema.insert("required".to_owned(), Value::Array(required));
    }
    schema
}

/// The answer as a structure.
#[must_use]
pub fn structure(answer: Value) -> Value {
    if answer.is_object() { answer } else { json!({ "result": answer }) }
}

/// How large a tool's answer may be before Claude Code puts it into a file, where it may be large.
#[must_use]
pub fn max_result_chars(tool: &str) -> Option<u64> {
    LARGE.contains(&tool).then_some(MAX_RESULT_CHARS)
}

/// Whether a client of this protocol version knows structured answers.
#[must_use]
pub fn is_structured(version: &str) -> bool {
    version >= FIRST_STRUCTURED
}
