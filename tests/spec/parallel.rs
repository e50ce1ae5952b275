//! The machine of a call that is several requests as a subject.

use agent_dispatch::machines::parallel::{self, Effect, Event, ITEMS_PER_SLOT, MOST_ITEMS, State, WINDOW_PER_SLOT};
use agent_dispatch::machines::rejected::Rejected;
use serde_json::{Value, json};

use super::subject::{Datum, Guard, Seen, Subject};

pub struct Parallel;

impl Subject for Parallel {
    const NAME: &'static str = "parallel";
    type State = State;
    type Event = Event;
    type Effect = Effect;

    fn states() -> Vec<State> {
        let gathering = |left| [true, false].map(|aggregates| State::Gathering { left, aggregates });
        let mut states: Vec<State> = [0, 1, 2, 3, u32::MAX].into_iter().flat_map(gathering).collect();
        states.extend([State::Aggregating, State::Answered]);
        states
    }

    fn events() -> Vec<Event> {
        vec![Event::ItemEnded, Event::AggregateEnded]
    }

    fn firsts() -> Vec<(State, Vec<Effect>)> {
        let begun =
            [(1, true), (1, false), (5, true), (5, false)].map(|(items, wanted)| parallel::begin(items, wanted));
        begun.map(|(state, effects)| (state, effects.into_iter().collect())).to_vec()
    }

    fn step(state: State, event: &Event) -> Result<(State, Vec<Effect>), Rejected> {
        parallel::step(state, event).map(|(next, effects)| (next, effects.into_iter().collect()))
    }

    fn state_name(state: &State) -> &'static str {
        state.name()
    }

    fn event_name(event: &Event) -> &'static str {
        event.name()
    }

    fn guards() -> Vec<(&'static str, Guard<Self>)> {
        vec![
            ("last_item", |state, _| state.number("left") <= 1),
            ("wanted", |state, _| state.fields["aggregates"] == json!(true)),
        ]
    }

    fn data() -> Vec<(&'static str, Datum<Self>)> {
        vec![("one less", |state, _| json!(state.number("left") - 1))]
    }

    fn first_datum(name: &str, state: &Seen<State>) -> Option<Value> {
        match name {
            "all" => state.fields.get("left").cloned(),
            "as asked" => state.fields.get("aggregates").cloned(),
            _ => None,
        }
    }

    fn numbers() -> Vec<(&'static str, u64)> {
        let number = |value: usize| u64::try_from(value).unwrap();
        vec![
            ("most_items", number(MOST_ITEMS)),
            ("items_per_slot", number(ITEMS_PER_SLOT)),
            ("window_per_slot", number(WINDOW_PER_SLOT)),
        ]
    }
}
