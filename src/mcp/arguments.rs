//! Reads a call's arguments leniently and by the table: what a model plausibly meant is accepted, what cannot be meant is
//! an answer that names the parameter.

use rmcp::model::JsonObject;
use serde_json::{Number, Value};
use thiserror::Error;

use super::table::{Kind, Parameter, ToolRow};
use crate::config::name::echoed;

/// An argument that cannot be read. An answer to the caller, never a protocol error.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ArgumentError {
    /// It must be given.
    #[error("{tool}: {name} is missing; required: {required}")]
    Missing {
        /// The tool, or the place in its arguments.
        tool: String,
        /// The name of the parameter.
        name: &'static str,
        /// All that must be given.
        required: String,
    },
    /// It is of another kind.
    #[error("{tool}: {name} must be {wanted}, not {given}")]
    Kind {
        /// The tool, or the place in its arguments.
        tool: String,
        /// The name of the parameter.
        name: &'static str,
        /// What it takes.
        wanted: &'static str,
        /// What was given, shortened.
        given: String,
    },
    /// Nothing reads it. What it was to restrict would not be restricted.
    #[error("{tool} does not know the parameter{} {}; nothing was done", if given.len() == 1 { "" } else { "s" }, listed(given))]
    Unknown {
        /// The tool, or the place in its arguments.
        tool: String,
        /// Their names and values, in the order of the call.
        given: Vec<(String, Value)>,
        /// The agent that the call is for, where it names one.
        agent: Option<String>,
    },
}

/// How many unknown parameters an error names.
const MAX_UNKNOWN_NAMED: usize = 5;

