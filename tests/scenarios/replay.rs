//! The scenarios of the spec, step by step on the machines of the program.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::machines::{Arguments, Machine, begin};
use crate::spec::actors::{Actors, Held};
use crate::spec::citation;
use crate::spec::file::Ordered;
use crate::spec::scenario::{self, Scenario, Step};

/// What the spec tells in any case.
const TOLD: [&str; 8] = [
    "happy_path",
    "schema_repair",
    "usage_limit",
    "supervisor_dies_caller_waits",
    "supervisor_dies_nobody_waits",
    "server_dies",
    "cancel_first",
    "finish_first",
];

#[test]
fn every_scenario_is_what_the_machines_do() {
    let actors = Actors::load();
    let scenarios = scenario::all();
    for name in TOLD {
        assert!(scenarios.iter().any(|scenario| scenario.scenario == name), "no scenario {name}");
    }
    for scenario in &scenarios {
        let other = scenario.continues.as_ref().map(|continues| &continues.with);
        let mut play = Play { actors: &actors, other, machines: BTreeMap::new(), held: BTreeMap::new() };
        for (index, step) in scenario.earlier(&scenarios).iter().chain(&scenario.steps).enumerate() {
            play.step(step, &format!("{}, step {}", scenario.scenario, index + 1));
        }
        assert!(play.held.is_empty(), "{}: still held: {:?}", scenario.scenario, play.held);
    }
}

#[test]
fn the_tests_that_play_a_scenario_exist() {
    for Scenario { scenario, played_by, .. } in scenario::all() {
        assert!(!played_by.is_empty(), "{scenario}: no test plays it with the built program");
        played_by.iter().for_each(|test| citation::test_exists(test));
    }
}

struct Play<'a> {
    actors: &'a Actors,
    /// With what machines begin, beside what the first steps say, which are those of another scenario.
    other: Option<&'a Ordered<Ordered<Value>>>,
    machines: BTreeMap<String, Box<dyn Machine>>,
    /// Who holds what.
    held: BTreeMap<String, String>,
}

impl Play<'_> {
    fn step(&mut self, step: &Step, at: &str) {
        assert!(self.actors.actors.get(&step.who).is_some(), "{at}: unknown actor `{}`", step.who);
        let before = self.held.clone();
        for happening in &step.happens.0 {
            assert!(self.actors.happenings.get(happening).is_some(), "{at}: unknown happening `{happening}`");
            self.follow(happening);
        }
        for machine in &step.lost {
            assert!(self.machines.remove(machine).is_some(), "{at}: there is no {machine} that could be lost");
        }
        match step.machine() {
            Some((machine, event)) => self.machine(step, machine, event, at),
            None => assert!(step.to.is_none() && step.effects.is_empty(), "{at}: no machine takes a step"),
        }
        self.compare_held(step, &before, at);
    }

    fn machine(&mut self, step: &Step, name: &str, event: Option<&str>, at: &str) {
        let beside = self.other.and_then(|other| other.get(name)).filter(|_| event.is_none());
        let with: Ordered<Value> =
            Ordered(step.with.0.iter().chain(beside.into_iter().flat_map(|beside| &beside.0)).cloned().collect());
        let with = Arguments::new(&with);
        let outcome = match event {
            None => {
                let (machine, effects) = begin(name, &with);
                assert!(self.machines.insert(name.to_owned(), machine).is_none(), "{at}: {name} is there already");
                Ok(effects)
            }
            Some(event) => {
                let machine = self.machines.get_mut(name).unwrap_or_else(|| panic!("{at}: there is no {name}"));
                machine.take(event, &with)
            }
        };
        with.all_were_asked_for();
        assert_eq!(outcome.as_ref().err(), step.rejected.as_ref(), "{at}: whether the event is rejected");
        let effects = outcome.unwrap_or_default();
        assert_eq!(effects, step.effects, "{at}: effects");
        let machine = &self.machines[name];
        let to = step.to.as_deref().unwrap_or_else(|| panic!("{at}: `to` is missing"));
        assert_eq!(machine.state(), to, "{at}: state of {name}");
        let fields = Value::Object(machine.remembers());
        for (path, expected) in &step.remembers.0 {
            let found = path.split('.').fold(&fields, |value, key| &value[key]);
            assert_eq!(found, expected, "{at}: {path} in {fields}");
        }
        if step.rejected.is_none() {
            event.into_iter().chain(effects.iter().map(String::as_str)).for_each(|what| {
                self.follow(&format!("{name}.{what}"));
            });
        }
    }

    /// Takes and frees what goes with an event, an effect or a happening.
    fn follow(&mut self, what: &str) {
        for (name, resource) in &self.actors.resources.0 {
            if resource.freed.contains(what) {
                self.held.remove(name);
            }
            if let Some(holder) = resource.taken.get(what) {
                self.held.insert(name.clone(), holder.clone());
            }
        }
    }

    fn compare_held(&self, step: &Step, before: &BTreeMap<String, String>, at: &str) {
        let taken: BTreeMap<&String, &String> =
            self.held.iter().filter(|(name, holder)| before.get(*name) != Some(*holder)).collect();
        let freed: BTreeSet<&String> = before.keys().filter(|name| !self.held.contains_key(*name)).collect();
        let declared = step.takes.0.iter().map(|(name, holder)| (name, holder)).collect();
        assert_eq!(taken, declared, "{at}: left: what is taken by the rules of actors.yaml; right: `takes`");
        assert_eq!(freed, step.frees.iter().collect(), "{at}: left: what is freed; right: `frees`");
        // A run's own table tells what its supervisor knows, which is a step behind.
        for (name, table) in self.actors.tables.0.iter().filter(|(name, _)| name != "dispatch") {
            let Some(state) = self.machines.get(table.machine_or(name)).map(|machine| machine.state()) else {
                continue;
            };
            for (resource, held) in table.states.get(state).iter().flat_map(|row| &row.0) {
                let there = self.held.contains_key(resource);
                let broken = match held {
                    Held::Never => there && (table.when.is_none() || !self.held.contains_key("job_lock")),
                    Held::Must => !there && table.when.is_none(),
                    Held::May => false,
                };
                assert!(!broken, "{at}: {name} is {state}, in which {resource} is held: {held:?}, {there}");
            }
        }
    }
}
