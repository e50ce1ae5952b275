//! Whether a schema is valid: each keyword is known and has a value of its kind, each reference leads to a place inside it.

use std::collections::{BTreeMap, BTreeSet};

use regex_lite::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use super::super::text;
use super::keywords::{self, ValueKind};
use super::{MAX_BYTES, MAX_LEVELS, SchemaError, below, shown};

/// Largest compiled pattern, in bytes: some hundred states, all of which may be looked at for each byte of a text. A pattern
/// such as `(a{99}){99}` is more.
const MAX_PATTERN_BYTES: usize = 32 * 1024;
/// Most schemas that hold for one value one behind the other, by references and combinations. Deeper ones are made by
/// programs, and each costs a place on the stack.
const MAX_CHAIN: usize = 64;

/// How much of a word or a pattern is shown, in characters: enough to find it.
const SHOWN_CHARS: usize = 60;

/// What is wrong with a schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// It is neither an object nor, inside, a boolean.
    #[error("a schema is an object, not {0}")]
    NotASchema(String),
    /// It does not fit.
    #[error("the schema is {bytes} bytes long, at most {MAX_BYTES} fit")]
    TooLong {
        /// Length of its compact JSON.
        bytes: usize,
    },
    /// It nests too deep.
    #[error("nested more than {MAX_LEVELS} levels deep")]
    TooDeep,
    /// A keyword that nobody knows: most often a typing mistake.
    #[error("unknown keyword {}; notes of one's own begin with \"x-\"", text::quoted(.0))]
    UnknownKeyword(String),
    /// A keyword that is not understood here.
    #[error("{} is not supported; write it with properties, required and additionalProperties", text::quoted(.0))]
    Unsupported(String),
    /// A keyword with a value that it does not take.
    #[error("must be {wanted}, not {given}")]
    Value {
        /// The kind of value that the keyword takes.
        wanted: &'static str,
        /// The kind of value that was given.
        given: String,
    },
    /// A dialect that is not understood.
    #[error("the dialect {0} is not known; use 2020-12 or draft-07, or leave $schema out")]
    Dialect(String),
    /// A reference to another document.
    #[error("{0} leads out of the schema; nothing is fetched: put it under \"$defs\" and refer to \"#/$defs/…\"")]
    Remote(String),
    /// A reference to nothing.
    #[error("{0} leads to no schema; refer to \"#/$defs/…\"")]
    Dangling(String),
    /// A schema that holds for a value if it holds for that value.
    #[error("the reference comes back to itself without going deeper into the answer")]
    Loop,
    /// Too many schemas for one value.
    #[error("more than {MAX_CHAIN} references and combinations one behind the other")]
    Chain,
    /// A pattern that cannot be compiled.
    #[error("{pattern} is no pattern that is supported ({why}); look-around and back-references are not")]
    Pattern {
        /// The beginning of the value, quoted.
        pattern: String,
        /// What the compiler said.
        why: String,
    },
}

/// Checks a whole schema; the patterns in it, compiled.
pub(super) fn check(schema: &Value) -> Result<BTreeMap<String, Regex>, SchemaError> {
    if !schema.is_object() {
        return Err(SchemaError { at: String::new(), flaw: Flaw::NotASchema(shown(schema)) });
    }
    let bytes = schema.to_string().len();
    if bytes > MAX_BYTES {
        return Err(SchemaError { at: String::new(), flaw: Flaw::TooLong { bytes } });
    }
    let mut checker = Checker::default();
    checker.schema(schema, "", 0)?;
    checker.references()?;
    checker.chains()?;
    Ok(checker.patterns)
}

