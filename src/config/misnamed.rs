//! A key that looks like one that restricts, and that nothing reads: an error with the line to write in its place.
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::locate;
use super::model::Problem;
use super::name::echoed;
use super::node::flow_list;
use super::number::parse_number;
use super::repair;
use super::tree::Tree;
use crate::machines::misnamed::{Meant, WrongMode, check_mode, meant};
use crate::machines::mode;
use crate::machines::rule::{self, List};

/// What the table that the key stands in restricts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TableKind {
    /// An agent, which can be restricted.
    Agent,
    /// The settings, which restrict agents that say nothing themselves.
    Settings,
    /// Anything else, which restricts nobody.
    Other,
}

/// The value of such a key; reading it is always an error.
pub(super) struct Misnamed<'a> {
    key: &'a str,
    meant: Meant,
    table: TableKind,
}

impl<'a> Misnamed<'a> {
    /// Reads the value of a key that nothing reads if the key looks like one that restricts; leaves it otherwise.
    ///
    /// # Errors
    /// What to write in its place.
    pub fn refuse<'de, A: MapAccess<'de>>(key: &'a str, table: TableKind, map: &mut A) -> Result<(), A::Error> {
        match meant(key) {
            Some(meant) => map.next_value_seed(Self { key, meant, table }),
            None => Ok(()),
        }
    }

    fn message(&self, value: &Written) -> String {
        let key = echoed(self.key);
        let belongs = |place: &str, key: &str| format!("nothing reads `{key}` here; it belongs to {place}");
        match (self.table, self.meant.default_key()) {
            (TableKind::Settings, None) => belongs("each agent", self.meant.key()),
            (TableKind::Other, default) => {
                let settings = default.map_or_else(String::new, |key| format!(", or to `settings` as `{key}`"));
                format!("nothing reads `{key}` here; it belongs to an agent as `{}`{settings}", self.meant.key())
            }
            (TableKind::Agent | TableKind::Settings, _) => match self.lines(self.meant, value) {
                Some(lines) if !lines.is_empty() => format!("nothing reads `{key}`; write `{}`", lines.join("` and `")),
                _ => format!("nothing reads `{key}`; write {}", self.written_key(self.meant)),
            },
        }
    }

    fn written_key(&self, meant: Meant) -> &'static str {
        match self.table {
            TableKind::Settings => meant.default_key().unwrap_or(meant.key()),
            TableKind::Agent | TableKind::Other => meant.key(),
        }
    }

    /// The lines that say what was meant, where that can be told.
    fn lines(&self, meant: Meant, value: &Written) -> Option<Vec<String>> {
        let line = |value: String| Some(vec![format!("{}: {value}", self.written_key(meant))]);
        let rules = |list| {
            let rules: Vec<String> =
                value.texts()?.iter().flat_map(|text| rule::parts(text)).map(str::to_owned).collect();
            rule::check_all(&rules, list).is_ok().then(|| flow_list(&rules))
        };
        match (meant, value) {
            (Meant::Allowed, _) => line(rules(List::Allowed)?),
            (Meant::Disallowed, _) => line(rules(List::Disallowed)?),
            (Meant::Mode, Written::Text(mode)) => match check_mode(mode, mode::KNOWN) {
                // Whether one that is not known is a mode, and needs quotes, cannot be told.
                Ok(()) => mode::KNOWN.contains(&mode.as_str()).then(|| line(mode.clone())).flatten(),
                Err(WrongMode::Spelling(mode)) => line(mode.to_owned()),
                Err(WrongMode::Switch) => None,
            },
            (Meant::Budget, Written::Text(amount)) if parse_number(amount).is_some_and(|dollars| dollars >= 0.0) => {
                line(amount.clone())
            }
            (Meant::Turns, Written::Text(amount)) if parse_number(amount).is_some_and(is_count) => line(amount.clone()),
            (Meant::Permissions, Written::Table(entries)) => {
                let inner = entries.iter().filter_map(|(key, value)| Some((meant_within(key)?, value)));
                inner
                    .map(|(meant, value)| self.lines(meant, value))
                    .collect::<Option<Vec<_>>>()
                    .map(|lines| lines.concat())
            }
            _ => None,
        }
    }
}

