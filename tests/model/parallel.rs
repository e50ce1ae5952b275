//! Random calls of several requests, judged from the history of what ended.

use agent_dispatch::machines::parallel::{self, Effect, Event, State};
use proptest::prelude::*;
use proptest::sample::select;

use super::walks;

proptest! {
    #![proptest_config(walks())]

    //= F-3
    #[test]
    fn a_call_is_answered_once_and_aggregated_after_its_last_item(
        items in 1_u32..20, wanted: bool, events in prop::collection::vec(select(vec![Event::ItemEnded, Event::AggregateEnded]), 0..60),
    ) {
        let (mut state, effects) = parallel::begin(items, wanted);
        let mut done: Vec<Effect> = effects.into_iter().collect();
        let mut ended = 0;
        for event in events {
            let Ok((next, effects)) = parallel::step(state, &event) else { continue };
            let effects: Vec<Effect> = effects.into_iter().collect();
            ended += u32::from(event == Event::ItemEnded);
            prop_assert!(effects.is_empty() || ended == items, "nothing is due before the last item");
            state = next;
            done.extend(effects);
        }
        let whole: &[Effect] = match wanted {
            true => &[Effect::StartItems, Effect::StartAggregate, Effect::Answer],
            false => &[Effect::StartItems, Effect::Answer],
        };
        prop_assert!(ended <= items && whole.starts_with(&done), "{:?}", done);
        prop_assert_eq!(state == State::Answered, done.ends_with(&[Effect::Answer]));
    }
}
