//! Two shapes of values in agents.yaml and in arguments, checked while they are read, so that the parser knows the place
//! of a mistake: scalars, and lists of checked elements.
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};

/// Why a value is refused.
pub(super) enum Refusal {
    /// It is of another type than what is expected.
    Type,
    /// It is of the right type, but not what is expected.
    Value,
    /// For this reason.
    Because(String),
}

/// A scalar, or what stands in its place. Pass it to the method of the deserializer that reads scalars in the wanted
/// way: `deserialize_str` keeps the text of numbers, `deserialize_any` their type.
pub(super) struct Scalar<T> {
    /// What a person would call it in an error.
    pub expected: &'static str,
    /// Takes or refuses what was found.
    pub check: fn(Unexpected<'_>) -> Result<T, Refusal>,
}

impl<T> Scalar<T> {
    fn checked<E: Error>(&self, found: Unexpected<'_>, shown: Unexpected<'_>) -> Result<T, E> {
        (self.check)(found).map_err(|refusal| match refusal {
            Refusal::Type => E::invalid_type(shown, &self.expected),
            Refusal::Value => E::invalid_value(shown, &self.expected),
            Refusal::Because(reason) => E::custom(reason),
        })
    }
}

impl<'de, T> Visitor<'de> for Scalar<T> {
    type Value = T;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.expected)
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        self.checked(Unexpected::Unit, Unexpected::Unit)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<T, E> {
        self.checked(Unexpected::Bool(value), Unexpected::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        self.checked(Unexpected::Signed(value), Unexpected::Signed(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        self.checked(Unexpected::Unsigned(value), Unexpected::Unsigned(value))
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<T, E> {
        self.checked(Unexpected::Float(value as f64), Unexpected::Other(&format!("integer `{value}` as i128")))
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<T, E> {
        self.checked(Unexpected::Float(value as f64), Unexpected::Other(&format!("integer `{value}` as u128")))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        self.checked(Unexpected::Float(value), Unexpected::Float(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<T, E> {
        self.checked(Unexpected::Str(value), Unexpected::Str(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<T, A::Error> {
        self.checked(Unexpected::Seq, Unexpected::Seq)
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<T, A::Error> {
        self.checked(Unexpected::Map, Unexpected::Map)
    }
}

/// The number in a scalar; nothing in one of another type.
pub(super) fn number(found: Unexpected<'_>) -> Option<f64> {
    match found {
        Unexpected::Signed(value) => Some(value as f64),
        Unexpected::Unsigned(value) => Some(value as f64),
        Unexpected::Float(value) => Some(value),
        _ => None,
    }
}

/// A list; `expected` is what a person would call it in an error, `take` makes its elements of those that are read.
pub(super) fn list<'de, D, T, U>(
    source: D,
    expected: &'static str,
    take: fn(T) -> Result<U, &'static str>,
) -> Result<Vec<U>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    source.deserialize_seq(List { expected, take })
}

struct List<T, U> {
    expected: &'static str,
    take: fn(T) -> Result<U, &'static str>,
}

impl<'de, T: Deserialize<'de>, U> Visitor<'de> for List<T, U> {
    type Value = Vec<U>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.expected)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<U>, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            elements.push((self.take)(element).map_err(A::Error::custom)?);
        }
        Ok(elements)
    }
}
