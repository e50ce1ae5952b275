//! The machine of a caller's wait as a subject.

use agent_dispatch::machines::rejected::Rejected;
use agent_dispatch::machines::takeover::{
    self, Effect, Event, MAX_RETRIES, MAX_SUCCESSORS, RETRY_PAUSE_MS, State, Tries,
};
use serde_json::{Map, Value, json};

use super::subject::{Datum, Guard, Seen, Subject};

pub struct Takeover;

/// All events.
pub const EVENTS: [Event; 13] = [
    Event::LeashClosed,
    Event::RecordEnded,
    Event::RecordGone,
    Event::Unreadable,
    Event::LockBusy,
    Event::LockTaken,
    Event::Unsupervised,
    Event::Started,
    Event::StartFailed,
    Event::PauseOver,
    Event::StillOpen { manned: false },
    Event::StillOpen { manned: true },
    Event::CallerLeft,
];

/// None, and both sides of every limit.
const COUNTS: [u8; 8] = [0, 1, MAX_SUCCESSORS, MAX_SUCCESSORS + 1, MAX_RETRIES - 1, MAX_RETRIES, MAX_RETRIES + 1, 255];

fn tries(seen: &Seen<State>) -> Option<&Map<String, Value>> {
    seen.fields.get("tries")?.as_object()
}

fn below(seen: &Seen<State>, count: &str, limit: u8) -> bool {
    tries(seen).is_some_and(|tries| tries[count].as_u64().unwrap() < limit.into())
}

fn more(seen: &Seen<State>, count: &str) -> Value {
    let mut tries = tries(seen).unwrap().clone();
    let once_more = tries[count].as_u64().unwrap() + 1;
    tries.insert(count.to_owned(), json!(once_more.min(255)));
    tries.into()
}

impl Subject for Takeover {
    const NAME: &'static str = "takeover";
    type State = State;
    type Event = Event;
    type Effect = Effect;

    fn states() -> Vec<State> {
        let mut states = vec![State::GivingUp, State::Over];
        for (deaths, failures) in COUNTS.into_iter().flat_map(|deaths| COUNTS.map(|failures| (deaths, failures))) {
            let tries = Tries { deaths, failures };
            states.extend([State::OnLeash { tries }, State::InProcess { tries }, State::Following { tries }]);
            states.extend([State::Locking { tries }, State::Starting { tries }, State::StandingIn { tries }]);
            states.push(State::Pausing { tries });
        }
        states
    }

    fn events() -> Vec<Event> {
        EVENTS.to_vec()
    }

    fn firsts() -> Vec<(State, Vec<Effect>)> {
        let (state, effects) = takeover::begin();
        vec![(state, effects.into_iter().collect())]
    }

    fn step(state: State, event: &Event) -> Result<(State, Vec<Effect>), Rejected> {
        takeover::step(state, event).map(|(next, effects)| (next, effects.into_iter().collect()))
    }

    fn state_name(state: &State) -> &'static str {
        state.name()
    }

    fn groups(state: State) -> Vec<&'static str> {
        takeover::groups(state)
    }

    fn event_name(event: &Event) -> &'static str {
        event.name()
    }

    fn guards() -> Vec<(&'static str, Guard<Self>)> {
        vec![
            ("may_replace", |seen, _| below(seen, "deaths", MAX_SUCCESSORS + 1)),
            ("may_retry", |seen, _| below(seen, "failures", MAX_RETRIES)),
            ("manned", |_, event| matches!(event, Event::StillOpen { manned: true })),
        ]
    }

    fn data() -> Vec<(&'static str, Datum<Self>)> {
        vec![("one death more", |seen, _| more(seen, "deaths")), ("one failure more", |seen, _| more(seen, "failures"))]
    }

    fn first_datum(name: &str, _state: &Seen<State>) -> Option<Value> {
        (name == "none").then(|| json!({"deaths": 0, "failures": 0}))
    }

    fn numbers() -> Vec<(&'static str, u64)> {
        vec![
            ("max_successors", MAX_SUCCESSORS.into()),
            ("max_retries", MAX_RETRIES.into()),
            ("retry_pause_ms", RETRY_PAUSE_MS),
        ]
    }
}
