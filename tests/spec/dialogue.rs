//! The dialogue machine as a subject.

use agent_dispatch::machines::dialogue::{self, DEFAULT_ROUNDS, Effect, Event, MAX_ROUNDS, State};
use agent_dispatch::machines::rejected::Rejected;
use serde_json::{Value, json};

use super::subject::{Datum, Guard, Seen, Subject};

pub struct Dialogue;

/// The first, the one before the last, the last, and beyond every limit.
const ROUNDS: [u32; 6] = [0, 1, 2, MAX_ROUNDS - 1, MAX_ROUNDS, u32::MAX];

impl Subject for Dialogue {
    const NAME: &'static str = "dialogue";
    type State = State;
    type Event = Event;
    type Effect = Effect;

    fn states() -> Vec<State> {
        let mut states = Vec::new();
        for round in ROUNDS {
            for last in ROUNDS {
                states.extend([State::ResponderSpeaks { round, last }, State::RequesterSpeaks { round, last }]);
            }
            states.extend([State::Resolved { round }, State::Unresolved { round }, State::Failed { round }]);
        }
        states
    }

    fn events() -> Vec<Event> {
        vec![Event::Spoke { resolved: false }, Event::Spoke { resolved: true }, Event::Broke]
    }

    fn firsts() -> Vec<(State, Vec<Effect>)> {
        let begun = [i64::MIN, -1, 0, 1, 3, 10, 11, i64::MAX].map(dialogue::begin);
        begun.map(|(state, effects)| (state, effects.into_iter().collect())).to_vec()
    }

    fn step(state: State, event: &Event) -> Result<(State, Vec<Effect>), Rejected> {
        dialogue::step(state, event).map(|(next, effects)| (next, effects.into_iter().collect()))
    }

    fn state_name(state: &State) -> &'static str {
        state.name()
    }

    fn groups(state: State) -> Vec<&'static str> {
        dialogue::groups(state)
    }

    fn event_name(event: &Event) -> &'static str {
        event.name()
    }

    fn guards() -> Vec<(&'static str, Guard<Self>)> {
        vec![
            ("resolved", |_, event| matches!(event, Event::Spoke { resolved: true })),
            ("last_round", |state, _| state.number("round") >= state.number("last")),
        ]
    }

    fn data() -> Vec<(&'static str, Datum<Self>)> {
        vec![("the next", |state, _| json!(state.number("round") + 1))]
    }

    fn first_datum(name: &str, state: &Seen<State>) -> Option<Value> {
        let asked = state.number("last");
        assert!((1..=u64::from(MAX_ROUNDS)).contains(&asked), "{asked}");
        match name {
            "one" => Some(json!(1)),
            "as asked" => Some(json!(asked)),
            _ => None,
        }
    }

    fn numbers() -> Vec<(&'static str, u64)> {
        vec![("default_rounds", DEFAULT_ROUNDS.into()), ("max_rounds", MAX_ROUNDS.into())]
    }
}
