//! The slots machine as a subject.

use agent_dispatch::machines::rejected::Rejected;
use agent_dispatch::machines::slots::{self, Effect, Event, FIRST_LOOK_MS, LOOK_STEP_MS, MAX_LOOK_MS, State};
use serde_json::{Value, json};

use super::subject::{Datum, Guard, Subject};

pub struct Slots;

/// None, some and more than any machine has.
const COUNTS: [u64; 5] = [0, 1, 2, 3, u64::MAX];

impl Subject for Slots {
    const NAME: &'static str = "slots";
    type State = State;
    type Event = Event;
    type Effect = Effect;

    fn states() -> Vec<State> {
        let mut states = vec![State::Outside, State::Queued { ahead: None }];
        states.extend(COUNTS.map(|ahead| State::Queued { ahead: Some(ahead) }));
        states.extend([State::AtTurnstile, State::Entering, State::Holding, State::Left]);
        states
    }

    fn events() -> Vec<Event> {
        let mut events = vec![Event::Arrived, Event::Woken, Event::Entered, Event::Lost, Event::Leave];
        for count in COUNTS {
            events.push(Event::Looked { ahead: count });
            events.extend(COUNTS.map(|limit| Event::Counted { holders: count, limit }));
        }
        events
    }

    fn firsts() -> Vec<(State, Vec<Effect>)> {
        let (state, effects) = slots::begin();
        vec![(state, effects.into_iter().collect())]
    }

    fn step(state: State, event: &Event) -> Result<(State, Vec<Effect>), Rejected> {
        slots::step(state, event).map(|(next, effects)| (next, effects.into_iter().collect()))
    }

    fn state_name(state: &State) -> &'static str {
        state.name()
    }

    fn groups(state: State) -> Vec<&'static str> {
        slots::groups(state)
    }

    fn event_name(event: &Event) -> &'static str {
        event.name()
    }

    fn guards() -> Vec<(&'static str, Guard<Self>)> {
        vec![
            ("somebody_ahead", |_, event| matches!(event, Event::Looked { ahead: 1.. })),
            ("room", |_, event| match event {
                Event::Counted { holders: 0, .. } => true,
                Event::Counted { holders, limit } => limit > holders,
                _ => false,
            }),
        ]
    }

    fn data() -> Vec<(&'static str, Datum<Self>)> {
        vec![
            ("unknown", |_, _| Value::Null),
            ("as seen", |_, event| match event {
                Event::Looked { ahead } => json!(ahead),
                _ => Value::Null,
            }),
        ]
    }

    fn numbers() -> Vec<(&'static str, u64)> {
        vec![("first_look_ms", FIRST_LOOK_MS), ("look_step_ms", LOOK_STEP_MS), ("max_look_ms", MAX_LOOK_MS)]
    }
}
