//! Holds a value against a checked schema, keyword by keyword, with bounded work and depth.

mod plain;

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde_json::{Map, Value};

use self::plain::{bounds, is_of, length_of, missing, numbers, one_of_types};
use super::keywords::count;
use super::same::{canonical, same};
use super::{MAX_VIOLATIONS, Violation, below, shown};

/// Steps of one validation; a step takes some ten nanoseconds, so that the longest takes some hundred milliseconds. An
/// answer of a megabyte against a usual schema takes a tenth of it.
const FUEL: u64 = 5_000_000;
/// Deepest nesting of schemas and values together. A level takes about a kilobyte of the stack.
const MAX_DEPTH: u32 = 1_000;
/// Bytes of a text that a step pays for, for each character of the pattern that is searched in it.
const BYTES_A_STEP: u64 = 4;
/// Steps that a number pays for that must be a multiple of another: a microsecond at most, where decimals are divided.
const MULTIPLE_STEPS: u64 = 20;

/// The first ways in which the value misses the schema; none when it does not.
pub(super) fn violations(schema: &Value, patterns: &BTreeMap<String, Regex>, value: &Value) -> Vec<Violation> {
    let mut run = Validation { root: schema, patterns, fuel: FUEL, depth: 0, gave_up: false };
    let mut found = Found { most: MAX_VIOLATIONS, violations: Vec::new() };
    run.schema(schema, value, "", &mut found);
    if run.gave_up {
        let what = "schema and answer together are too large or too deep to be compared".to_owned();
        return vec![Violation { at: String::new(), what }];
    }
    found.violations
}

/// What was found so far.
struct Found {
    most: usize,
    violations: Vec<Violation>,
}

impl Found {
    fn full(&self) -> bool {
        self.violations.len() >= self.most
    }

    fn add(&mut self, at: &str, what: impl Into<String>) {
        if !self.full() {
            self.violations.push(Violation { at: at.to_owned(), what: what.into() });
        }
    }
}

struct Validation<'a> {
    root: &'a Value,
    patterns: &'a BTreeMap<String, Regex>,
    fuel: u64,
    depth: u32,
    gave_up: bool,
}

impl<'a> Validation<'a> {
    /// Pays for some steps. `false` when there is nothing left to pay with.
    fn pay(&mut self, steps: u64) -> bool {
        match self.fuel.checked_sub(steps) {
            Some(left) if !self.gave_up => self.fuel = left,
            _ => self.gave_up = true,
        }
        !self.gave_up
    }

    fn schema(&mut self, schema: &'a Value, value: &Value, at: &str, found: &mut Found) {
        if found.full() || !self.pay(1) {
            return;
        }
        match schema {
            Value::Bool(false) => found.add(at, "must not be there"),
            Value::Object(_) if self.depth >= MAX_DEPTH => self.gave_up = true,
            Value::Object(entries) => {
                self.depth += 1;
                self.entries(entries, value, at, found);
                self.depth -= 1;
            }
            _ => {}
        }
    }

    /// Whether the value matches, and nothing more.
    fn matches(&mut self, schema: &'a Value, value: &Value) -> bool {
        let mut found = Found { most: 1, violations: Vec::new() };
        self.schema(schema, value, "", &mut found);
        found.violations.is_empty()
    }

    fn entries(&mut self, schema: &'a Map<String, Value>, value: &Value, at: &str, found: &mut Found) {
        for (keyword, argument) in schema {
            if found.full() || !self.pay(1) {
                return;
            }
            self.anywhere(keyword, argument, schema, value, at, found);
            match value {
                Value::Number(_) if keyword == "multipleOf" && !self.pay(MULTIPLE_STEPS) => return,
                Value::Number(number) => numbers(keyword, argument, number, at, found),
                Value::String(text) => self.texts(keyword, argument, text, at, found),
                Value::Array(items) => self.arrays(keyword, argument, schema, items, at, found),
                Value::Object(entries) => self.objects(keyword, argument, schema, entries, at, found),
                Value::Null | Value::Bool(_) => {}
            }
        }
    }

