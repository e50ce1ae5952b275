//! What a machine must show to be compared with its spec.

use agent_dispatch::machines::rejected::Rejected;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::{BTreeSet, VecDeque};
use std::fmt::{Debug, Display};
use std::hash::Hash;

/// A guard, evaluated without the machine.
pub type Guard<S> = fn(&Seen<<S as Subject>::State>, &<S as Subject>::Event) -> bool;
/// What a new state remembers, evaluated without the machine.
pub type Datum<S> = fn(&Seen<<S as Subject>::State>, &<S as Subject>::Event) -> Value;

/// A state and what it remembers, which is read once, however many guards look at it.
pub struct Seen<T> {
    pub state: T,
    pub fields: Map<String, Value>,
}

impl<T: Serialize> Seen<T> {
    pub fn of(state: T) -> Self {
        let fields = fields(&state);
        Self { state, fields }
    }

    pub fn number(&self, name: &str) -> u64 {
        self.fields[name].as_u64().unwrap()
    }
}

pub trait Subject: Sized {
    const NAME: &'static str;
    type State: Copy + Debug + Eq + Hash + Serialize + DeserializeOwned;
    type Event: Copy + Debug;
    type Effect: Copy + Debug + PartialEq + Display;

    /// Concrete states of the small scope: every variant, with data on both sides of every limit.
    fn states() -> Vec<Self::State>;
    /// Concrete events of the small scope.
    fn events() -> Vec<Self::Event>;
    /// The events by which the search for reachable states goes on; the steps from each of them are compared for all.
    fn ways() -> Vec<Self::Event> {
        Self::events()
    }
    /// Bounds the search for reachable states where data can grow without end.
    fn in_scope(_state: &Self::State) -> bool {
        true
    }
    fn firsts() -> Vec<(Self::State, Vec<Self::Effect>)>;
    fn step(state: Self::State, event: &Self::Event) -> Result<(Self::State, Vec<Self::Effect>), Rejected>;
    fn state_name(state: &Self::State) -> &'static str;
    /// The superstates of a state, the outermost first; a machine without groups has none.
    fn groups(_state: Self::State) -> Vec<&'static str> {
        Vec::new()
    }
    fn event_name(event: &Self::Event) -> &'static str;
    fn guards() -> Vec<(&'static str, Guard<Self>)>;
    /// The expressions that may stand in a `with`.
    fn data() -> Vec<(&'static str, Datum<Self>)> {
        Vec::new()
    }
    /// The expressions that may stand in the `with` of `first`, evaluated for the first state in place.
    fn first_datum(_name: &str, _state: &Seen<Self::State>) -> Option<Value> {
        None
    }
    /// What goes with an effect.
    fn payload(_effect: &Self::Effect) -> Option<Value> {
        None
    }
    /// The numbers of the code, by their names in the spec.
    fn numbers() -> Vec<(&'static str, u64)> {
        Vec::new()
    }
}

/// What a state remembers, by name.
pub fn fields<T: Serialize>(state: &T) -> Map<String, Value> {
    match serde_json::to_value(state).unwrap() {
        Value::Object(variant) => match variant.into_iter().next() {
            Some((_, Value::Object(fields))) => fields,
            other => panic!("a state is a name with fields, not {other:?}"),
        },
        _ => Map::new(),
    }
}

/// Every state that the machine comes to from its first ones under the events of the scope.
pub fn reachable<S: Subject>() -> Vec<S::State> {
    let ways = S::ways();
    let mut seen = std::collections::HashSet::new();
    let mut order = Vec::new();
    let mut queue: VecDeque<S::State> = S::firsts().into_iter().map(|(state, _)| state).collect();
    while let Some(state) = queue.pop_front() {
        if !S::in_scope(&state) || !seen.insert(state) {
            continue;
        }
        order.push(state);
        queue.extend(ways.iter().filter_map(|event| S::step(state, event).ok()).map(|(next, _)| next));
    }
    order
}

/// The names of what an event carries, read from its `Debug` form.
pub fn carried<E: Debug>(event: &E) -> BTreeSet<String> {
    let text = format!("{event:?}");
    let Some((_, inner)) = text.split_once(" { ") else { return BTreeSet::new() };
    inner.split(", ").filter_map(|part| part.split_once(": ")).map(|(name, _)| name.to_owned()).collect()
}
