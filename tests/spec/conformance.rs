//! Code and spec, compared over every concrete state of the small scope and every concrete event.

use agent_dispatch::machines::refused::Refused;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

use super::cache::Cache;
use super::dialogue::Dialogue;
use super::dispatch::Dispatch;
use super::file::{Row, RowId, Spec, Transition};
use super::job::Job;
use super::parallel::Parallel;
use super::part::Part;
use super::slots::Slots;
use super::subject::{Guard, Subject, fields, reachable};

//= X-1
#[test]
fn dispatch_does_what_its_spec_says() {
    compare::<Dispatch>();
}

//= X-1
#[test]
fn job_does_what_its_spec_says() {
    compare::<Job>();
}

//= X-1
#[test]
fn cache_does_what_its_spec_says() {
    compare::<Cache>();
}

//= X-1
#[test]
fn slots_does_what_its_spec_says() {
    compare::<Slots>();
}

//= X-1
#[test]
fn dialogue_does_what_its_spec_says() {
    compare::<Dialogue>();
}

//= X-1
#[test]
fn parallel_does_what_its_spec_says() {
    compare::<Parallel>();
}

//= X-1
#[test]
fn part_does_what_its_spec_says() {
    compare::<Part>();
}

//= X-2
#[test]
fn a_restored_machine_goes_on_as_the_original() {
    restore::<Dispatch>();
    restore::<Job>();
    restore::<Cache>();
    restore::<Slots>();
    restore::<Dialogue>();
    restore::<Parallel>();
    restore::<Part>();
}

fn restore<S: Subject>() {
    for state in S::states() {
        let text = serde_json::to_string(&state).unwrap();
        let restored: S::State = serde_json::from_str(&text).unwrap();
        assert_eq!(restored, state, "{}: {text}", S::NAME);
    }
}

fn compare<S: Subject>() {
    let spec = Spec::load(S::NAME);
    compare_first::<S>(&spec);
    let reached: Vec<S::State> = reachable::<S>();
    let (rows, events) = (spec.rows(), S::events());
    let (table, guards) = (table(&spec, &rows), S::guards());
    let mut used = BTreeSet::new();
    for state in S::states() {
        for event in &events {
            compare_step::<S>(&spec, &table, &guards, state, event);
        }
    }
    for state in reached {
        for event in &events {
            used.extend(compare_step::<S>(&spec, &table, &guards, state, event));
        }
    }
    for row in &rows {
        assert!(used.contains(&row.id), "{}: {} is never used on any reachable state", S::NAME, describe(row));
    }
}

/// The rows that speak of a state and an event, whatever their guards.
type Table<'a> = BTreeMap<(&'a str, &'a str), Vec<&'a Row<'a>>>;

fn table<'a>(spec: &'a Spec, rows: &'a [Row<'a>]) -> Table<'a> {
    let pairs = spec.states.names().flat_map(|state| spec.events.names().map(move |event| (state, event)));
    pairs.map(|pair| (pair, rows.iter().filter(|row| spec.speaks_of(row, pair.0, pair.1)).collect())).collect()
}

fn compare_first<S: Subject>(spec: &Spec) {
    for (state, effects) in S::firsts() {
        assert_eq!(S::state_name(&state), spec.first.state, "{}: first state", S::NAME);
        assert_eq!(names(&effects), spec.first.effects, "{}: effects of the beginning", S::NAME);
        let expected: Map<String, Value> = spec
            .first
            .sets
            .0
            .iter()
            .map(|(name, expression)| {
                let value = S::first_datum(expression, &state);
                (name.clone(), value.unwrap_or_else(|| panic!("{}: first: unknown `{expression}`", S::NAME)))
            })
            .collect();
        assert_eq!(fields(&state), expected, "{}: first state", S::NAME);
    }
}