    /// Keywords that hold for every kind of value.
    fn anywhere(
        &mut self,
        keyword: &str,
        argument: &'a Value,
        schema: &'a Map<String, Value>,
        value: &Value,
        at: &str,
        found: &mut Found,
    ) {
        match keyword {
            "$ref" => {
                let target = argument.as_str().and_then(super::check::target_of);
                if let Some(target) = target.and_then(|pointer| self.root.pointer(&pointer)) {
                    self.schema(target, value, at, found);
                }
            }
            "type" => {
                let nullable = value.is_null() && schema.get("nullable") == Some(&Value::Bool(true));
                if !nullable && !is_of(argument, value) {
                    found.add(at, format!("must be of type {}, is {}", one_of_types(argument), shown(value)));
                }
            }
            "enum" => self.one_of_values(argument, value, at, found),
            "const" if !same(argument, value) => found.add(at, format!("must be {argument}, is {}", shown(value))),
            "allOf" => argument.as_array().into_iter().flatten().for_each(|each| self.schema(each, value, at, found)),
            "anyOf" => self.any_of(argument, value, at, found),
            "oneOf" => {
                let matching =
                    argument.as_array().into_iter().flatten().filter(|each| self.matches(each, value)).count();
                match matching {
                    0 => self.any_of(argument, value, at, found),
                    1 => {}
                    more => found.add(at, format!("must match exactly one schema of oneOf, matches {more}")),
                }
            }
            "not" if self.matches(argument, value) => found.add(at, "must not match the schema of not"),
            "if" => {
                let branch = if self.matches(argument, value) { "then" } else { "else" };
                if let Some(branch) = schema.get(branch) {
                    self.schema(branch, value, at, found);
                }
            }
            _ => {}
        }
    }

    fn one_of_values(&mut self, argument: &Value, value: &Value, at: &str, found: &mut Found) {
        let values = argument.as_array().map(Vec::as_slice).unwrap_or_default();
        if !self.pay(values.len() as u64) || values.iter().any(|allowed| same(allowed, value)) {
            return;
        }
        /// More make no message better.
        const SHOWN_VALUES: usize = 10;
        let allowed: Vec<String> = values.iter().take(SHOWN_VALUES).map(shown).collect();
        let more = if values.len() > SHOWN_VALUES { ", …" } else { "" };
        found.add(at, format!("must be one of {}{more}, is {}", allowed.join(", "), shown(value)));
    }

    /// One schema of the list at least. Where there are few, what each lacks is told: the first thing only.
    fn any_of(&mut self, argument: &'a Value, value: &Value, at: &str, found: &mut Found) {
        /// Schemas of which the first violation is told.
        const TOLD: usize = 4;
        let mut told = Vec::new();
        for (index, each) in argument.as_array().into_iter().flatten().enumerate() {
            let mut lacks = Found { most: 1, violations: Vec::new() };
            self.schema(each, value, at, &mut lacks);
            match lacks.violations.pop() {
                None => return,
                Some(violation) if index < TOLD => told.push(format!("({}) {violation}", index + 1)),
                Some(_) => {}
            }
        }
        found.add(at, format!("matches none of the alternatives: {}", told.join("; ")));
    }

    fn texts(&mut self, keyword: &str, argument: &Value, text: &str, at: &str, found: &mut Found) {
        match keyword {
            "minLength" | "maxLength" => {
                let length = text.chars().count() as u64;
                bounds(keyword, argument, length, "characters", at, found);
            }
            "pattern" => {
                let pattern = argument.as_str().unwrap_or_default();
                if !self.fits(pattern, text) {
                    let text = Value::from(text);
                    found.add(at, format!("must match the pattern {}, is {}", shown(argument), shown(&text)));
                }
            }
            _ => {}
        }
    }

    fn fits(&mut self, pattern: &str, text: &str) -> bool {
        let steps = (text.len() as u64 + 1).saturating_mul(pattern.len() as u64 + 1) / BYTES_A_STEP;
        self.pay(steps) && self.patterns.get(pattern).is_none_or(|compiled| compiled.is_match(text))
    }

    fn arrays(
        &mut self,
        keyword: &str,
        argument: &'a Value,
        schema: &'a Map<String, Value>,
        items: &[Value],
        at: &str,
        found: &mut Found,
    ) {
        match keyword {
            "minItems" | "maxItems" => bounds(keyword, argument, items.len() as u64, "items", at, found),
            "prefixItems" => self.by_position(argument, items, at, found),
            "items" => match argument {
                Value::Array(_) => self.by_position(argument, items, at, found),
                each => self.each_item(each, length_of(schema.get("prefixItems")), items, at, found),
            },
            "additionalItems" if schema.get("items").is_some_and(Value::is_array) => {
                self.each_item(argument, length_of(schema.get("items")), items, at, found);
            }
            "uniqueItems" if argument == &Value::Bool(true) => self.unique(items, at, found),
            "contains" => self.contains(argument, schema, items, at, found),
            _ => {}
        }
    }

