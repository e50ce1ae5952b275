//! Code and spec, compared over every concrete state of the small scope and every concrete event.

use agent_dispatch::machines::rejected::Rejected;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Display;

use super::cache::Cache;
use super::dialogue::Dialogue;
use super::dispatch::Dispatch;
use super::file::{Names, Row, RowId, Spec, Transition};
use super::job::Job;
use super::parallel::Parallel;
use super::part::Part;
use super::slots::Slots;
use super::subject::{Datum, Guard, Seen, Subject, fields, reachable};
use super::takeover::Takeover;

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

//= X-1
#[test]
fn takeover_does_what_its_spec_says() {
    compare::<Takeover>();
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
    restore::<Takeover>();
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
    for state in S::states() {
        let superstates = S::groups(state).into_iter().map(str::to_lowercase).collect::<Vec<_>>();
        assert_eq!(superstates, spec.groups_of(S::state_name(&state)), "{}: superstates of {state:?}", S::NAME);
    }
    let (rows, events) = (spec.rows(), S::events());
    let oracle = Oracle::<S>::new(&spec, &rows);
    let mut used = BTreeSet::new();
    let reached: HashSet<S::State> = reachable::<S>().into_iter().collect();
    let others = S::states().into_iter().filter(|state| !reached.contains(state));
    for state in others.map(Seen::of) {
        for event in &events {
            oracle.compare(&state, event);
        }
    }
    for state in reached.iter().copied().map(Seen::of) {
        for event in &events {
            used.extend(oracle.compare(&state, event));
        }
    }
    for row in &rows {
        assert!(used.contains(&row.id), "{}: {} is never used on any reachable state", S::NAME, describe(row));
    }
}

fn compare_first<S: Subject>(spec: &Spec) {
    for (state, effects) in S::firsts() {
        let state = Seen::of(state);
        assert_eq!(S::state_name(&state.state), spec.first.state, "{}: first state", S::NAME);
        assert!(are_named(&effects, &spec.first.effects), "{}: effects of the beginning: {effects:?}", S::NAME);
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
        assert_eq!(state.fields, expected, "{}: first state", S::NAME);
    }
}

/// A row that speaks of a state and an event, and its guards by their places.
struct Rule<'a> {
    row: &'a Row<'a>,
    when: Vec<usize>,
    unless: Vec<usize>,
}

/// The spec, as it is asked: there are hundreds of thousands of steps.
struct Oracle<'a, S: Subject> {
    spec: &'a Spec,
    rules: HashMap<(&'a str, &'a str), Vec<Rule<'a>>>,
    guards: Vec<(&'static str, Guard<S>)>,
    data: HashMap<&'static str, Datum<S>>,
}

/// A step under comparison. It is written out only where something is wrong.
struct Step<'a, S: Subject> {
    seen: &'a Seen<S::State>,
    event: &'a S::Event,
}

impl<S: Subject> Display for Step<'_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {:?} in {:?}", S::NAME, self.event, self.seen.state)
    }
}

