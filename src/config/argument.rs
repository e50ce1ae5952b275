//! Lenient argument values: numbers given as text, lists given as comma-separated text.
use std::fmt;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserialize, Deserializer, SeqAccess, Unexpected, Visitor};

use super::number::parse_number;
use super::shapes::{Refusal, Scalar, number};

/// A number that may be given as text; null and empty text are "not given". Not checked any further.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Amount(pub Option<f64>);

/// A list of words that may be given as comma-separated text. `None` is "not given": nothing, null or blank text. The empty
/// list is given as `[]`. Words are trimmed and never empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words(pub Option<Vec<String>>);

impl Words {
    /// Splits at commas that are not within parentheses: `Read, Bash(echo a, b)` is two words. A JSON array of texts is
    /// taken as one, so that `[]` is the empty list.
    pub fn from_text(text: &str) -> Self {
        if let Ok(words) = serde_json::from_str::<Vec<String>>(text) {
            return Self::from_list(words);
        }
        let mut depth = 0usize;
        let separates = |letter: char| {
            match letter {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            letter == ',' && depth == 0
        };
        Self::from_list(text.split(separates).map(str::to_owned).collect())
    }

    /// Takes each text as one word.
    pub fn from_list(words: Vec<String>) -> Self {
        let given_empty = words.is_empty();
        let trimmed = words.into_iter().map(|word| word.trim().to_owned());
        let words: Vec<String> = trimmed.filter(|word| !word.is_empty()).collect();
        // A list of blanks says no more than blank text does.
        Self((given_empty || !words.is_empty()).then_some(words))
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let check = |found: Unexpected<'_>| match found {
            Unexpected::Unit => Ok(Self(None)),
            Unexpected::Str(text) if text.trim().is_empty() => Ok(Self(None)),
            Unexpected::Str(text) => parse_number(text).map(|number| Self(Some(number))).ok_or(Refusal::Value),
            other => number(other).map(|number| Self(Some(number))).ok_or(Refusal::Type),
        };
        source.deserialize_any(Scalar { expected: "a number", check })
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(WordsVisitor)
    }
}

struct WordsVisitor;

impl<'de> Visitor<'de> for WordsVisitor {
    type Value = Words;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of texts, or one text with commas")
    }

    fn visit_unit<E>(self) -> Result<Words, E> {
        Ok(Words::default())
    }

    fn visit_str<E>(self, value: &str) -> Result<Words, E> {
        Ok(Words::from_text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Words, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Words::from_list)
    }
}
