//! Lenient scalars: what a person writes for a number or a switch, read as what they mean.
//!
//! The checks are part of the deserialization, so that the parser knows the line and column of a bad value.
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

use super::settings::MAX_TIMEOUT_SECONDS;

/// A whole number of at least `MIN`; a larger one than `MAX` is read as `MAX`. Accepts `5`, `5.0`, `"5"`, `1_000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whole<const MIN: u64, const MAX: u64>(pub u64);

/// A length of time in seconds, of at least `MIN` and at most a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seconds<const MIN: u64>(pub u64);

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

/// A number in any of the forms it is written in; `T` is made from it by the check.
struct NumberVisitor<T> {
    expected: &'static str,
    check: fn(f64) -> Result<T, String>,
    /// The number that a text means which is none.
    meant: fn(&str) -> Option<String>,
}

impl<T> NumberVisitor<T> {
    fn checked<E: Error>(&self, value: f64) -> Result<T, E> {
        (self.check)(value).map_err(|found| E::custom(format_args!("expected {}, found {found}", self.expected)))
    }
}

impl<T> Visitor<'_> for NumberVisitor<T> {
    type Value = T;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.expected)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        self.checked(value as f64)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        self.checked(value as f64)
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<T, E> {
        self.checked(value as f64)
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<T, E> {
        self.checked(value as f64)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        self.checked(value)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<T, E> {
        match (parse_number(value), (self.meant)(value)) {
            (Some(number), _) => self.checked(number),
            (None, Some(meant)) => {
                Err(E::custom(format_args!("expected {}, found `{}`; write `{meant}`", self.expected, value.trim())))
            }
            (None, None) => Err(E::invalid_type(Unexpected::Str(value), &self)),
        }
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Whole<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let expected = if MIN == 0 { "a whole number, 0 or more" } else { "a whole number, 1 or more" };
        let check = |value: f64| {
            if value.is_finite() && value.fract() == 0.0 && value >= MIN as f64 {
                // A conversion from float saturates, so that a huge value becomes MAX.
                Ok(Self((value as u64).min(MAX)))
            } else {
                Err(value.to_string())
            }
        };
        source.deserialize_any(NumberVisitor { expected, check, meant: |_| None })
    }
}

impl<'de, const MIN: u64> Deserialize<'de> for Seconds<MIN> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let expected =
            if MIN == 0 { "a whole number of seconds, 0 or more" } else { "a whole number of seconds, 1 or more" };
        let check = |value: f64| {
            if value.is_finite() && value.fract() == 0.0 && value >= MIN as f64 {
                Ok(Self((value as u64).min(MAX_TIMEOUT_SECONDS)))
            } else {
                Err(value.to_string())
            }
        };
        let meant = |text: &str| seconds_meant(text).map(|seconds| seconds.to_string());
        source.deserialize_any(NumberVisitor { expected, check, meant })
    }
}

impl<'de> Deserialize<'de> for Dollars {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let check = |value: f64| {
            if value.is_finite() && value >= 0.0 { Ok(Self(value)) } else { Err(value.to_string()) }
        };
        let expected = "an amount in dollars, 0 or more";
        source.deserialize_any(NumberVisitor { expected, check, meant: dollars_meant })
    }
}

struct FlagVisitor;

impl Visitor<'_> for FlagVisitor {
    type Value = Flag;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("true or false")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Flag, E> {
        Ok(Flag(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Flag, E> {
        match value {
            0 => Ok(Flag(false)),
            1 => Ok(Flag(true)),
            other => Err(E::invalid_value(Unexpected::Unsigned(other), &self)),
        }
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Flag, E> {
        match value.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "y" | "on" | "t" | "1" => Ok(Flag(true)),
            "false" | "no" | "n" | "off" | "f" | "0" => Ok(Flag(false)),
            _ => Err(E::invalid_value(Unexpected::Str(value), &self)),
        }
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(FlagVisitor)
    }
}