fn listed(given: &[(String, Value)]) -> String {
    let shown = given.iter().take(MAX_UNKNOWN_NAMED).map(|(name, _)| format!("'{}'", echoed(name)));
    let shown = shown.collect::<Vec<_>>().join(", ");
    match given.len().saturating_sub(MAX_UNKNOWN_NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// How much of a wrong value is quoted, in characters.
const QUOTE_CHARS: usize = 60;

/// The given arguments in canonical form: every value of its parameter's kind, `null` left out.
///
/// # Errors
/// [`ArgumentError`] for the parameters that the tool does not know, else for the first one that is missing or of another
/// kind.
pub fn read(tool: &ToolRow, given: Option<JsonObject>) -> Result<Value, ArgumentError> {
    read_at(tool.name, tool.parameters, given)
}

/// As [`read`], for parameters that are given in `place`: a tool, or an item of a list.
///
/// # Errors
/// As [`read`].
pub fn read_at(
    place: &str,
    parameters: &'static [Parameter],
    given: Option<JsonObject>,
) -> Result<Value, ArgumentError> {
    let mut given = given.unwrap_or_default();
    // Before what is missing: a parameter under a wrong name is both.
    let is_known = |name: &str| parameters.iter().any(|parameter| parameter.name == name);
    // `null` says "not given", under any name.
    if given.iter().any(|(name, value)| !value.is_null() && !is_known(name)) {
        let agent = given.get("agent").and_then(Value::as_str).map(echoed);
        let unknown = given.into_iter().filter(|(name, value)| !value.is_null() && !is_known(name)).collect();
        return Err(ArgumentError::Unknown { tool: place.to_owned(), given: unknown, agent });
    }
    let mut read = JsonObject::new();
    for parameter in parameters {
        match given.remove(parameter.name) {
            None | Some(Value::Null) if parameter.required => {
                let required = parameters.iter().filter(|parameter| parameter.required);
                let required = required.map(|parameter| parameter.name).collect::<Vec<_>>().join(", ");
                return Err(ArgumentError::Missing { tool: place.to_owned(), name: parameter.name, required });
            }
            None | Some(Value::Null) => {}
            Some(value) => {
                let value = coerce(parameter, value).map_err(|value| ArgumentError::Kind {
                    tool: place.to_owned(),
                    name: parameter.name,
                    wanted: wanted(parameter.kind),
                    given: quoted(parameter.kind, &value),
                })?;
                read.insert(parameter.name.to_owned(), value);
            }
        }
    }
    Ok(Value::Object(read))
}

/// The beginning of a wrong value; of JSON that cannot be read also where that begins.
fn quoted(kind: Kind, value: &Value) -> String {
    let quoted = value.to_string().chars().take(QUOTE_CHARS).collect::<String>();
    match (kind, value) {
        (Kind::Items, Value::String(text)) => match serde_json::from_str::<Value>(text) {
            Err(error) => format!("{quoted} (no JSON: {error})"),
            Ok(_) => quoted,
        },
        _ => quoted,
    }
}

const fn wanted(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Integer => "a whole number",
        Kind::Number => "a number",
        Kind::Flag => "true or false",
        Kind::Names => "names, as an array or separated by commas",
        Kind::Items => "an array of objects, or the JSON text of one",
        Kind::Schema => "a JSON Schema object, or the name of one of the agent's",
    }
}

/// The value in its parameter's kind, or the value itself where it cannot be one.
fn coerce(parameter: &Parameter, value: Value) -> Result<Value, Value> {
    match parameter.kind {
        Kind::Text => match value {
            Value::String(_) => Ok(value),
            Value::Number(_) | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Ok(value.to_string().into()),
            Value::Null => Err(value),
        },
        Kind::Integer => whole_number(&value).map(Value::from).ok_or(value),
        Kind::Number => number(&value).and_then(Number::from_f64).map(Value::Number).ok_or(value),
        Kind::Flag => flag(&value).map(Value::Bool).ok_or(value),
        Kind::Names => names(&value).ok_or(value),
        Kind::Items => items(value),
        Kind::Schema => schema(&value).ok_or(value),
    }
}

/// Whole numbers also as text and as floats without a fraction. What is beyond 64 bits stays at their end: every
/// parameter is clamped to far less or refused by its own bounds.
fn whole_number(value: &Value) -> Option<i64> {
    let number = match value {
        Value::String(text) => match text.trim().parse::<i64>() {
            Ok(number) => return Some(number),
            Err(_) => text.trim().parse::<f64>().ok()?,
        },
        Value::Number(number) => match number.as_i64() {
            Some(number) => return Some(number),
            None => number.as_f64()?,
        },
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    // The cast saturates, which is the rule above.
    #[expect(clippy::cast_possible_truncation, reason = "saturation is wanted")]
    (number.is_finite() && number.fract() == 0.0).then_some(number as i64)
}

fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::String(text) => text.trim().parse::<f64>().ok()?,
        Value::Number(number) => number.as_f64()?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    number.is_finite().then_some(number)
}

fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) if number.as_f64() == Some(0.0) => Some(false),
        Value::Number(number) if number.as_f64() == Some(1.0) => Some(true),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Some(true),
            "false" | "no" | "0" | "" => Some(false),
            _ => None,
        },
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// An object, also as text; else a name.
fn schema(value: &Value) -> Option<Value> {
    match value {
        Value::Object(_) => Some(value.clone()),
        Value::String(text) if text.trim_start().starts_with('{') => serde_json::from_str(text).ok(),
        Value::String(name) if name.trim().is_empty() => Some(Value::Null),
        Value::String(name) => Some(name.trim().into()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}

/// Names as text or as an array, also as the text of one.
fn names(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) => match serde_json::from_str::<Vec<String>>(text) {
            Ok(names) => Some(Value::from(names)),
            Err(_) => Some(value.clone()),
        },
        Value::Array(names) => names.iter().all(Value::is_string).then(|| value.clone()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

/// Items as an array, also as the text of one, also as the text of a text of one.
fn items(value: Value) -> Result<Value, Value> {
    match value {
        Value::Array(_) => Ok(value),
        Value::String(ref text) => match serde_json::from_str::<Value>(text) {
            Ok(Value::String(inner)) => match serde_json::from_str::<Vec<Value>>(&inner) {
                Ok(items) => Ok(Value::Array(items)),
                Err(_) => Err(value),
            },
            Ok(array @ Value::Array(_)) => Ok(array),
            Ok(_) | Err(_) => Err(value),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Err(value),
    }
}
