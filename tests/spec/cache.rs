//! The cache's entry machine as a subject.

use agent_dispatch::machines::cache::entry::{self, Effect, Event, GoneReason, State};
use agent_dispatch::machines::rejected::Rejected;
use agent_dispatch::machines::time::Millis;
use serde_json::{Value, json};

use super::subject::{Datum, Guard, Seen, Subject};

pub struct Cache;

/// More askers than this take the search nowhere new.
const MOST_ASKERS: u32 = 3;
/// An age limit in the middle of the ages of the scope.
const TTL_MS: u64 = 100;

impl Subject for Cache {
    const NAME: &'static str = "cache";
    type State = State;
    type Event = Event;
    type Effect = Effect;

    fn states() -> Vec<State> {
        let mut states = Vec::new();
        for askers in [1, 2, MOST_ASKERS, u32::MAX - 1] {
            states.extend([State::InFlight { askers }, State::Outdated { askers }]);
        }
        states.extend([0, 1_000, u64::MAX].map(|at| State::Fresh { inserted_at: Millis(at) }));
        let whys =
            [GoneReason::Expired, GoneReason::Evicted, GoneReason::Dropped, GoneReason::NotKept, GoneReason::Unwanted];
        states.extend(whys.map(|why| State::Gone { why }));
        states
    }

    fn events() -> Vec<Event> {
        let mut events = vec![Event::Leave, Event::Outdate, Event::Evict];
        for now in [0, 99, 100, 101, 999, 1_000, 1_099, 1_100, 1_101, u64::MAX].map(Millis) {
            events.extend([false, true].map(|keep| Event::Answer { keep, now }));
            for ttl_ms in [0, TTL_MS, u64::MAX] {
                events.extend([Event::Lookup { now, ttl_ms }, Event::Tick { now, ttl_ms }]);
            }
        }
        events
    }

    fn in_scope(state: &State) -> bool {
        match state {
            State::InFlight { askers } | State::Outdated { askers } => *askers <= MOST_ASKERS,
            State::Fresh { .. } | State::Gone { .. } => true,
        }
    }

    fn firsts() -> Vec<(State, Vec<Effect>)> {
        let (state, effects) = entry::begin();
        vec![(state, effects.into_iter().collect())]
    }

    fn step(state: State, event: &Event) -> Result<(State, Vec<Effect>), Rejected> {
        entry::step(state, event).map(|(next, effects)| (next, effects.into_iter().collect()))
    }

    fn state_name(state: &State) -> &'static str {
        state.name()
    }

    fn event_name(event: &Event) -> &'static str {
        event.name()
    }

    fn guards() -> Vec<(&'static str, Guard<Self>)> {
        vec![
            ("last_asker", |state, _| state.number("askers") < 2),
            ("clean", |_, event| matches!(event, Event::Answer { keep: true, .. })),
            ("too_old", |state, event| match event {
                Event::Lookup { now, ttl_ms } | Event::Tick { now, ttl_ms } => {
                    let age = i128::from(now.0) - i128::from(state.number("inserted_at"));
                    age.max(0) >= i128::from(*ttl_ms)
                }
                _ => panic!("{event:?} carries no time to live"),
            }),
        ]
    }

    fn data() -> Vec<(&'static str, Datum<Self>)> {
        vec![
            ("one more", |state, _| json!(state.number("askers") + 1)),
            ("one less", |state, _| json!(state.number("askers") - 1)),
            ("now", |_, event| match event {
                Event::Answer { now, .. } => json!(now),
                _ => panic!("{event:?} carries no time"),
            }),
            ("expired", |_, _| json!("expired")),
            ("evicted", |_, _| json!("evicted")),
            ("dropped", |_, _| json!("dropped")),
            ("not_kept", |_, _| json!("not_kept")),
            ("unwanted", |_, _| json!("unwanted")),
        ]
    }

    fn first_datum(name: &str, _state: &Seen<State>) -> Option<Value> {
        (name == "one").then(|| json!(1))
    }
}