impl<'a, S: Subject> Oracle<'a, S> {
    fn new(spec: &'a Spec, rows: &'a [Row<'a>]) -> Self {
        let guards = S::guards();
        let places = |names: &Names| {
            let place = |name: &String| guards.iter().position(|(known, _)| known == name);
            let place = |name| place(name).unwrap_or_else(|| panic!("{}: unknown guard `{name}`", S::NAME));
            names.0.iter().map(place).collect::<Vec<usize>>()
        };
        let rule = |row: &'a Row<'a>| Rule { row, when: places(row.when), unless: places(row.unless) };
        let rules = |state, event| rows.iter().filter(|row| spec.speaks_of(row, state, event)).map(rule).collect();
        let pairs = spec.states.names().flat_map(|state| spec.events.names().map(move |event| (state, event)));
        let rules = pairs.map(|pair| (pair, rules(pair.0, pair.1))).collect();
        Self { spec, rules, guards, data: S::data().into_iter().collect() }
    }

    /// Compares what the code does with what the spec says. Returns the row that applied.
    fn compare(&self, seen: &Seen<S::State>, event: &S::Event) -> Option<RowId> {
        let at = Step::<S> { seen, event };
        let (state, name) = (S::state_name(&seen.state), S::event_name(event));
        let rules = self.rules.get(&(state, name)).unwrap_or_else(|| panic!("{at}: unknown to the spec"));
        let applying = self.applying(rules, &at);
        let all = std::fmt::from_fn(|f| f.debug_list().entries(applying.iter().map(|row| describe(row))).finish());
        assert!(applying.len() <= 1, "{at}: several rows apply: {all:?}");
        let got = S::step(seen.state, event);
        let row = applying.first().map(|row| row.id);
        match row {
            Some(RowId::Transition(index)) => {
                let Ok((next, effects)) = got else { panic!("{at}: the spec has {all:?}, the code says {got:?}") };
                self.compare_transition(&self.spec.transitions[index], &at, next, &effects);
            }
            Some(RowId::Ignored(_)) => {
                assert_eq!(got, Ok((seen.state, Vec::new())), "{at}: the spec ignores it: {all:?}")
            }
            Some(RowId::NoOp(_)) => {
                assert_eq!(got, Err(Rejected::NoOp { state, event: name }), "{at}: {all:?}");
            }
            None => assert_eq!(got, Err(Rejected::Invalid { state, event: name }), "{at}: the spec has no row"),
        }
        row
    }

    /// The rows whose guards allow the step, each guard looked at once, however many rows name it.
    fn applying(&self, rules: &'a [Rule<'a>], at: &Step<'_, S>) -> Vec<&'a Row<'a>> {
        let mut verdicts = vec![None; self.guards.len()];
        let mut holds = |guard: usize| *verdicts[guard].get_or_insert_with(|| self.guards[guard].1(at.seen, at.event));
        let mut admits = |rule: &&Rule<'a>| {
            rule.when.iter().all(|guard| holds(*guard)) && !rule.unless.iter().any(|guard| holds(*guard))
        };
        rules.iter().filter(|rule| admits(rule)).map(|rule| rule.row).collect()
    }

    fn compare_transition(&self, row: &Transition, at: &Step<'_, S>, next: S::State, effects: &[S::Effect]) {
        assert_eq!(S::state_name(&next), row.to, "{at}: target");
        assert!(are_named(effects, &row.effects), "{at}: effects, in order: {effects:?} instead of {:?}", row.effects);
        let expected = self.expected_fields(row, at);
        assert_eq!(fields(&next), expected, "{at}: what the new state remembers");
        for effect in effects {
            let declared = self.spec.effects.get(&effect.to_string());
            let path = declared.unwrap_or_else(|| panic!("{at}: unknown effect {effect}")).carries.as_deref();
            let expected = path.map(|path| {
                let mut parts = path.split('.');
                let whole = parts.next().and_then(|part| expected.get(part)).unwrap_or(&Value::Null);
                parts.fold(whole, |value, key| &value[key]).clone()
            });
            assert_eq!(S::payload(effect), expected, "{at}: what goes with {effect}");
        }
    }

    /// What the row says about the new state: what it sets, and the rest as it was.
    fn expected_fields(&self, row: &Transition, at: &Step<'_, S>) -> Map<String, Value> {
        let target = self.spec.states.get(&row.to).unwrap_or_else(|| panic!("{at}: unknown state {}", row.to));
        let mut surplus = row.sets.names().filter(|name| !target.holds.iter().any(|held| held == name));
        assert_eq!(surplus.next(), None, "{at}: {} does not hold it", row.to);
        let value = |name: &String| match row.sets.get(name) {
            Some(expression) => {
                let datum = self.data.get(expression.as_str());
                datum.unwrap_or_else(|| panic!("{at}: unknown expression `{expression}`"))(at.seen, at.event)
            }
            None => {
                let before = at.seen.fields.get(name);
                before.unwrap_or_else(|| panic!("{at}: nothing says what `{name}` becomes")).clone()
            }
        };
        target.holds.iter().map(|name| (name.clone(), value(name))).collect()
    }
}

/// Whether the effects are those of these names, in this order.
fn are_named<E: ToString>(effects: &[E], names: &[String]) -> bool {
    effects.iter().map(E::to_string).eq(names.iter().cloned())
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