/// A key at the top of the file that looks like a section, which nothing reads, with all that it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MisnamedSection {
    pub key: String,
    pub meant: &'static str,
    /// The section that was meant is there as well.
    pub is_there: bool,
}

impl MisnamedSection {
    /// What is wrong, with the line to write; `reads` as for [`repair::repaired`].
    pub fn problem(&self, text: &str, reads: impl Fn(&str) -> Option<u32>) -> Problem {
        let (key, meant) = (echoed(&self.key), self.meant);
        let place = locate::key(text, std::slice::from_ref(&self.key));
        let (line, column) = place.map_or((None, None), |(line, column)| (Some(line), Some(column)));
        if self.is_there {
            let message = format!("nothing reads `{key}`; `{meant}` is there too, so move into it what `{key}` holds");
            return Problem { message, line, column };
        }
        let message = format!("nothing reads `{key}`; the section is called `{meant}`");
        repair::renamed(text, Problem { message, line, column }, (&self.key, meant), reads)
    }
}

/// Whether the value of an unknown key holds keys, as a section does. Anything else restricts nobody wherever it stands.
pub(super) fn holds_keys(value: &Tree) -> bool {
    match value {
        Tree::Map(pairs) => !pairs.is_empty(),
        Tree::Tagged(_, value) => holds_keys(value),
        _ => false,
    }
}

/// Whether a number counts something.
fn is_count(number: f64) -> bool {
    number >= 0.0 && number.fract() == 0.0
}

/// As [`meant`], for a key of claude's own `permissions`: what is not a list or a mode there has no counterpart here.
fn meant_within(key: &str) -> Option<Meant> {
    meant(key).filter(|meant| matches!(meant, Meant::Allowed | Meant::Disallowed | Meant::Mode))
}

impl<'de> DeserializeSeed<'de> for Misnamed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Misnamed<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("no such key")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Err(E::custom(self.message(&Written::Other)))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.visit_str(&value.to_string())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.visit_str(&value.to_string())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.visit_str(&value.to_string())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        Err(E::custom(self.message(&Written::Text(value.trim().to_owned()))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        let value = WrittenVisitor.visit_seq(seq)?;
        Err(A::Error::custom(self.message(&value)))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let value = WrittenVisitor.visit_map(map)?;
        Err(A::Error::custom(self.message(&value)))
    }
}

/// A value as far as a correction needs it.
#[derive(Debug, Clone, PartialEq)]
enum Written {
    Text(String),
    List(Vec<String>),
    Table(Vec<(String, Written)>),
    Other,
}

impl Written {
    /// The texts of a list, or the one text.
    fn texts(&self) -> Option<&[String]> {
        match self {
            Self::Text(text) => Some(std::slice::from_ref(text)),
            Self::List(texts) => Some(texts),
            Self::Table(_) | Self::Other => None,
        }
    }
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(WrittenVisitor)
    }
}

struct WrittenVisitor;

impl<'de> Visitor<'de> for WrittenVisitor {
    type Value = Written;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<Written, E> {
        Ok(Written::Other)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Written, E> {
        Ok(Written::Other)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Written, E> {
        Ok(Written::Text(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Written, E> {
        Ok(Written::Text(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Written, E> {
        Ok(Written::Text(value.to_string()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Written, E> {
        Ok(Written::Text(value.trim().to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Written, A::Error> {
        let mut texts = Some(Vec::new());
        while let Some(item) = seq.next_element::<Written>()? {
            match (item, &mut texts) {
                (Written::Text(text), Some(texts)) => texts.push(text),
                _ => texts = None,
            }
        }
        Ok(texts.map_or(Written::Other, Written::List))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Written, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry::<String, Written>()? {
            entries.push(entry);
        }
        Ok(Written::Table(entries))
    }
}
