//! Lenient scalars: what a person writes for a number or a switch, read as what they mean.
//!
//! The checks are part of the deserialization, so that the parser knows the line and column of a bad value.
use serde::de::{Deserialize, Deserializer, Unexpected};

use super::settings::MAX_TIMEOUT_SECONDS;
use super::shapes::{Refusal, Scalar, number};

/// A whole number of at least `MIN`; a larger one than `MAX` is read as `MAX`. Accepts `5`, `5.0`, `"5"`, `1_000`; with
/// `SECONDS` it is a length of time, and the error for `5m` tells the number to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whole<const MIN: u64, const MAX: u64, const SECONDS: bool = false>(pub u64);

/// A length of time in seconds, of at least `MIN` and at most a year.
pub(super) type Seconds<const MIN: u64> = Whole<MIN, MAX_TIMEOUT_SECONDS, true>;

/// An amount of US dollars: finite and not negative. Accepts `1`, `1.5`, `"1.5"`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Dollars(pub f64);

/// A switch. Accepts YAML 1.1 spellings too (`yes`, `off`, …), which other readers of this file understand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flag(pub bool);

/// Reads a number that a person wrote as text.
pub(super) fn parse_number(text: &str) -> Option<f64> {
    let text = text.trim();
    // Rust reads "inf" and "nan" as numbers; as text from a person they are none.
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-._eE".contains(&byte));
    if !plain || text.starts_with('_') || text.ends_with('_') {
        return None;
    }
    text.replace('_', "").parse().ok()
}

/// Seconds in a minute and in an hour.
const MINUTE: f64 = 60.0;
const HOUR: f64 = 60.0 * MINUTE;

/// The seconds that a length of time means, which is written with a unit (`5m`, `1h30m`, `90 sec`) or as a clock has it
/// (`5:00`). Nothing for any other text.
pub fn seconds_meant(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let total = if text.contains(':') {
        let parts: Vec<f64> = text.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
        if parts.len() > 3 || parts.iter().any(|part| *part < 0.0) {
            return None;
        }
        parts.iter().fold(0.0, |total, part| total * MINUTE + part)
    } else {
        let mut total = 0.0;
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
            let number: f64 = rest[..digits].parse().ok()?;
            let after = rest[digits..].trim_start();
            let letters = after.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(after.len());
            total += number
                * match &after[..letters] {
                    "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
                    "m" | "min" | "mins" | "minute" | "minutes" => MINUTE,
                    "h" | "hr" | "hrs" | "hour" | "hours" => HOUR,
                    _ => return None,
                };
            rest = after[letters..].trim_start();
        }
        total
    };
    // The cast is exact for a whole number of that size.
    (total.is_finite() && total > 0.0 && total.fract() == 0.0 && total <= MAX_TIMEOUT_SECONDS as f64)
        .then_some(total as u64)
}

/// The amount that is meant where a currency stands beside it or a comma is in the place of the point.
pub fn dollars_meant(text: &str) -> Option<String> {
    let bare = text.trim().to_ascii_lowercase();
    let bare =
        bare.trim_start_matches("us").trim_matches('$').trim_end_matches("usd").trim_end_matches("dollars").trim();
    let decimal = bare.split_once(',').filter(|(_, cents)| (1..=2).contains(&cents.len()));
    let plain = decimal.map_or_else(|| bare.to_owned(), |(dollars, cents)| format!("{dollars}.{cents}"));
    let digits = plain.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    (digits && plain != text.trim() && parse_number(&plain).is_some()).then_some(plain)
}

/// Takes a number, or a text that is one, if it is right. `meant` tells which number another text means.
fn taken<T>(
    found: Unexpected<'_>,
    expected: &str,
    take: impl Fn(f64) -> Option<T>,
    meant: impl Fn(&str) -> Option<String>,
) -> Result<T, Refusal> {
    let value = match found {
        Unexpected::Str(text) => match (parse_number(text), meant(text)) {
            (Some(value), _) => value,
            (None, Some(meant)) => {
                let reason = format!("expected {expected}, found `{}`; write `{meant}`", text.trim());
                return Err(Refusal::Because(reason));
            }
            (None, None) => return Err(Refusal::Type),
        },
        other => number(other).ok_or(Refusal::Type)?,
    };
    take(value).ok_or_else(|| Refusal::Because(format!("expected {expected}, found {value}")))
}

impl<'de, const MIN: u64, const MAX: u64, const SECONDS: bool> Deserialize<'de> for Whole<MIN, MAX, SECONDS> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        const fn expected(min: u64, seconds: bool) -> &'static str {
            match (seconds, min) {
                (false, 0) => "a whole number, 0 or more",
                (false, _) => "a whole number, 1 or more",
                (true, 0) => "a whole number of seconds, 0 or more",
                (true, _) => "a whole number of seconds, 1 or more",
            }
        }
        let check = |found: Unexpected<'_>| {
            let is_whole = |value: &f64| value.is_finite() && value.fract() == 0.0 && *value >= MIN as f64;
            // A conversion from float saturates, so that a huge value becomes `MAX`.
            let take = |value: f64| Some(value).filter(is_whole).map(|value| Self((value as u64).min(MAX)));
            let meant = |text: &str| seconds_meant(text).filter(|_| SECONDS).map(|seconds| seconds.to_string());
            taken(found, expected(MIN, SECONDS), take, meant)
        };
        source.deserialize_any(Scalar { expected: expected(MIN, SECONDS), check })
    }
}

impl<'de> Deserialize<'de> for Dollars {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        const EXPECTED: &str = "an amount in dollars, 0 or more";
        let check = |found: Unexpected<'_>| {
            let amount = |value: f64| (value.is_finite() && value >= 0.0).then_some(Self(value));
            taken(found, EXPECTED, amount, dollars_meant)
        };
        source.deserialize_any(Scalar { expected: EXPECTED, check })
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let check = |found: Unexpected<'_>| match found {
            Unexpected::Bool(value) => Ok(Self(value)),
            Unexpected::Unsigned(value) if value <= 1 => Ok(Self(value == 1)),
            Unexpected::Str(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "yes" | "y" | "on" | "t" | "1" => Ok(Self(true)),
                "false" | "no" | "n" | "off" | "f" | "0" => Ok(Self(false)),
                _ => Err(Refusal::Value),
            },
            Unexpected::Unsigned(_) => Err(Refusal::Value),
            _ => Err(Refusal::Type),
        };
        source.deserialize_any(Scalar { expected: "true or false", check })
    }
}