/// Whether nothing in a checked schema is newer than draft 7.
pub(super) fn is_draft_7(schema: &Value) -> bool {
    match schema {
        Value::Object(entries) => entries.iter().all(|(key, value)| {
            let newer = keywords::AFTER_DRAFT_7.contains(&key.as_str()) || key.starts_with("x-");
            // Data may hold anything; a name that happens to be one of those words only costs the flag.
            !newer && is_draft_7(value)
        }),
        Value::Array(items) => items.iter().all(is_draft_7),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

#[derive(Default)]
struct Checker {
    patterns: BTreeMap<String, Regex>,
    /// Every place where a schema stands, with those that hold for the same value.
    here: BTreeMap<String, Vec<String>>,
    /// Where references stand, and where they lead.
    references: Vec<(String, String)>,
}

impl Checker {
    fn schema(&mut self, schema: &Value, at: &str, level: usize) -> Result<(), SchemaError> {
        if level > MAX_LEVELS {
            return Err(flaw(at, Flaw::TooDeep));
        }
        self.here.entry(at.to_owned()).or_default();
        let entries = match schema {
            Value::Bool(_) => return Ok(()),
            Value::Object(entries) => entries,
            other => return Err(flaw(at, Flaw::NotASchema(shown(other)))),
        };
        for (keyword, value) in entries {
            let place = below(at, keyword);
            let Some(kind) = keywords::kind(keyword) else {
                return Err(flaw(at, Flaw::UnknownKeyword(text::first_chars(keyword, SHOWN_CHARS).to_owned())));
            };
            self.keyword(kind, value, at, &place, level)?;
        }
        Ok(())
    }

    fn keyword(
        &mut self,
        kind: ValueKind,
        value: &Value,
        at: &str,
        place: &str,
        level: usize,
    ) -> Result<(), SchemaError> {
        match kind {
            ValueKind::Here => self.inner(value, at, place.to_owned(), true, level),
            ValueKind::Inside => self.inner(value, at, place.to_owned(), false, level),
            ValueKind::Items if value.is_array() => self.list(value, at, place, false, level),
            ValueKind::Items => self.inner(value, at, place.to_owned(), false, level),
            ValueKind::ListHere => self.list(value, at, place, true, level),
            ValueKind::ListInside => self.list(value, at, place, false, level),
            ValueKind::NamedHere => self.named(value, at, place, true, level),
            ValueKind::NamedInside | ValueKind::Definitions => self.named(value, at, place, false, level),
            ValueKind::PatternsInside => {
                for pattern in value.as_object().into_iter().flat_map(Map::keys) {
                    self.pattern(pattern, &below(place, pattern))?;
                }
                self.named(value, at, place, false, level)
            }
            ValueKind::Dependencies => self.dependencies(value, at, place, level),
            ValueKind::NamedNames => {
                for (name, names) in object(value, place)? {
                    check_names(names, &below(place, name))?;
                }
                Ok(())
            }
            ValueKind::Reference => {
                let target = self.target(value, place)?;
                self.references.push((place.to_owned(), target.clone()));
                self.here.entry(at.to_owned()).or_default().push(target);
                Ok(())
            }
            ValueKind::Pattern => {
                let pattern = value.as_str().ok_or_else(|| wrong(place, "a pattern", value))?;
                self.pattern(pattern, place)
            }
            ValueKind::Id if !at.is_empty() => Err(flaw(place, Flaw::Unsupported("$id below the top".to_owned()))),
            ValueKind::Unsupported => {
                Err(flaw(place, Flaw::Unsupported(place.rsplit('/').next().unwrap_or("").to_owned())))
            }
            _ => plain(kind, value, place),
        }
    }

    fn inner(&mut self, value: &Value, at: &str, place: String, here: bool, level: usize) -> Result<(), SchemaError> {
        self.schema(value, &place, level + 1)?;
        if here {
            self.here.entry(at.to_owned()).or_default().push(place);
        }
        Ok(())
    }

    fn list(&mut self, value: &Value, at: &str, place: &str, here: bool, level: usize) -> Result<(), SchemaError> {
        let schemas = value.as_array().filter(|schemas| !schemas.is_empty());
        let schemas = schemas.ok_or_else(|| wrong(place, "a list of schemas, at least one", value))?;
        for (index, schema) in schemas.iter().enumerate() {
            self.inner(schema, at, format!("{place}/{index}"), here, level + 1)?;
        }
        Ok(())
    }

    fn named(&mut self, value: &Value, at: &str, place: &str, here: bool, level: usize) -> Result<(), SchemaError> {
        for (name, schema) in object(value, place)? {
            self.inner(schema, at, below(place, name), here, level + 1)?;
        }
        Ok(())
    }

    fn dependencies(&mut self, value: &Value, at: &str, place: &str, level: usize) -> Result<(), SchemaError> {
        for (name, needed) in object(value, place)? {
            let place = below(place, name);
            if needed.is_array() {
                check_names(needed, &place)?;
            } else {
                self.inner(needed, at, place, true, level + 1)?;
            }
        }
        Ok(())
    }

    fn pattern(&mut self, pattern: &str, place: &str) -> Result<(), SchemaError> {
        if self.patterns.contains_key(pattern) {
            return Ok(());
        }
        let compiled = RegexBuilder::new(pattern).size_limit(MAX_PATTERN_BYTES).build().map_err(|error| {
            let pattern = text::quoted(text::first_chars(pattern, SHOWN_CHARS));
            flaw(place, Flaw::Pattern { pattern, why: text::one_line(&error.to_string(), 2 * SHOWN_CHARS) })
        })?;
        self.patterns.insert(pattern.to_owned(), compiled);
        Ok(())
    }

    fn target(&self, value: &Value, place: &str) -> Result<String, SchemaError> {
        let reference = value.as_str().ok_or_else(|| wrong(place, "a reference such as \"#/$defs/item\"", value))?;
        let shown = text::quoted(text::first_chars(reference, SHOWN_CHARS));
        match reference.strip_prefix('#') {
            None => Err(flaw(place, Flaw::Remote(shown))),
            Some(pointer) => decoded(pointer).ok_or_else(|| flaw(place, Flaw::Dangling(shown))),
        }
    }

    fn references(&self) -> Result<(), SchemaError> {
        match self.references.iter().find(|(_, target)| !self.here.contains_key(target)) {
            None => Ok(()),
            Some((place, target)) => {
                let shown = text::quoted(&format!("#{}", text::first_chars(target, SHOWN_CHARS)));
                Err(flaw(place, Flaw::Dangling(shown)))
            }
        }
    }

    /// No schema may hold for a value because it holds for that same value, nor after too many others.
    fn chains(&self) -> Result<(), SchemaError> {
        let mut lengths = BTreeMap::new();
        for start in self.here.keys() {
            self.chain(start, &mut BTreeSet::new(), &mut lengths)?;
        }
        Ok(())
    }

    /// How many schemas there are at most from this one on, itself included.
    fn chain<'a>(
        &'a self,
        at: &'a str,
        above: &mut BTreeSet<&'a str>,
        lengths: &mut BTreeMap<&'a str, usize>,
    ) -> Result<usize, SchemaError> {
        if let Some(length) = lengths.get(at) {
            return Ok(*length);
        }
        if above.len() > MAX_CHAIN {
            return Err(flaw(at, Flaw::Chain));
        }
        if !above.insert(at) {
            return Err(flaw(at, Flaw::Loop));
        }
        let mut longest = 0;
        for next in self.here.get(at).into_iter().flatten() {
            longest = longest.max(self.chain(next, above, lengths)?);
        }
        above.remove(at);
        if longest >= MAX_CHAIN {
            return Err(flaw(at, Flaw::Chain));
        }
        lengths.insert(at, longest + 1);
        Ok(longest + 1)
    }
}

/// Keywords whose value holds no schema.
fn plain(kind: ValueKind, value: &Value, place: &str) -> Result<(), SchemaError> {
    let wanted = match kind {
        ValueKind::Types => {
            let known = |name: &Value| name.as_str().is_some_and(|name| keywords::TYPES.contains(&name));
            let fits = match value {
                Value::Array(names) => !names.is_empty() && names.iter().all(known),
                name => known(name),
            };
            (fits, "null, boolean, object, array, number, integer or string, or a list of them")
        }
        ValueKind::Values => {
            (value.as_array().is_some_and(|values| !values.is_empty()), "a list of values, at least one")
        }
        ValueKind::Number => (value.is_number(), "a number"),
        ValueKind::Positive => (value.as_f64().is_some_and(|number| number > 0.0), "a number above 0"),
        ValueKind::Count => (keywords::count(value).is_some(), "a whole number, 0 or more"),
        ValueKind::Names => return check_names(value, place),
        ValueKind::Flag => (value.is_boolean(), "true or false"),
        ValueKind::Id => (value.is_string(), "a name"),
        ValueKind::Dialect => return dialect(value, place),
        _ => (true, ""),
    };
    if wanted.0 { Ok(()) } else { Err(wrong(place, wanted.1, value)) }
}

fn dialect(value: &Value, place: &str) -> Result<(), SchemaError> {
    let name = value.as_str().ok_or_else(|| wrong(place, "the address of a dialect", value))?;
    let bare = name.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('#');
    if keywords::DIALECTS.contains(&bare) {
        return Ok(());
    }
    Err(flaw(place, Flaw::Dialect(shown(value))))
}

fn check_names(value: &Value, place: &str) -> Result<(), SchemaError> {
    let names = value.as_array().map(|names| names.iter().map(Value::as_str).collect::<Vec<_>>());
    let distinct = |names: &Vec<Option<&str>>| names.iter().collect::<BTreeSet<_>>().len() == names.len();
    match names {
        Some(names) if names.iter().all(Option::is_some) && distinct(&names) => Ok(()),
        _ => Err(wrong(place, "a list of names without repetition", value)),
    }
}

fn object<'a>(value: &'a Value, place: &str) -> Result<&'a Map<String, Value>, SchemaError> {
    value.as_object().ok_or_else(|| wrong(place, "an object", value))
}

/// Where a reference leads, as a pointer from the top; `None` where it leads out or nowhere.
pub(super) fn target_of(reference: &str) -> Option<String> {
    decoded(reference.strip_prefix('#')?)
}

/// A pointer with what a fragment of an address escapes taken back; `None` where it is no pointer.
fn decoded(pointer: &str) -> Option<String> {
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return None;
    }
    let mut bytes = Vec::with_capacity(pointer.len());
    let mut rest = pointer.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
            let (high, low) = (digit()?, digit()?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn wrong(place: &str, wanted: &'static str, given: &Value) -> SchemaError {
    flaw(place, Flaw::Value { wanted, given: shown(given) })
}

fn flaw(at: &str, flaw: Flaw) -> SchemaError {
    SchemaError { at: at.to_owned(), flaw }
}
