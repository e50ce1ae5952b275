//! When two JSON values are equal: `1` equals `1.0`, and the order of an object's entries does not matter.

use std::fmt::Write as _;

use serde_json::{Number, Value};

/// Whether two values are the same.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => same_number(a, b),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

fn same_number(a: &Number, b: &Number) -> bool {
    matches!((exact(a), exact(b)), (Some(a), Some(b)) if a == b)
}

/// A number by its value, however it is written.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Exact {
    Whole(i128),
    /// With a fraction, or beyond all that are written without one.
    Float(f64),
}

/// `None` for what is neither, of which there is none here.
fn exact(number: &Number) -> Option<Exact> {
    /// Beyond what any number without a fraction or exponent can be, and every whole float below it is an `i128`.
    const LIMIT: f64 = 1e30;
    if let Some(whole) = number.as_i128() {
        return Some(Exact::Whole(whole));
    }
    let float = number.as_f64()?;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and within the limit")]
    let exact =
        if float.fract() == 0.0 && float.abs() < LIMIT { Exact::Whole(float as i128) } else { Exact::Float(float) };
    Some(exact)
}

/// A text that two values share exactly when they are the same.
pub(super) fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write_canonical(value, &mut text);
    text
}

fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Number(number) => {
            let _ = match exact(number) {
                Some(Exact::Whole(whole)) => write!(text, "{whole}"),
                Some(Exact::Float(float)) => write!(text, "{float}"),
                None => write!(text, "{number}"),
            };
        }
        Value::Array(items) => {
            text.push('[');
            for item in items {
                write_canonical(item, text);
                text.push(',');
            }
            text.push(']');
        }
        Value::Object(entries) => {
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            text.push('{');
            for (key, entry) in entries {
                let _ = write!(text, "{key:?}:");
                write_canonical(entry, text);
                text.push(',');
            }
            text.push('}');
        }
        Value::String(said) => {
            let _ = write!(text, "{said:?}");
        }
        Value::Null | Value::Bool(_) => {
            let _ = write!(text, "{value}");
        }
    }
}
