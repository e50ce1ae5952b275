//! A key that looks like one that restricts, and that nothing reads: an error with the line to write in its place.
use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
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

    fn visited<E: Error>(&self, value: &Tree) -> Result<(), E> {
        Err(E::custom(self.message(value)))
    }

    fn message(&self, value: &Tree) -> String {
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
    fn lines(&self, meant: Meant, value: &Tree) -> Option<Vec<String>> {
        let line = |value: String| Some(vec![format!("{}: {value}", self.written_key(meant))]);
        match meant {
            Meant::Allowed => line(rules(value, List::Allowed)?),
            Meant::Disallowed => line(rules(value, List::Disallowed)?),
            Meant::Mode => {
                let mode = said(value)?;
                match check_mode(&mode, mode::KNOWN) {
                    // Whether one that is not known is a mode, and needs quotes, cannot be told.
                    Ok(()) => mode::KNOWN.contains(&mode.as_str()).then(|| line(mode)).flatten(),
                    Err(WrongMode::Spelling(mode)) => line(mode.to_owned()),
                    Err(WrongMode::Switch) => None,
                }
            }
            Meant::Budget => {
                line(said(value).filter(|amount| parse_number(amount).is_some_and(|dollars| dollars >= 0.0))?)
            }
            Meant::Turns => line(said(value).filter(|amount| parse_number(amount).is_some_and(is_count))?),
            Meant::Permissions => {
                let Tree::Map(entries) = value else { return None };
                let inner = entries.iter().filter_map(|(key, value)| Some((meant_within(&said(key)?)?, value)));
                let lines = inner.map(|(meant, value)| self.lines(meant, value)).collect::<Option<Vec<_>>>();
                lines.map(|lines| lines.concat())
            }
        }
    }
}

/// A text or a number as it is written, without the space around it.
fn said(value: &Tree) -> Option<String> {
    match value {
        Tree::Text(text) => Some(text.trim().to_owned()),
        Tree::Whole(number) => Some(number.to_string()),
        Tree::Float(bits) => Some(f64::from_bits(*bits).to_string()),
        _ => None,
    }
}

/// The rules that a text or the texts of a list name, as a list, if each can have an effect.
fn rules(value: &Tree, list: List) -> Option<String> {
    let texts = match value {
        Tree::List(items) => items.iter().map(said).collect::<Option<Vec<_>>>()?,
        value => vec![said(value)?],
    };
    let rules = texts.iter().flat_map(|text| rule::parts(text)).map(str::to_owned).collect::<Vec<_>>();
    rule::check_all(&rules, list).is_ok().then(|| flow_list(&rules))
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
        let problem = |message: String| match locate::key(text, std::slice::from_ref(&self.key)) {
            Some(place) => Problem::at(message, place),
            None => Problem::unplaced(message),
        };
        if self.is_there {
            return problem(format!(
                "nothing reads `{key}`; `{meant}` is there too, so move into it what `{key}` holds"
            ));
        }
        let problem = problem(format!("nothing reads `{key}`; the section is called `{meant}`"));
        repair::renamed(text, problem, (&self.key, meant), reads)
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
        self.visited(&Tree::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.visited(&Tree::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.visited(&Tree::Whole(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.visited(&Tree::Whole(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.visited(&Tree::Float(value.to_bits()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.visited(&Tree::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        self.visited(&Tree::deserialize(SeqAccessDeserializer::new(seq))?)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        self.visited(&Tree::deserialize(MapAccessDeserializer::new(map))?)
    }
}
