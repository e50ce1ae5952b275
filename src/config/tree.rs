//! The file as a plain tree, with order, repeated keys and tags kept: what two texts must agree on to mean the same.
use std::cell::Cell;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::model::Problem;
use super::problem::{self, located, too_deep};

/// Largest tree that is built, in bytes of text plus [`NODE_WEIGHT`] for each node. A file of the largest size that
/// is read stays below it; only aliases that repeat large parts (an "alias bomb") go beyond.
const MAX_WEIGHT: usize = 64 * 1024 * 1024;
/// What one node counts, in bytes.
const NODE_WEIGHT: usize = 16;

/// A value. Aliases are replaced by what they stand for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Whole(i128),
    /// Any other number, by its bits, so that NaN equals itself.
    Float(u64),
    /// A text, without its quotes.
    Text(String),
    /// A list in its order.
    List(Vec<Tree>),
    /// A mapping in its order, repeated keys included.
    Map(Vec<(Tree, Tree)>),
    /// A tagged value.
    Tagged(String, Box<Tree>),
}

impl Tree {
    /// Reads the whole text. An empty text is [`Tree::Null`].
    ///
    /// # Errors
    /// When it is not YAML, or aliases make it too large.
    pub fn read(text: &str) -> Result<Self, Problem> {
        if let Some(problem) = too_deep(text) {
            return Err(problem);
        }
        let weight = Cell::new(0);
        Build(&weight)
            .deserialize(serde_yaml::Deserializer::from_str(text))
            .map_err(|error| located(text, problem::of(&error)))
    }

    /// Says so when aliases make the text too large to be taken apart.
    pub fn too_large(text: &str) -> Option<Problem> {
        // An alias bomb needs an anchor and aliases of it.
        if !(text.contains('&') && text.contains('*')) {
            return None;
        }
        let weight = Cell::new(0);
        let found = Build(&weight).deserialize(serde_yaml::Deserializer::from_str(text));
        found.err().filter(|_| weight.get() > MAX_WEIGHT).map(|error| problem::of(&error))
    }

    /// The value of this key, if this is a mapping that has it once or more: the last one counts.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Self::Map(pairs) = self else { return None };
        pairs.iter().rev().find(|(known, _)| known.is_text(key)).map(|(_, value)| value)
    }

    /// As [`Tree::get`].
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        let Self::Map(pairs) = self else { return None };
        pairs.iter_mut().rev().find(|(known, _)| known.is_text(key)).map(|(_, value)| value)
    }

    /// Whether this is that text. A key such as `5` is found by the name it is written with.
    pub fn is_text(&self, wanted: &str) -> bool {
        match self {
            Self::Text(text) => text == wanted,
            Self::Whole(number) => number.to_string() == wanted,
            Self::Bool(switch) => switch.to_string() == wanted,
            _ => false,
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        Build(&Cell::new(0)).deserialize(source)
    }
}

#[derive(Clone, Copy)]
struct Build<'a>(&'a Cell<usize>);

impl Build<'_> {
    fn weigh<E: Error>(self, bytes: usize) -> Result<(), E> {
        self.0.set(self.0.get().saturating_add(bytes + NODE_WEIGHT));
        if self.0.get() > MAX_WEIGHT {
            return Err(E::custom(format_args!(
                "aliases (`*name`) make the file larger than {} MiB; write fewer of them",
                MAX_WEIGHT / (1024 * 1024)
            )));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Build<'_> {
    type Value = Tree;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Tree, D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Build<'_> {
    type Value = Tree;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        self.weigh(0).map(|()| Tree::Null)
    }

    // What a text without a document is read as.
    fn visit_none<E: Error>(self) -> Result<Tree, E> {
        self.visit_unit()
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Tree, E> {
        self.weigh(0).map(|()| Tree::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Tree, E> {
        self.weigh(0).map(|()| Tree::Whole(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Tree, E> {
        self.weigh(0).map(|()| Tree::Whole(value.into()))
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<Tree, E> {
        self.weigh(0).map(|()| Tree::Whole(value))
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<Tree, E> {
        // Beyond the signed range no number of this file has a meaning; its text tells two of them apart.
        self.weigh(0).map(|()| i128::try_from(value).map_or_else(|_| Tree::Text(value.to_string()), Tree::Whole))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Tree, E> {
        self.weigh(0).map(|()| Tree::Float(value.to_bits()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Tree, E> {
        self.weigh(value.len()).map(|()| Tree::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        self.weigh(0)?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        self.weigh(0)?;
        let mut pairs = Vec::new();
        while let Some(key) = map.next_key_seed(self)? {
            pairs.push((key, map.next_value_seed(self)?));
        }
        Ok(Tree::Map(pairs))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Tree, A::Error> {
        let (tag, value) = data.variant::<String>()?;
        let value = value.newtype_variant_seed(self)?;
        self.weigh(tag.len()).map(|()| Tree::Tagged(tag, Box::new(value)))
    }
}
