//! The spec compared with itself, and its vocabulary with the code's.

use std::collections::{BTreeMap, BTreeSet};

use super::actors::Actors;
use super::cache::Cache;
use super::dialogue::Dialogue;
use super::dispatch::Dispatch;
use super::file::{Spec, directory, root};
use super::job::Job;
use super::parallel::Parallel;
use super::part::Part;
use super::slots::Slots;
use super::subject::{Subject, carried, fields, reachable};
use super::takeover::Takeover;

#[test]
fn dispatch_spec_is_sound() {
    check::<Dispatch>();
}

#[test]
fn job_spec_is_sound() {
    check::<Job>();
}

#[test]
fn cache_spec_is_sound() {
    check::<Cache>();
}

#[test]
fn slots_spec_is_sound() {
    check::<Slots>();
}

#[test]
fn dialogue_spec_is_sound() {
    check::<Dialogue>();
}

#[test]
fn parallel_spec_is_sound() {
    check::<Parallel>();
}

#[test]
fn part_spec_is_sound() {
    check::<Part>();
}

#[test]
fn takeover_spec_is_sound() {
    check::<Takeover>();
}

#[test]
fn every_spec_file_is_compared_with_a_machine() {
    let mut files: Vec<String> = std::fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".yaml").map(str::to_owned))
        .filter(|name| !["actors", "invariants"].contains(&name.as_str()))
        .collect();
    files.sort();
    let mut machines = super::file::MACHINES.map(str::to_owned).to_vec();
    machines.sort();
    assert_eq!(files, machines);
}

#[test]
fn finality_in_the_spec_is_finality_in_the_code() {
    use agent_dispatch::machines::job::State;
    use strum::VariantArray;
    let spec = Spec::load("job");
    for state in State::VARIANTS.iter().copied() {
        let finished = spec.expand("finished").contains(state.name());
        let open = spec.expand("open").contains(state.name());
        assert_eq!(state.is_terminal(), !open, "{state:?}");
        assert_eq!(state.is_manned(), spec.expand("manned").contains(state.name()), "{state:?}");
        assert_eq!(state.is_unsettled(), !finished && state != State::Collected, "{state:?}");
    }
}

#[test]
fn a_record_tells_the_state_and_older_readers_its_status() {
    use agent_dispatch::machines::job::{Phase, State, Status};
    use strum::VariantArray;
    let phases = Phase::ALL.map(Some).into_iter().chain([None]);
    for (status, phase) in Status::ALL.into_iter().flat_map(|status| phases.clone().map(move |phase| (status, phase))) {
        let state = State::of_record(status, phase);
        let (told, exact) = state.in_record().unwrap();
        assert_eq!(told, status, "{state:?} is still {status:?} for everybody");
        assert!(exact == phase || exact.is_none(), "{status:?} {phase:?}");
        assert_eq!(Status::named(status.name()), Some(status));
        assert_eq!(status.is_terminal(), state.is_terminal(), "{state:?}");
    }
    for state in State::VARIANTS.iter().copied() {
        match state.in_record() {
            Some((status, phase)) => assert_eq!(State::of_record(status, phase), state),
            None => assert_eq!(state, State::Collected),
        }
    }
}

fn check<S: Subject>() {
    let spec = Spec::load(S::NAME);
    names_are_known::<S>(&spec);
    groups_are_known(&spec);
    actors_are_known(&spec);
    phases_share_the_states(&spec);
    everything_is_reachable::<S>(&spec);
    final_where_nothing_leads_out(&spec);
    vocabulary_is_that_of_the_code::<S>(&spec);
    assert!(root().join(&spec.code).is_file(), "{}: code is not at {}", S::NAME, spec.code);
}

fn names_are_known<S: Subject>(spec: &Spec) {
    let known_events: BTreeSet<&str> = spec.events.names().collect();
    let mut guards = BTreeSet::new();
    for row in spec.rows() {
        for name in &row.from.0 {
            assert!(!spec.expand(name).is_empty(), "{}: nothing is within `{name}`", S::NAME);
        }
        for event in &row.event.0 {
            assert!(known_events.contains(event.as_str()), "{}: unknown event `{event}`", S::NAME);
        }
        guards.extend(row.when.0.iter().chain(&row.unless.0).cloned());
    }
    let declared: BTreeSet<String> = spec.guards.names().map(str::to_owned).collect();
    let evaluated: BTreeSet<String> = S::guards().iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(guards, declared, "{}: guards in rows and guards declared", S::NAME);
    assert_eq!(evaluated, declared, "{}: guards evaluated and guards declared", S::NAME);

    let written: BTreeSet<&str> =
        spec.transitions.iter().flat_map(|row| row.sets.0.iter().map(|(_, expression)| expression.as_str())).collect();
    let evaluated: BTreeSet<&str> = S::data().iter().map(|(name, _)| *name).collect();
    assert_eq!(written, evaluated, "{}: expressions written and expressions evaluated", S::NAME);

    let performed: BTreeSet<&str> = spec
        .transitions
        .iter()
        .flat_map(|row| row.effects.iter().map(String::as_str))
        .chain(spec.first.effects.iter().map(String::as_str))
        .collect();
    assert_eq!(performed, spec.effects.names().collect(), "{}: effects in rows and effects declared", S::NAME);

    let held: BTreeSet<&str> =
        spec.states.0.iter().flat_map(|(_, state)| state.holds.iter().map(String::as_str)).collect();
    assert_eq!(held, spec.data.names().collect(), "{}: data held and data explained", S::NAME);
}

