//! Lenient scalars: what a person writes for a number or a switch, read as what they mean.
//!
//! The checks are part of the deserialization, so that the parser knows the line and column of a bad value.
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// A whole number of at least `MIN`; a larger one than `MAX` is read as `MAX`. Accepts `5`, `5.0`, `"5"`, `1_000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whole<const MIN: u64, const MAX: u64>(pub u64);

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

/// A number in any of the forms it is written in; `T` is made from it by the check.
struct NumberVisitor<T> {
    expected: &'static str,
    check: fn(f64) -> Result<T, String>,
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
        let number = parse_number(value).ok_or_else(|| E::invalid_type(Unexpected::Str(value), &self))?;
        self.checked(number)
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
        source.deserialize_any(NumberVisitor { expected, check })
    }
}

impl<'de> Deserialize<'de> for Dollars {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let check = |value: f64| {
            if value.is_finite() && value >= 0.0 { Ok(Self(value)) } else { Err(value.to_string()) }
        };
        source.deserialize_any(NumberVisitor { expected: "an amount in dollars, 0 or more", check })
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
