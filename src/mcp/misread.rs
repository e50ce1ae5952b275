//! What the sender of a message is told that cannot be read: what is wrong, and where.

use rmcp::model::ErrorData;
use serde_json::Value;

/// For a line of more than `max_bytes`.
pub fn too_long(max_bytes: usize) -> ErrorData {
    let error = format!(
        "the message is longer than {} MiB; put what is large into a file that the agent can read",
        max_bytes / (1024 * 1024)
    );
    ErrorData::invalid_request(error, None)
}

/// For a line that is not a message of the protocol, as `error` says; whether it names a request is known.
pub fn why(line: &[u8], error: &serde_json::Error, has_id: bool) -> ErrorData {
    let Ok(value) = serde_json::from_slice::<Value>(line) else {
        return ErrorData::parse_error(format!("the message is no JSON: {error}"), None);
    };
    let Value::Object(message) = &value else {
        let error = format!("a message is an object, not {}; each is a line of its own", kind(&value));
        return ErrorData::invalid_request(error, None);
    };
    if message.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return ErrorData::invalid_request("jsonrpc must be \"2.0\"", None);
    }
    let Some(method) = message.get("method").and_then(Value::as_str) else {
        return ErrorData::invalid_request("a message has a method, which is a string", None);
    };
    if !has_id {
        return ErrorData::invalid_request("the id of a request is a string or an integer", None);
    }
    let error = message.get("params").and_then(wrong_params);
    ErrorData::invalid_params(
        error.unwrap_or_else(|| format!("the params of {method} do not have the shape that the protocol gives them")),
        None,
    )
}

/// What is wrong with the parameters, where it is something that can be named.
fn wrong_params(params: &Value) -> Option<String> {
    let Value::Object(fields) = params else {
        return Some(format!("params must be an object, not {}", kind(params)));
    };
    let meta = fields.get("_meta").filter(|meta| !meta.is_object())?;
    Some(format!("params._meta must be an object, not {}", kind(meta)))
}

/// What a value is, as a sentence says it.
const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