/// Returns the row that applied.
fn compare_step<S: Subject>(
    spec: &Spec,
    table: &Table<'_>,
    guards: &[(&'static str, Guard<S>)],
    state: S::State,
    event: &S::Event,
) -> Option<RowId> {
    let (from, name) = (S::state_name(&state), S::event_name(event));
    // Written only where something is wrong: there are millions of steps.
    let context = std::fmt::from_fn(|f| write!(f, "{}: {event:?} in {state:?}", S::NAME));
    let context: &dyn std::fmt::Display = &context;
    let speaking = table.get(&(from, name)).unwrap_or_else(|| panic!("{context}: unknown to the spec"));
    let mut judged = Judged::<S>::new(guards, &state, event);
    let applying: Vec<&Row<'_>> = speaking.iter().filter(|row| judged.admits(row)).copied().collect();
    let all = std::fmt::from_fn(|f| f.debug_list().entries(applying.iter().map(|row| describe(row))).finish());
    assert!(applying.len() <= 1, "{context}: several rows apply: {all:?}");
    let got = S::step(state, event);
    let row = applying.first().map(|row| row.id);
    match row {
        Some(RowId::Transition(index)) => {
            let Ok((next, effects)) = got else { panic!("{context}: the spec has {all:?}, the code says {got:?}") };
            compare_transition::<S>(spec, &spec.transitions[index], (&state, event), (&next, &effects), context);
        }
        Some(RowId::Ignored(_)) => {
            assert_eq!(got, Ok((state, Vec::new())), "{context}: the spec ignores it: {all:?}");
        }
        Some(RowId::AlreadyThere(_)) => {
            assert_eq!(got, Err(Refused::AlreadyThere { state: from, event: name }), "{context}: {all:?}");
        }
        None => assert_eq!(got, Err(Refused::NotHere { state: from, event: name }), "{context}: the spec has no row"),
    }
    row
}

fn compare_transition<S: Subject>(
    spec: &Spec,
    row: &Transition,
    (state, event): (&S::State, &S::Event),
    (next, effects): (&S::State, &[S::Effect]),
    context: &dyn std::fmt::Display,
) {
    assert_eq!(S::state_name(next), row.to, "{context}: target");
    assert_eq!(names(effects), row.effects, "{context}: effects, in order");
    let expected = expected_fields::<S>(spec, row, state, event, context);
    assert_eq!(fields(next), expected, "{context}: what the new state remembers");
    for effect in effects {
        let declared = spec.effects.get(&effect.to_string());
        let path = declared.unwrap_or_else(|| panic!("{context}: unknown effect {effect}")).carries.as_deref();
        let expected =
            path.map(|path| path.split('.').fold(Value::from(expected.clone()), |value, key| value[key].clone()));
        assert_eq!(S::payload(effect), expected, "{context}: what goes with {effect}");
    }
}

/// What the row says about the new state: what it sets, and the rest as it was.
fn expected_fields<S: Subject>(
    spec: &Spec,
    row: &Transition,
    state: &S::State,
    event: &S::Event,
    context: &dyn std::fmt::Display,
) -> Map<String, Value> {
    let target = spec.states.get(&row.to).unwrap_or_else(|| panic!("{context}: unknown state {}", row.to));
    let before = fields(state);
    let surplus: Vec<&str> = row.sets.names().filter(|name| !target.holds.iter().any(|held| held == name)).collect();
    assert!(surplus.is_empty(), "{context}: {} does not hold {surplus:?}", row.to);
    let value = |name: &String| match row.sets.get(name) {
        Some(expression) => {
            let known = S::data().into_iter().find(|(known, _)| known == expression);
            let (_, datum) = known.unwrap_or_else(|| panic!("{context}: unknown expression `{expression}`"));
            datum(state, event)
        }
        None => before.get(name).unwrap_or_else(|| panic!("{context}: nothing says what `{name}` becomes")).clone(),
    };
    target.holds.iter().map(|name| (name.clone(), value(name))).collect()
}

/// The guards of a step, each looked at once however many rows name it.
struct Judged<'a, S: Subject> {
    guards: &'a [(&'static str, Guard<S>)],
    verdicts: Vec<Option<bool>>,
    state: &'a S::State,
    event: &'a S::Event,
}

impl<'a, S: Subject> Judged<'a, S> {
    fn new(guards: &'a [(&'static str, Guard<S>)], state: &'a S::State, event: &'a S::Event) -> Self {
        Self { guards, verdicts: vec![None; guards.len()], state, event }
    }

    fn admits(&mut self, row: &Row<'_>) -> bool {
        row.when.0.iter().all(|name| self.holds(name)) && !row.unless.0.iter().any(|name| self.holds(name))
    }

    fn holds(&mut self, name: &str) -> bool {
        let index = self.guards.iter().position(|(known, _)| *known == name);
        let index = index.unwrap_or_else(|| panic!("{}: unknown guard `{name}`", S::NAME));
        *self.verdicts[index].get_or_insert_with(|| (self.guards[index].1)(self.state, self.event))
    }
}

fn names<E: ToString>(effects: &[E]) -> Vec<String> {
    effects.iter().map(E::to_string).collect()
}

fn describe(row: &Row<'_>) -> String {
    let (from, event) = (row.from.0.join("|"), row.event.0.join("|"));
    format!("{:?} (from {from}, event {event}, when {:?}, unless {:?})", row.id, row.when.0, row.unless.0)
}

/// `fields` is the oracle's eye: a state that it misreads would be compared with nothing.
#[test]
fn the_eye_of_the_oracle_sees_fields() {
    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Sample {
        Bare,
        Full { a: u8 },
    }
    assert!(fields(&Sample::Bare).is_empty());
    assert_eq!(Value::from(fields(&Sample::Full { a: 3 })), serde_json::json!({"a": 3}));
}
