//! Text of agents.yaml to a checked [`Config`].
//!
//! One bad entry must not disable the others, and its error must keep its position. An untyped tree would lose both
//! the position and the text of scalars (`model: 3.10` becomes a float), so the file is read typed; when an entry
//! fails, the file is read again with that entry passed over.
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::entries::Section;
use super::locate;
use super::misnamed::{Misnamed, MisnamedSection, TableKind, holds_keys};
use super::model::{Agent, Config, DuplicateKey, Entry, Group, Problem, Settings, UnknownKey};
use super::name::nearest;
use super::pass::{EntryNumber, Keys, Pass};
use super::problem::{self, located, too_deep};
use super::raw::{Context, RawAgent, RawCache, RawGroup, RawSettings};
use super::repair;
use super::tree::Tree;
use crate::machines::misnamed::section;

/// How often the file is read again to find the position of one more bad entry. Each reading costs about a
/// millisecond for 500 agents; entries beyond this number are still found and disabled, but without a position.
const MAX_READINGS: usize = 32;
/// For how many mistakes the corrected line is looked for: a person corrects one after the other, and each attempt reads
/// the file again.
const MAX_REPAIRS: usize = 8;
/// Largest text in which keys are looked up, in bytes: each look-up reads the text twice.
const MAX_LOCATED_BYTES: usize = 256 * 1024;
/// How many unknown and repeated keys are looked up in the text to tell their line.
const MAX_LOCATED: usize = 16;
/// The top-level keys.
const SECTIONS: &[&str] = &["agents", "groups", "settings"];

/// Reads the whole file.
///
/// # Errors
/// What is wrong with it when no entry can be blamed.
pub(super) fn config(text: &str, context: &Context) -> Result<Config, Problem> {
    if let Some(problem) = too_deep(text).or_else(|| Tree::too_large(text)) {
        return Err(problem);
    }
    let mut bad = BTreeMap::new();
    let mut repairs = 0;
    let mut repaired = |problem: Problem, bad: &BTreeMap<EntryNumber, Problem>| {
        repairs += 1;
        if repairs > MAX_REPAIRS {
            return problem;
        }
        repair::repaired(text, problem, |text| first_fault(text, context, bad))
    };
    loop {
        let salvage = bad.len() >= MAX_READINGS;
        let pass = Pass::new(context, &bad, salvage);
        let found = RootSeed(&pass).deserialize(serde_yaml::Deserializer::from_str(text));
        match (found, pass.reading.get()) {
            (Ok(root), _) => {
                let mut keys = pass.keys.into_inner();
                return match keys.misnamed.take() {
                    Some(section) => Err(section.problem(text, |text| first_fault(text, context, &bad))),
                    None => Ok(finish(text, root, keys)),
                };
            }
            (Err(error), Some(entry)) if !salvage => {
                let problem = repaired(located(text, problem::of(&error)), &bad);
                bad.insert(entry, problem);
            }
            (Err(error), _) => {
                let problem = located(text, problem::of(&error));
                // An entry in which the text stops being YAML was taken for a bad one first.
                pass.passing.get().map(|entry| bad.remove(&entry));
                return Err(repaired(problem, &bad));
            }
        }
    }
}

/// The line of the first mistake, apart from entries that are known to be bad. One without a line counts as the first.
fn first_fault(text: &str, context: &Context, bad: &BTreeMap<EntryNumber, Problem>) -> Option<u32> {
    if too_deep(text).or_else(|| Tree::too_large(text)).is_some() {
        return Some(0);
    }
    let pass = Pass::new(context, bad, false);
    let found = RootSeed(&pass).deserialize(serde_yaml::Deserializer::from_str(text));
    let first = found.err().map(|error| located(text, problem::of(&error)));
    // What the text says may be wrong behind the place where it stops being YAML: in a list that nothing closes.
    first.into_iter().chain(Tree::read(text).err()).map(|fault| fault.line.unwrap_or(0)).min()
}

#[derive(Default)]
struct Root {
    agents: Vec<(String, Entry<Agent>)>,
    groups: Vec<(String, Entry<Group>)>,
    settings: Settings,
}

fn finish(text: &str, root: Root, keys: Keys) -> Config {
    let mut lookups = 0;
    let mut line_of = |path: &[String]| {
        lookups += 1;
        (lookups <= MAX_LOCATED && text.len() <= MAX_LOCATED_BYTES)
            .then(|| locate::key(text, path))
            .flatten()
            .map(|(line, _)| line)
    };
    let unknown = |(path, known): (Vec<String>, &[&'static str])| UnknownKey {
        line: line_of(&path),
        nearest: path.last().and_then(|key| nearest(key, known.iter().copied())),
        path: path.join("."),
    };
    let unknown_keys = keys.unknown.into_iter().map(unknown).collect();
    let duplicates =
        keys.repeated.into_iter().map(|path| DuplicateKey { line: line_of(&path), path: path.join(".") }).collect();
    Config { agents: root.agents, groups: root.groups, settings: root.settings, unknown_keys, duplicates }
}

struct RootSeed<'a, 'p>(&'a Pass<'p>);

impl<'de> DeserializeSeed<'de> for RootSeed<'_, '_> {
    type Value = Root;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Root, D::Error> {
        source.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for RootSeed<'_, '_> {
    type Value = Root;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a mapping with `agents`, `groups` and `settings`")
    }

    fn visit_none<E>(self) -> Result<Root, E> {
        Ok(Root::default())
    }

    fn visit_unit<E>(self) -> Result<Root, E> {
        Ok(Root::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, source: D) -> Result<Root, D::Error> {
        source.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Root, A::Error> {
        let mut root = Root::default();
        let mut seen: Vec<String> = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "agents" => root.agents = map.next_value_seed(Section::<RawAgent>::new(self.0, "agents"))?,
                "groups" => root.groups = map.next_value_seed(Section::<RawGroup>::new(self.0, "groups"))?,
                "settings" => root.settings = self.settings(map.next_value()?),
                _ => {
                    Misnamed::refuse(&key, TableKind::Other, &mut map)?;
                    if let Some(meant) = section(&key) {
                        if holds_keys(&map.next_value()?) {
                            let misnamed = MisnamedSection { key: key.clone(), meant, is_there: false };
                            self.0.keys.borrow_mut().misnamed.get_or_insert(misnamed);
                        }
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                    // The convention of other YAML tools for a place to keep anchors.
                    if !key.starts_with("x-") {
                        self.0.keys.borrow_mut().unknown(vec![key.clone()], SECTIONS);
                    }
                }
            }
            if seen.contains(&key) {
                self.0.keys.borrow_mut().repeated(vec![key]);
            } else {
                seen.push(key);
            }
        }
        if let Some(misnamed) = &mut self.0.keys.borrow_mut().misnamed {
            misnamed.is_there = seen.iter().any(|key| key == misnamed.meant);
        }
        Ok(root)
    }
}

impl RootSeed<'_, '_> {
    fn settings(&self, raw: Option<RawSettings>) -> Settings {
        let Some(mut raw) = raw else { return Settings::default() };
        let keys = &mut self.0.keys.borrow_mut();
        keys.note(&["settings"], std::mem::take(&mut raw.noted), RawSettings::KEYS);
        if let Some(Some(cache)) = &mut raw.cache {
            keys.note(&["settings", "cache"], std::mem::take(&mut cache.noted), RawCache::KEYS);
        }
        raw.checked()
    }
}
