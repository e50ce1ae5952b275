//! Where a key stands in the text. The parser tells positions only in errors, so the search ends with one.
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::problem;

/// Line and column, from 1, of the last key that has this path. Elements of lists are numbered from 0.
pub(super) fn key<S: AsRef<str>>(text: &str, path: &[S]) -> Option<(u32, u32)> {
    let path: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
    let look = |fail_at: Option<usize>| {
        let search = Search { seen: Cell::new(0), fail_at };
        let found = Value { search: &search, path: &path }.deserialize(serde_yaml::Deserializer::from_str(text));
        (search.seen.get(), found.err())
    };
    // The first search counts the keys, the second one fails at the last of them.
    let (count, _) = look(None);
    let (_, error) = look(Some(count.checked_sub(1)?));
    let place = problem::of(&error?);
    place.line.zip(place.column)
}

struct Search {
    /// How many keys with the whole path came so far.
    seen: Cell<usize>,
    /// Which of them, from 0, ends the search.
    fail_at: Option<usize>,
}

/// A value in which the rest of the path is looked for.
#[derive(Clone, Copy)]
struct Value<'a> {
    search: &'a Search,
    path: &'a [&'a str],
}

/// A key of such a value. Yields whether it is the next one of the path; fails on the one that is looked for.
struct Key<'a>(Value<'a>);

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a mapping or a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(is_next) = map.next_key_seed(Key(self))? {
            if is_next {
                map.next_value_seed(Value { path: self.path.get(1..).unwrap_or_default(), ..self })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let wanted: Option<usize> = self.path.first().and_then(|index| index.parse().ok());
        for index in 0usize.. {
            let more = if Some(index) == wanted && self.path.len() > 1 {
                seq.next_element_seed(Value { path: &self.path[1..], ..self })?.is_some()
            } else {
                seq.next_element::<IgnoredAny>()?.is_some()
            };
            if !more {
                break;
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<bool, D::Error> {
        source.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = bool;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<bool, E> {
        let Value { search, path } = self.0;
        if path.first() != Some(&key) {
            return Ok(false);
        }
        if path.len() > 1 {
            return Ok(true);
        }
        let number = search.seen.replace(search.seen.get() + 1);
        if Some(number) == search.fail_at { Err(E::custom("found")) } else { Ok(false) }
    }
}
