//! Comparisons that look at one keyword and one value.

use std::collections::BTreeSet;

use serde_json::{Map, Number, Value};

use super::super::keywords::{TYPES, count};
use super::super::number::{compare, whole};
use super::super::shown;
use super::Found;

/// The names that an object must have and has not.
pub(super) fn missing(names: &Value, entries: &Map<String, Value>, at: &str, found: &mut Found) {
    let names = names.as_array().into_iter().flatten().filter_map(Value::as_str);
    for name in names.filter(|name| !entries.contains_key(*name)) {
        found.add(at, format!("the entry {} is missing", shown(&Value::from(name))));
    }
}

/// `min…` and `max…` of lengths.
pub(super) fn bounds(keyword: &str, argument: &Value, has: u64, of: &str, at: &str, found: &mut Found) {
    let Some(bound) = count(argument) else { return };
    if keyword.starts_with("min") && has < bound {
        found.add(at, format!("must have at least {bound} {of}, has {has}"));
    } else if keyword.starts_with("max") && has > bound {
        found.add(at, format!("must have at most {bound} {of}, has {has}"));
    }
}

/// Bounds of numbers.
pub(super) fn numbers(keyword: &str, argument: &Value, number: &Number, at: &str, found: &mut Found) {
    let Value::Number(bound) = argument else { return };
    let order = compare(number, bound);
    let (holds, word) = match keyword {
        "minimum" => (order.is_ge(), "at least"),
        "maximum" => (order.is_le(), "at most"),
        "exclusiveMinimum" => (order.is_gt(), "more than"),
        "exclusiveMaximum" => (order.is_lt(), "less than"),
        "multipleOf" => (is_multiple(number, bound), "a multiple of"),
        _ => return,
    };
    if !holds {
        found.add(at, format!("must be {word} {bound}, is {number}"));
    }
}

/// Whether one is a multiple of the other, as the decimals that they are written as: a quotient of floats is whole for every
/// large number.
fn is_multiple(number: &Number, of: &Number) -> bool {
    if let (Some(number), Some(of)) = (whole(number), whole(of)) {
        return of != 0 && number % of == 0;
    }
    let (Some((digits, power)), Some((of, of_power))) = (decimal(number), decimal(of)) else { return false };
    let shift = power - of_power;
    if shift < 0 {
        let scaled = 10_u128.checked_pow(shift.unsigned_abs()).and_then(|scale| of.checked_mul(scale));
        return scaled.map_or(digits == 0, |of| digits.is_multiple_of(of));
    }
    // Both factors are below 2^64, so that no product overflows.
    let (mut rest, mut factor, mut shift) = (digits % of, 10 % of, shift);
    while shift > 0 {
        if shift % 2 == 1 {
            rest = rest * factor % of;
        }
        factor = factor * factor % of;
        shift /= 2;
    }
    rest == 0
}

/// Its digits, a number below 2^64, and the power of ten that they are to be multiplied with. The sign says nothing here.
fn decimal(number: &Number) -> Option<(u128, i32)> {
    let text = number.to_string();
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{}{fraction}", whole.trim_start_matches('-')).parse::<u64>().ok()?;
    Some((u128::from(digits), power.parse::<i32>().ok()? - i32::try_from(fraction.len()).ok()?))
}

/// Whether the value is of one of these types.
pub(super) fn is_of(types: &Value, value: &Value) -> bool {
    match types {
        Value::Array(types) => types.iter().any(|each| is_of(each, value)),
        name => match name.as_str().unwrap_or_default() {
            "integer" => count_like(value),
            "number" => value.is_number(),
            other => other == type_of(value),
        },
    }
}

/// Whether it is a whole number, also written as `1.0`.
fn count_like(value: &Value) -> bool {
    value.as_number().is_some_and(|number| {
        number.as_i128().is_some() || number.as_f64().is_some_and(|float| float.is_finite() && float.fract() == 0.0)
    })
}

const fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => TYPES[0],
        Value::Bool(_) => TYPES[1],
        Value::Object(_) => TYPES[2],
        Value::Array(_) => TYPES[3],
        Value::Number(_) => TYPES[4],
        Value::String(_) => TYPES[6],
    }
}

/// The types, for a message.
pub(super) fn one_of_types(types: &Value) -> String {
    let names: BTreeSet<&str> = match types {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
        name => name.as_str().into_iter().collect(),
    };
    names.into_iter().collect::<Vec<_>>().join(" or ")
}

/// The length of a list of schemas, if there is one.
pub(super) fn length_of(schemas: Option<&Value>) -> usize {
    schemas.and_then(Value::as_array).map_or(0, Vec::len)
}