    fn by_position(&mut self, schemas: &'a Value, items: &[Value], at: &str, found: &mut Found) {
        for (index, (schema, item)) in schemas.as_array().into_iter().flatten().zip(items).enumerate() {
            self.schema(schema, item, &format!("{at}/{index}"), found);
        }
    }

    fn each_item(&mut self, schema: &'a Value, from: usize, items: &[Value], at: &str, found: &mut Found) {
        for (index, item) in items.iter().enumerate().skip(from) {
            if found.full() || self.gave_up {
                return;
            }
            self.schema(schema, item, &format!("{at}/{index}"), found);
        }
    }

    fn unique(&mut self, items: &[Value], at: &str, found: &mut Found) {
        let mut known = BTreeMap::new();
        for (index, item) in items.iter().enumerate() {
            let text = canonical(item);
            if !self.pay(1 + text.len() as u64 / BYTES_A_STEP) {
                return;
            }
            if let Some(first) = known.insert(text, index) {
                return found.add(at, format!("must not repeat an item; {first} and {index} are the same"));
            }
        }
    }

    fn contains(
        &mut self,
        wanted: &'a Value,
        schema: &Map<String, Value>,
        items: &[Value],
        at: &str,
        found: &mut Found,
    ) {
        let matching = items.iter().filter(|item| self.matches(wanted, item)).count() as u64;
        let least = schema.get("minContains").and_then(count).unwrap_or(1);
        let most = schema.get("maxContains").and_then(count).unwrap_or(u64::MAX);
        if matching < least {
            found.add(at, format!("must contain at least {least} items as wanted, contains {matching}"));
        } else if matching > most {
            found.add(at, format!("must contain at most {most} items as wanted, contains {matching}"));
        }
    }

    fn objects(
        &mut self,
        keyword: &str,
        argument: &'a Value,
        schema: &'a Map<String, Value>,
        entries: &Map<String, Value>,
        at: &str,
        found: &mut Found,
    ) {
        match keyword {
            "minProperties" | "maxProperties" => bounds(keyword, argument, entries.len() as u64, "entries", at, found),
            "required" => missing(argument, entries, at, found),
            "properties" => {
                for (name, each) in argument.as_object().into_iter().flatten() {
                    if let Some(entry) = entries.get(name) {
                        self.schema(each, entry, &below(at, name), found);
                    }
                }
            }
            "patternProperties" => {
                for (pattern, each) in argument.as_object().into_iter().flatten() {
                    for (name, entry) in entries {
                        if self.fits(pattern, name) {
                            self.schema(each, entry, &below(at, name), found);
                        }
                    }
                }
            }
            "additionalProperties" => self.additional(argument, schema, entries, at, found),
            "propertyNames" => {
                for name in entries.keys() {
                    if !self.matches(argument, &Value::from(name.as_str())) {
                        found.add(at, format!("the name {} is not as wanted", shown(&Value::from(name.as_str()))));
                    }
                }
            }
            "dependentRequired" | "dependentSchemas" | "dependencies" => {
                self.dependent(argument, entries, at, found);
            }
            _ => {}
        }
    }

    fn additional(
        &mut self,
        argument: &'a Value,
        schema: &'a Map<String, Value>,
        entries: &Map<String, Value>,
        at: &str,
        found: &mut Found,
    ) {
        let named = schema.get("properties").and_then(Value::as_object);
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        for (name, entry) in entries {
            if found.full() || !self.pay(1) {
                return;
            }
            let known = named.is_some_and(|named| named.contains_key(name))
                || patterns.into_iter().flat_map(Map::keys).any(|pattern| self.fits(pattern, name));
            if known {
                continue;
            }
            if argument == &Value::Bool(false) {
                found.add(at, format!("must not have the entry {}", shown(&Value::from(name.as_str()))));
            } else {
                self.schema(argument, entry, &below(at, name), found);
            }
        }
    }

    /// What the presence of one entry demands of the others.
    fn dependent(&mut self, argument: &'a Value, entries: &Map<String, Value>, at: &str, found: &mut Found) {
        let demands = argument.as_object().into_iter().flatten().filter(|(name, _)| entries.contains_key(*name));
        for (_, demand) in demands {
            if demand.is_array() {
                missing(demand, entries, at, found);
            } else if self.pay(entries.len() as u64) {
                self.schema(demand, &Value::Object(entries.clone()), at, found);
            }
        }
    }
}
