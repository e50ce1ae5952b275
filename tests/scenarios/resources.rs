//! Who holds what in which state, followed through the events and effects of one machine in every way that it can go.

use std::collections::{BTreeSet, HashSet, VecDeque};

use crate::spec::actors::{Actors, Sightings};
use crate::spec::dispatch::Dispatch;
use crate::spec::slots::Slots;
use crate::spec::subject::Subject;
use crate::spec::takeover::Takeover;

#[test]
fn a_run_holds_what_the_table_says() {
    compare::<Dispatch>();
}

#[test]
fn an_asker_holds_what_the_table_says() {
    compare::<Slots>();
}

#[test]
fn a_caller_holds_what_the_table_says() {
    compare::<Takeover>();
}

type Held = BTreeSet<String>;

fn compare<S: Subject>() {
    let actors = Actors::load();
    let table = actors.tables.get(S::NAME).unwrap();
    let follow = |held: &mut Held, what: &str| {
        for (resource, follows) in &table.follows.0 {
            if follows.freed.contains(what) {
                held.remove(resource);
            }
            if follows.taken.contains(what) {
                held.insert(resource.clone());
            }
        }
    };
    let ways = S::ways();
    let (mut seen, mut sightings) = (HashSet::new(), Sightings::default());
    let mut todo: VecDeque<(S::State, Held)> = VecDeque::new();
    for (state, effects) in S::firsts() {
        let mut held = Held::new();
        effects.iter().for_each(|effect| follow(&mut held, &effect.to_string()));
        todo.push_back((state, held));
    }
    while let Some((state, held)) = todo.pop_front() {
        if !S::in_scope(&state) || !seen.insert((state, held.clone())) {
            continue;
        }
        for resource in table.follows.names() {
            sightings.see(S::state_name(&state), resource, held.contains(resource));
        }
        for event in &ways {
            let Ok((next, effects)) = S::step(state, event) else { continue };
            let mut held = held.clone();
            follow(&mut held, S::event_name(event));
            effects.iter().for_each(|effect| follow(&mut held, &effect.to_string()));
            todo.push_back((next, held));
        }
    }
    sightings.compare(S::NAME);
}
