//! Numbers by their values: `1` and `1.0` are one, `-0.0` is 0, and whole ones are exact where floats are too coarse.

use std::cmp::Ordering;

use serde_json::Number;

/// The order of two numbers by their values, however they are written.
pub(super) fn compare(a: &Number, b: &Number) -> Ordering {
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        // JSON has no value that cannot be compared.
        _ => float(a).partial_cmp(&float(b)).unwrap_or(Ordering::Equal),
    }
}

/// A whole number, also one that is written as `1.0`; nothing where it is none, or is beyond an `i128`.
#[expect(clippy::cast_possible_truncation, reason = "only whole floats within the range are converted")]
pub(super) fn whole(number: &Number) -> Option<i128> {
    /// 2^126: every whole float below it is an i128.
    const LIMIT: f64 = 85_070_591_730_234_615_865_843_651_857_942_052_864.0;
    number.as_i128().or_else(|| number.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < LIMIT).map(|f| f as i128))
}

fn float(number: &Number) -> f64 {
    number.as_f64().unwrap_or(f64::NAN)
}
