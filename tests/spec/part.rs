//! The machine of a part of a call as a subject.

use agent_dispatch::machines::part::{self, Effect, Event, State};
use agent_dispatch::machines::rejected::Rejected;
use strum::VariantArray;

use super::subject::{Guard, Subject};

pub struct Part;

impl Subject for Part {
    const NAME: &'static str = "part";
    type State = State;
    type Event = Event;
    type Effect = Effect;

    fn states() -> Vec<State> {
        State::VARIANTS.to_vec()
    }

    fn events() -> Vec<Event> {
        [false, true]
            .map(|job_is_there| Event::TakeUp { job_is_there })
            .into_iter()
            .chain([Event::Submitted, Event::Settle])
            .collect()
    }

    fn firsts() -> Vec<(State, Vec<Effect>)> {
        vec![(State::default(), Vec::new())]
    }

    fn step(state: State, event: &Event) -> Result<(State, Vec<Effect>), Rejected> {
        part::step(state, event).map(|(next, effects)| (next, effects.into_iter().collect()))
    }

    fn state_name(state: &State) -> &'static str {
        state.name()
    }

    fn event_name(event: &Event) -> &'static str {
        event.name()
    }

    fn guards() -> Vec<(&'static str, Guard<Self>)> {
        vec![("job_is_there", |_, event| matches!(event, Event::TakeUp { job_is_there: true }))]
    }
}
