//! Lenient argument values: numbers given as text, lists given as comma-separated text.
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Unexpected, Visitor};

use super::number::parse_number;

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
        let mut words = vec![String::new()];
        let mut depth = 0usize;
        for letter in text.chars() {
            match letter {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                ',' if depth == 0 => {
                    words.push(String::new());
                    continue;
                }
                _ => {}
            }
            if let Some(word) = words.last_mut() {
                word.push(letter);
            }
        }
        Self::from_list(words)
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
        source.deserialize_any(AmountVisitor)
    }
}

struct AmountVisitor;

impl Visitor<'_> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a number")
    }

    fn visit_unit<E>(self) -> Result<Amount, E> {
        Ok(Amount(None))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Amount, E> {
        Ok(Amount(Some(value as f64)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Amount, E> {
        Ok(Amount(Some(value as f64)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Amount, E> {
        Ok(Amount(Some(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Amount, E> {
        if value.trim().is_empty() {
            return Ok(Amount(None));
        }
        let number = parse_number(value).ok_or_else(|| E::invalid_value(Unexpected::Str(value), &self))?;
        Ok(Amount(Some(number)))
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

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Words, A::Error> {
        let mut words = Vec::new();
        while let Some(word) = seq.next_element::<String>()? {
            words.push(word);
        }
        Ok(Words::from_list(words))
    }
}
