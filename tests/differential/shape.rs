//! What of an answer is compared.

use std::fmt;

use serde_json::Value;

/// Worded freely, or different from run to run: only the kind of value is compared.
const FREE: [&str; 20] = [
    "error",
    "hint",
    "message",
    "warning",
    "remedy",
    "created_at",
    "started_at",
    "completed_at",
    "progress_updated_at",
    "duration_ms",
    "total_duration_ms",
    "median_ms",
    "p90_ms",
    "max_ms",
    "median_seconds",
    "p90_seconds",
    "id",
    "job_id",
    "session_id",
    "ref",
];

/// A place where two answers differ.
#[derive(Debug)]
pub struct Difference {
    /// A JSON pointer; `#` stands for the number of items.
    pub path: String,
    ours: String,
    theirs: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ours {}, theirs {}", self.path, self.ours, self.theirs)
    }
}

/// All places where the two differ.
pub fn differences(ours: &Value, theirs: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    walk("", "", Some(ours), Some(theirs), &mut found);
    found
}

fn walk(path: &str, key: &str, ours: Option<&Value>, theirs: Option<&Value>, found: &mut Vec<Difference>) {
    match (ours, theirs) {
        (Some(Value::Object(ours)), Some(Value::Object(theirs))) => {
            let more = theirs.keys().filter(|key| !ours.contains_key(*key));
            for key in ours.keys().chain(more) {
                walk(&format!("{path}/{key}"), key, ours.get(key), theirs.get(key), found);
            }
        }
        (Some(Value::Array(ours)), Some(Value::Array(theirs))) => {
            if ours.len() != theirs.len() {
                return found.push(Difference {
                    path: format!("{path}/#"),
                    ours: Value::from(ours.clone()).to_string(),
                    theirs: Value::from(theirs.clone()).to_string(),
                });
            }
            for (number, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                walk(&format!("{path}/{number}"), "", Some(ours), Some(theirs), found);
            }
        }
        (Some(ours), Some(theirs)) if FREE.contains(&key) && kind(ours) == kind(theirs) => {}
        (Some(ours), Some(theirs)) if alike(ours, theirs) => {}
        (ours, theirs) => {
            let shown = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), Value::to_string);
            found.push(Difference { path: path.to_owned(), ours: shown(ours), theirs: shown(theirs) });
        }
    }
}

/// A number is one number however it is written.
fn alike(ours: &Value, theirs: &Value) -> bool {
    match (ours.as_f64(), theirs.as_f64()) {
        (Some(ours), Some(theirs)) => (ours - theirs).abs() <= f64::EPSILON * ours.abs().max(1.0),
        _ => ours == theirs,
    }
}

const fn kind(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}
