//! `spec/actors.yaml`: who takes part, what they hold, and who holds what in which state.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::citation;
use super::file::{MACHINES, Ordered, Spec, load};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actors {
    pub about: String,
    pub actors: Ordered<Actor>,
    pub resources: Ordered<Resource>,
    pub happenings: Ordered<String>,
    pub tables: Ordered<Table>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    pub means: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    pub kind: String,
    /// What whoever finds it free knows.
    pub free: String,
    /// What takes it, and who holds it then.
    pub taken: BTreeMap<String, String>,
    pub freed: BTreeSet<String>,
    pub held_by_test: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The machine, where that is not the table's name.
    pub machine: Option<String>,
    /// The situations that it speaks of; all, where nothing is said.
    pub when: Option<String>,
    pub held_by_test: String,
    /// How the test knows.
    pub how: String,
    /// By which events and effects of the machine the resources are taken and freed.
    #[serde(default)]
    pub follows: Ordered<Follows>,
    pub states: Ordered<Ordered<Held>>,
    /// What holds in every situation, in whatever state: where all of the first are held, the second is, too.
    #[serde(default)]
    pub always: Vec<Always>,
    pub notes: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Follows {
    pub taken: BTreeSet<String>,
    pub freed: BTreeSet<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Always {
    pub r#where: Vec<String>,
    pub held: String,
    pub means: String,
}

/// Whether a resource is held in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    Must,
    May,
    Never,
}

impl Held {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::May => "may",
            Self::Never => "never",
        }
    }
}

impl Actors {
    pub fn load() -> Self {
        load("actors.yaml")
    }
}

impl Table {
    pub fn machine_or<'a>(&'a self, name: &'a str) -> &'a str {
        self.machine.as_deref().unwrap_or(name)
    }
}

/// What was seen of the resources in the states of a machine.
#[derive(Debug, Default)]
pub struct Sightings(BTreeMap<(String, String), (bool, bool)>);

impl Sightings {
    pub fn see(&mut self, state: &str, resource: &str, held: bool) {
        let (yes, no) = self.0.entry((state.to_owned(), resource.to_owned())).or_default();
        *yes |= held;
        *no |= !held;
    }

    /// Every cell of the table is what was seen, and everything that was seen has a cell.
    pub fn compare(&self, name: &str) {
        let actors = Actors::load();
        let table = actors.tables.get(name).unwrap_or_else(|| panic!("actors.yaml has no table {name}"));
        let cell = |((state, resource), seen): (&(String, String), &(bool, bool))| {
            let held = match seen {
                (true, false) => Held::Must,
                (false, true) => Held::Never,
                _ => Held::May,
            };
            ((state.clone(), resource.clone()), held.name())
        };
        let seen: BTreeMap<(String, String), &str> = self.0.iter().map(cell).collect();
        let rows = table.states.0.iter().flat_map(|(state, row)| row.0.iter().map(move |cell| (state, cell)));
        let declared = rows.map(|(state, (resource, held))| ((state.clone(), resource.clone()), held.name())).collect();
        assert_eq!(seen, declared, "{name}: left: what is held in the states; right: the table in actors.yaml");
    }
}

#[test]
fn what_actors_yaml_names_is_there() {
    let actors = Actors::load();
    let specs: Vec<Spec> = MACHINES.map(Spec::load).into_iter().collect();
    for (name, resource) in &actors.resources.0 {
        for holder in resource.taken.values() {
            assert!(actors.actors.get(holder).is_some(), "{name}: unknown actor `{holder}`");
        }
        for what in resource.taken.keys().chain(&resource.freed) {
            let (whose, which) = what.split_once('.').unwrap_or_else(|| panic!("{name}: `{what}`"));
            let of_machine = |spec: &&Spec| spec.machine == whose;
            let known = match specs.iter().find(of_machine) {
                Some(spec) => spec.events.get(which).is_some() || spec.effects.get(which).is_some(),
                None => actors.happenings.get(what).is_some(),
            };
            assert!(known, "{name}: `{what}` is neither an event, nor an effect, nor a happening");
        }
        citation::test_exists(&resource.held_by_test);
    }
    for (name, table) in &actors.tables.0 {
        let machine = table.machine_or(name);
        let spec = specs.iter().find(|spec| spec.machine == machine).unwrap_or_else(|| panic!("no machine {machine}"));
        let rows: BTreeSet<&str> = table.states.names().collect();
        for (name, state) in &spec.states.0 {
            assert!(state.is_final || rows.contains(name.as_str()), "{machine}: the table has no row for {name}");
        }
        assert!(rows.iter().all(|row| spec.states.get(row).is_some()), "{machine}: unknown states in {rows:?}");
        for word in table.follows.0.iter().flat_map(|(_, follows)| follows.taken.iter().chain(&follows.freed)) {
            let known = spec.events.get(word).is_some() || spec.effects.get(word).is_some();
            assert!(known, "{machine}: `{word}` is neither an event nor an effect");
        }
        for (_, row) in &table.states.0 {
            for resource in row.names() {
                assert!(actors.resources.get(resource).is_some(), "{machine}: unknown resource `{resource}`");
            }
        }
        citation::test_exists(&table.held_by_test);
    }
}
