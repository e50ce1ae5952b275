//! The job machine as a subject.

use agent_dispatch::machines::job::{self, Effect, Event, State};
use agent_dispatch::machines::rejected::Rejected;
use strum::VariantArray;

use super::subject::{Guard, Subject};

pub struct Job;

/// Every event.
pub const EVENTS: [Event; 11] = [
    Event::Claim,
    Event::Adopt,
    Event::Resume,
    Event::Progress,
    Event::Finish { success: true },
    Event::Finish { success: false },
    Event::Cancel,
    Event::Stopped,
    Event::Abandon { worker: false },
    Event::Abandon { worker: true },
    Event::Collect,
];

impl Subject for Job {
    const NAME: &'static str = "job";
    type State = State;
    type Event = Event;
    type Effect = Effect;

    fn states() -> Vec<State> {
        State::VARIANTS.to_vec()
    }

    fn events() -> Vec<Event> {
        EVENTS.to_vec()
    }

    fn firsts() -> Vec<(State, Vec<Effect>)> {
        vec![(State::Pending, Vec::new())]
    }

    fn step(state: State, event: &Event) -> Result<(State, Vec<Effect>), Rejected> {
        job::step(state, event).map(|(next, effects)| (next, effects.into_iter().collect()))
    }

    fn state_name(state: &State) -> &'static str {
        state.name()
    }

    fn groups(state: State) -> Vec<&'static str> {
        job::groups(state)
    }

    fn event_name(event: &Event) -> &'static str {
        event.name()
    }

    fn guards() -> Vec<(&'static str, Guard<Self>)> {
        vec![
            ("success", |_, event| matches!(event, Event::Finish { success: true })),
            ("worker", |_, event| matches!(event, Event::Abandon { worker: true })),
        ]
    }
}
