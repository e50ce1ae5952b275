//! Random dialogues, judged from the history of what was said.

use agent_dispatch::machines::dialogue::{self, Effect as Ask, Event as Said, MAX_ROUNDS, Role, State as Talk};
use proptest::prelude::*;
use proptest::sample::select;

use super::walks;

fn said() -> impl Strategy<Value = Vec<Said>> {
    let spoke = |resolved| Said::Spoke { resolved };
    let mostly = vec![spoke(false), spoke(false), spoke(false), spoke(false), spoke(true), Said::Broke];
    // Long ones as well: with no more than the chances above hardly any would come to its last round.
    (0..24_usize, prop::collection::vec(select(mostly), 0..30))
        .prop_map(move |(quiet, rest)| std::iter::repeat_n(spoke(false), quiet).chain(rest).collect())
}

proptest! {
    #![proptest_config(walks())]

    //= F-1
    //= F-2
    #[test]
    fn two_speak_in_turn_until_it_ends(rounds in -3_i64..14, events in said()) {
        let (mut state, effects) = dialogue::begin(rounds);
        let mut asked: Vec<Ask> = effects.into_iter().collect();
        let mut taken = 0;
        for event in &events {
            let before = state;
            match dialogue::step(state, event) {
                Ok((next, effects)) => {
                    state = next;
                    asked.extend(effects);
                    taken += 1;
                }
                Err(_) => prop_assert_eq!(before, state),
            }
        }
        let most = usize::try_from(rounds.clamp(1, i64::from(MAX_ROUNDS))).unwrap() * 2;
        let ends = events.iter().position(|event| *event != Said::Spoke { resolved: false });
        let end = ends.map_or(most, |at| (at + 1).min(most));
        prop_assert_eq!(taken, end.min(events.len()), "it takes events until its end and none after it");
        let roles = [Role::Responder, Role::Requester].into_iter().cycle().map(Ask::Ask);
        let over = events.len() >= end;
        let mut expected: Vec<Ask> = roles.take(if over { end } else { taken + 1 }).collect();
        expected.extend(over.then_some(Ask::Conclude));
        prop_assert_eq!(asked, expected);
        prop_assert_eq!(usize::try_from(state.round()).unwrap(), if over { end.div_ceil(2) } else { taken / 2 + 1 });
        let verdict = over.then(|| match events[end - 1] {
            Said::Broke => "failed",
            Said::Spoke { resolved: true } => "resolved",
            Said::Spoke { resolved: false } => "unresolved",
        });
        prop_assert!(verdict.is_none_or(|name| name == state.name()), "{:?}", state);
        prop_assert_eq!(matches!(state, Talk::ResponderSpeaks { .. } | Talk::RequesterSpeaks { .. }), !over);
    }
}
