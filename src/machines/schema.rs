//! JSON Schemas of answers: checked before anything is paid for, and held against what came.
//!
//! A validator of our own, because no kept one fits: those that were measured add 2.2 and 4 MB to a program of 5 MB, and
//! none of them bounds its work. Here every step costs fuel and every level is counted, so that no schema and no answer,
//! however they were made, hang or overflow anything. What is understood is the vocabulary of draft 2020-12 and of the
//! drafts 7 and 2019-09, save for what needs other documents or a view of the whole evaluation (`$anchor`, `$dynamicRef`,
//! `unevaluatedProperties` and the like); that is refused with its place instead of being passed over.

mod check;
mod keywords;
mod number;
mod same;
mod validate;

use std::collections::BTreeMap;
use std::fmt;

use regex_lite::Regex;
use serde_json::Value;

use super::text;
pub use check::Flaw;

/// Longest schema, in bytes of its compact JSON: half of what one argument of the CLI can carry, and it stands in the
/// prompt once more.
pub const MAX_BYTES: usize = 64 * 1024;
/// Most levels of a schema. The claude CLI, other parsers and people get lost far earlier.
pub const MAX_LEVELS: usize = 64;
/// Most violations that are told; whoever mends an answer mends its first mistakes first.
pub const MAX_VIOLATIONS: usize = 10;

/// A schema that is no schema, or none that can be used: where (a JSON pointer) and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at {}: {flaw}", shown_place(at))]
pub struct SchemaError {
    /// JSON pointer to the place; empty for the whole.
    pub at: String,
    /// What is wrong there.
    pub flaw: Flaw,
}

/// A way in which an answer misses its schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// JSON pointer into the answer; empty for the whole.
    pub at: String,
    /// What is wrong there.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}: {}", shown_place(&self.at), self.what)
    }
}

/// A schema that can be used.
#[derive(Debug, Clone)]
pub struct Schema {
    value: Value,
    patterns: BTreeMap<String, Regex>,
}

impl Schema {
    /// Checks a schema through and through.
    ///
    /// # Errors
    /// [`SchemaError`] for the first flaw.
    pub fn new(value: Value) -> Result<Self, SchemaError> {
        let patterns = check::check(&value)?;
        Ok(Self { value, patterns })
    }

    /// The schema as it was given.
    #[must_use]
    pub const fn value(&self) -> &Value {
        &self.value
    }

    /// Holds a value against the schema.
    ///
    /// # Errors
    /// The first ways in which it misses, at least one; also when it would take too long to find out.
    pub fn validate(&self, value: &Value) -> Result<(), Vec<Violation>> {
        let violations = validate::violations(&self.value, &self.patterns, value);
        if violations.is_empty() { Ok(()) } else { Err(violations) }
    }
}

/// The schema as the CLI is given it; `None` where it has no use for it: the API takes only objects for what a tool is
/// given, without alternatives at the top, and the CLI's own validator knows draft 7 and refuses, or in older versions
/// drops without a word, what it does not know. The schema stands in the prompt then, and the answer is checked here.
#[must_use]
pub fn for_cli(schema: &Value) -> Option<String> {
    const AT_THE_TOP: [&str; 5] = ["$ref", "anyOf", "oneOf", "allOf", "not"];
    let top = schema.as_object()?;
    let is_object = top.get("type").and_then(Value::as_str) == Some("object");
    if !is_object || AT_THE_TOP.iter().any(|key| top.contains_key(*key)) || !check::is_draft_7(schema) {
        return None;
    }
    let mut top = top.clone();
    top.shift_remove("$schema");
    Some(Value::Object(top).to_string()).filter(|schema| text::first_control(schema, &[]).is_none())
}

fn shown_place(at: &str) -> &str {
    if at.is_empty() { "the top" } else { at }
}

/// A value as it stands in a message.
fn shown(value: &Value) -> String {
    /// Enough to recognise it.
    const MAX_CHARS: usize = 60;
    match value {
        Value::Array(items) => format!("an array of {}", items.len()),
        Value::Object(entries) => format!("an object of {}", entries.len()),
        Value::String(said) => text::quoted(text::first_chars(said, MAX_CHARS)),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// The pointer to what stands below `at`.
fn below(at: &str, key: &str) -> String {
    format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"))
}
