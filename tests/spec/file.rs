//! The spec files, as types. An unknown key, a missing one and a repeated one are errors.

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error};
use serde_yaml::{Mapping, Value};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A mapping whose order is kept: tables show things as the author put them.
#[derive(Debug, Clone)]
pub struct Ordered<T>(pub Vec<(String, T)>);

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Ordered<T> {
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_str())
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mapping = Mapping::deserialize(deserializer)?;
        let entries = mapping.into_iter().map(|(key, value)| {
            let key = key.as_str().ok_or_else(|| D::Error::custom("a name must be a string"))?.to_owned();
            let value = serde_yaml::from_value(value).map_err(|e| D::Error::custom(format!("{key}: {e}")))?;
            Ok((key, value))
        });
        entries.collect::<Result<_, D::Error>>().map(Self)
    }
}

/// One name, several, or none.
#[derive(Debug, Clone, Default)]
pub struct Names(pub Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(name) => Ok(Self(vec![name])),
            other => serde_yaml::from_value(other).map(Self).map_err(D::Error::custom),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct First {
    pub state: String,
    #[serde(rename = "with")]
    pub sets: Ordered<String>,
    pub effects: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Number {
    pub value: u64,
    /// What is counted: ms, rounds, items.
    pub unit: String,
    pub means: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub within: Option<String>,
    pub means: String,
}

/// Some states that are shown in one picture, with everything that leads out of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    pub states: Vec<String>,
    pub means: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    pub within: Option<String>,
    #[serde(default, rename = "final")]
    pub is_final: bool,
    /// What is remembered while the machine is in this state.
    #[serde(default)]
    pub holds: Vec<String>,
    pub means: String,
    /// What is true while the machine is in this state.
    #[serde(default)]
    pub facts: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    #[serde(default)]
    pub carries: Vec<String>,
    /// The actors whose doing it is.
    pub by: Vec<String>,
    pub means: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    /// The datum of the new state that goes with it.
    pub carries: Option<String>,
    pub means: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transition {
    pub from: Names,
    pub event: Names,
    #[serde(default)]
    pub when: Names,
    #[serde(default)]
    pub unless: Names,
    pub to: String,
    /// What the new state remembers; the rest is carried over from the old one.
    #[serde(default, rename = "with")]
    pub sets: Ordered<String>,
    pub effects: Vec<String>,
}

/// A row without consequence: ignored, or rejected as a no-op.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Idle {
    pub from: Names,
    pub event: Names,
    #[serde(default)]
    pub when: Names,
    #[serde(default)]
    pub unless: Names,
    pub because: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    pub machine: String,
    pub code: String,
    /// The actors who hand events to the machine and perform its effects.
    pub driver: Vec<String>,
    pub about: String,
    pub first: First,
    #[serde(default)]
    pub numbers: Ordered<Number>,
    #[serde(default)]
    pub groups: Ordered<Group>,
    /// How the states are spread over pictures; one picture of all where nothing is said.
    #[serde(default)]
    pub phases: Ordered<Phase>,
    pub states: Ordered<State>,
    #[serde(default)]
    pub data: Ordered<String>,
    pub events: Ordered<Event>,
    pub effects: Ordered<Effect>,
    pub guards: Ordered<String>,
    pub transitions: Vec<Transition>,
    pub ignored: Vec<Idle>,
    pub no_op: Vec<Idle>,
}

/// Which list a row stands in, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowId {
    Transition(usize),
    Ignored(usize),
    NoOp(usize),
}

/// What all rows have in common.
pub struct Row<'a> {
    pub id: RowId,
    pub from: &'a Names,
    pub event: &'a Names,
    pub when: &'a Names,
    pub unless: &'a Names,
}

impl Spec {
    pub fn load(machine: &str) -> Self {
        let spec: Self = load(&format!("{machine}.yaml"));
        assert_eq!(spec.machine, machine, "{machine}.yaml: `machine` is the file's name");
        spec
    }

    pub fn rows(&self) -> Vec<Row<'_>> {
        let transitions = self.transitions.iter().enumerate().map(|(i, t)| Row {
            id: RowId::Transition(i),
            from: &t.from,
            event: &t.event,
            when: &t.when,
            unless: &t.unless,
        });
        let ignored = self.ignored.iter().enumerate().map(|(i, r)| row_of(RowId::Ignored(i), r));
        let there = self.no_op.iter().enumerate().map(|(i, r)| row_of(RowId::NoOp(i), r));
        transitions.chain(ignored).chain(there).collect()
    }

    /// The states that a name in `from` stands for: itself, or those within the group and its sub-groups.
    pub fn expand(&self, name: &str) -> BTreeSet<&str> {
        if let Some((state, _)) = self.states.0.iter().find(|(state, _)| state == name) {
            return BTreeSet::from([state.as_str()]);
        }
        assert!(self.groups.get(name).is_some(), "{}: `{name}` is neither a state nor a group", self.machine);
        let members = self.states.0.iter().filter(|(state, _)| self.groups_of(state).contains(&name));
        members.map(|(state, _)| state.as_str()).collect()
    }

    /// The groups that a state is within, the outermost first.
    pub fn groups_of(&self, state: &str) -> Vec<&str> {
        let mut groups = Vec::new();
        let mut group = self.states.get(state).and_then(|state| state.within.as_deref());
        while let Some(current) = group {
            groups.insert(0, current);
            assert!(groups.len() <= self.groups.0.len(), "{}: groups within each other in a circle", self.machine);
            let found = self.groups.get(current);
            group = found.unwrap_or_else(|| panic!("{}: unknown group `{current}`", self.machine)).within.as_deref();
        }
        groups
    }

    /// Whether the row speaks of this state and event, whatever its guards.
    pub fn speaks_of(&self, row: &Row<'_>, state: &str, event: &str) -> bool {
        row.event.0.iter().any(|name| name == event) && row.from.0.iter().any(|name| self.expand(name).contains(state))
    }
}

fn row_of(id: RowId, row: &Idle) -> Row<'_> {
    Row { id, from: &row.from, event: &row.event, when: &row.when, unless: &row.unless }
}

/// A file of the spec.
pub fn load<T: DeserializeOwned>(name: &str) -> T {
    let path = directory().join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_yaml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The names of all machines that the spec declares, in the order of the pages. Here, and nowhere else.
pub const MACHINES: [&str; 8] = ["dispatch", "job", "takeover", "cache", "slots", "dialogue", "parallel", "part"];

/// Where the spec is.
pub fn directory() -> PathBuf {
    std::env::var_os("AGENT_DISPATCH_SPEC_DIR").map_or_else(|| root().join("spec"), PathBuf::from)
}

/// Where the package is.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