fn groups_are_known(spec: &Spec) {
    let within =
        spec.states.0.iter().map(|(_, state)| &state.within).chain(spec.groups.0.iter().map(|(_, g)| &g.within));
    for group in within.flatten() {
        assert!(spec.groups.get(group).is_some(), "{}: unknown group `{group}`", spec.machine);
    }
    for name in spec.groups.names() {
        assert!(spec.states.get(name).is_none(), "{}: `{name}` is a state and a group", spec.machine);
        assert!(!spec.expand(name).is_empty(), "{}: nothing is within `{name}`", spec.machine);
    }
}

fn actors_are_known(spec: &Spec) {
    let actors = Actors::load();
    assert!(!spec.driver.is_empty(), "{}: nobody drives it", spec.machine);
    for (name, event) in &spec.events.0 {
        assert!(!event.by.is_empty(), "{}: nobody brings about `{name}`", spec.machine);
    }
    for name in spec.events.0.iter().flat_map(|(_, event)| &event.by).chain(&spec.driver) {
        assert!(actors.actors.get(name).is_some(), "{}: unknown actor `{name}`", spec.machine);
    }
}

/// Every state that anything leads out of is in one picture exactly.
fn phases_share_the_states(spec: &Spec) {
    if spec.phases.0.is_empty() {
        return;
    }
    let mut shown: Vec<&str> =
        spec.phases.0.iter().flat_map(|(_, phase)| phase.states.iter().map(String::as_str)).collect();
    shown.sort_unstable();
    let open = spec.states.0.iter().filter(|(_, state)| !state.is_final);
    let mut declared: Vec<&str> = open.map(|(name, _)| name.as_str()).collect();
    declared.sort_unstable();
    assert_eq!(shown, declared, "{}: states in phases, and states that are not final", spec.machine);
}

/// Twice: by the rows of the spec alone, and by the steps of the code.
fn everything_is_reachable<S: Subject>(spec: &Spec) {
    let mut seen = BTreeSet::from([spec.first.state.as_str()]);
    loop {
        let leads = |row: &&super::file::Transition| {
            row.from.0.iter().any(|name| spec.expand(name).iter().any(|state| seen.contains(state)))
        };
        let next: Vec<&str> = spec.transitions.iter().filter(leads).map(|row| row.to.as_str()).collect();
        let before = seen.len();
        seen.extend(next);
        if seen.len() == before {
            break;
        }
    }
    let declared: BTreeSet<&str> = spec.states.names().collect();
    assert_eq!(seen, declared, "{}: states that the rows lead to, and states declared", S::NAME);
    let visited: BTreeSet<&str> = reachable::<S>().iter().map(S::state_name).collect();
    assert_eq!(visited, declared, "{}: states that the code comes to, and states declared", S::NAME);
}

fn final_where_nothing_leads_out(spec: &Spec) {
    for (name, state) in &spec.states.0 {
        let leads_out =
            spec.transitions.iter().any(|row| row.from.0.iter().any(|from| spec.expand(from).contains(name.as_str())));
        assert_eq!(state.is_final, !leads_out, "{}: {name}: final exactly where nothing leads out", spec.machine);
        let quiet =
            spec.ignored.iter().any(|row| row.from.0.iter().any(|from| spec.expand(from).contains(name.as_str())));
        assert!(!(state.is_final && quiet), "{}: {name}: what is over refuses, it does not ignore", spec.machine);
    }
}

fn vocabulary_is_that_of_the_code<S: Subject>(spec: &Spec) {
    let mut held: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for state in S::states() {
        held.entry(S::state_name(&state)).or_default().extend(fields(&state).keys().cloned());
    }
    let declared: BTreeMap<&str, BTreeSet<String>> =
        spec.states.0.iter().map(|(name, state)| (name.as_str(), state.holds.iter().cloned().collect())).collect();
    assert_eq!(held, declared, "{}: states and what they hold", S::NAME);

    let mut carries: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for event in S::events() {
        carries.entry(S::event_name(&event)).or_default().extend(carried(&event));
    }
    let declared: BTreeMap<&str, BTreeSet<String>> =
        spec.events.0.iter().map(|(name, event)| (name.as_str(), event.carries.iter().cloned().collect())).collect();
    assert_eq!(carries, declared, "{}: events and what they carry", S::NAME);

    let numbers: BTreeMap<&str, u64> = S::numbers().into_iter().collect();
    let declared: BTreeMap<&str, u64> =
        spec.numbers.0.iter().map(|(name, number)| (name.as_str(), number.value)).collect();
    assert_eq!(numbers, declared, "{}: numbers", S::NAME);
}
