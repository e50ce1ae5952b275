//! Who may run: every interleaving of a few askers and crashes, searched for a state that breaks a promise.

use agent_dispatch::machines::slots::{self, Effect, Event, FIRST_LOOK_MS, MAX_LOOK_MS, State, step};
use proptest::prelude::*;

use super::search::{self, Verdict, in_full, note};
use super::slots_world::{ASKERS, Broken, Design, Scope, World};
use super::walks;

fn search(scope: &Scope) -> Verdict<World> {
    search::search(World::new(scope), scope)
}

const ALL: [Option<u8>; ASKERS] = [Some(0); ASKERS];
const TWO: [Option<u8>; ASKERS] = [Some(0), Some(0), None];

fn scope(rooms: [Option<u8>; ASKERS], limit: u64, crashes: u8, design: Design) -> Scope {
    Scope { rooms, parent_of: [None; ASKERS], limit, crashes, give_up: false, design }
}

fn sound(scope: &Scope) {
    let start = std::time::Instant::now();
    match search(scope) {
        Verdict::Sound { states } => {
            note(&format!("{states} states in {:?}: {scope:?}", start.elapsed()));
            assert!(states > 100, "{scope:?}: only {states} states");
        }
        broken => panic!("{scope:?}: {broken:?}"),
    }
}

//= S-1 S-2 S-3 S-4 S-5
#[test]
fn two_askers_and_two_crashes() {
    for give_up in [false, true] {
        sound(&Scope { give_up, ..scope(TWO, 1, 2, Design::Shipped) });
    }
}

//= S-1 S-2 S-3 S-4 S-5
#[test]
fn three_askers_and_a_crash() {
    sound(&scope(ALL, 1, 1, Design::Shipped));
}

//= S-1 S-2 S-3 S-4 S-5
#[test]
fn three_askers_for_two_slots() {
    sound(&Scope { give_up: true, ..scope(ALL, 2, 0, Design::Shipped) });
    sound(&scope(ALL, 2, 1, Design::Shipped));
}

//= S-1 S-2 S-3 S-4 S-5
#[test]
fn askers_give_up_and_die() {
    if in_full() {
        for limit in [1, 2] {
            sound(&Scope { give_up: true, ..scope(ALL, limit, 1, Design::Shipped) });
            sound(&scope(ALL, limit, 2, Design::Shipped));
        }
        sound(&nested(2, Design::Shipped));
    }
}

/// The first waits for a child of its own while it holds; the third is in its way at its own depth.
//= S-4
#[test]
fn a_parent_waits_for_its_child() {
    sound(&nested(1, Design::Shipped));
}

fn nested(crashes: u8, design: Design) -> Scope {
    let parent_of = [Some(1), None, None];
    Scope { parent_of, ..scope([Some(0), Some(1), Some(0)], 1, crashes, design) }
}

/// The search finds what is wrong with the designs that are not shipped.
#[test]
fn bad_designs_break() {
    let wanted = [
        (scope(TWO, 1, 0, Design::UnlockedCounter), Some(Broken::Order)),
        (scope(TWO, 1, 0, Design::LatePublication), Some(Broken::Order)),
        (scope(TWO, 1, 0, Design::LateLock), Some(Broken::Removed)),
        (scope(TWO, 1, 0, Design::AnybodyEnters), Some(Broken::Order)),
        (scope(TWO, 1, 0, Design::CountFirst), Some(Broken::Bound)),
        (scope(TWO, 1, 0, Design::RemovedByAge), Some(Broken::Removed)),
        (scope(TWO, 1, 1, Design::DeadCount), None),
        (nested(0, Design::OneRoom), None),
    ];
    for (scope, wanted) in wanted {
        match (search(&scope), wanted) {
            (Verdict::Breaks(broken, way), Some(wanted)) => assert_eq!(broken, wanted, "{scope:?}: {way:?}"),
            // With all in one room nothing can end well from the beginning on: then there is no way to go.
            (Verdict::Stuck(way), None) => assert!(way.len() < 40, "{scope:?}: {way:?}"),
            (verdict, wanted) => panic!("{scope:?}: {verdict:?} instead of {wanted:?}"),
        }
    }
}

/// What an asker has in the end, judged from the effects that it was given.
fn events() -> impl Strategy<Value = Vec<Event>> {
    let count = prop_oneof![0..3_u64, Just(u64::MAX)];
    prop::collection::vec(
        prop_oneof![
            3 => Just(Event::Arrived),
            3 => Just(Event::Woken),
            3 => count.clone().prop_map(|ahead| Event::Looked { ahead }),
            3 => (count.clone(), count).prop_map(|(holders, limit)| Event::Counted { holders, limit }),
            3 => Just(Event::Entered),
            1 => Just(Event::Lost),
            1 => Just(Event::Leave),
        ],
        0..30,
    )
}

fn effects_of(events: &[Event]) -> (Vec<Event>, Vec<Effect>, State) {
    let (mut state, first) = slots::begin();
    let mut given: Vec<Effect> = first.into_iter().collect();
    let mut taken = Vec::new();
    for event in events {
        if let Ok((next, effects)) = step(state, event) {
            state = next;
            taken.push(*event);
            given.extend(effects);
        }
    }
    (taken, given, state)
}

proptest! {
    #![proptest_config(walks())]

    //= S-6 S-7
    #[test]
    fn what_was_taken_is_given_back_once(events in events(), more in events()) {
        let (taken, _, _) = effects_of(&events);
        let leaving: Vec<Event> = taken.iter().copied().filter(|event| *event != Event::Leave).chain([Event::Leave]).collect();
        let (taken, given, state) = effects_of(&leaving);
        prop_assert_eq!(state, State::Left);
        let events_of = |wanted: Event| taken.iter().filter(|event| **event == wanted).count();
        let effects_of_kind = |wanted: Effect| given.iter().filter(|effect| **effect == wanted).count();
        let (arrived, lost, entered) = (events_of(Event::Arrived), events_of(Event::Lost), events_of(Event::Entered));
        prop_assert!(entered <= 1);
        prop_assert_eq!(effects_of_kind(Effect::TakeTicket), lost + 1);
        prop_assert_eq!(effects_of_kind(Effect::GiveBack), entered);
        prop_assert_eq!(effects_of_kind(Effect::RingBell), entered);
        prop_assert_eq!(effects_of_kind(Effect::Withdraw), arrived - lost - entered);
        prop_assert_eq!(effects_of_kind(Effect::PassOn), arrived - lost);
        for event in more {
            prop_assert!(step(state, &event).is_err(), "{:?} is taken after the end", event);
        }
    }

    /// It looks, finds nobody before it, counts, finds room and enters; whatever comes between makes it count again.
    //= S-1 S-2
    #[test]
    fn who_enters_has_just_counted(events in events()) {
        // It is about to enter when the rest happens to it.
        let about = [Event::Arrived, Event::Looked { ahead: 0 }, Event::Counted { holders: 0, limit: 1 }];
        let (taken, _, _) = effects_of(&[&about, &events[..]].concat());
        for entered in (0..taken.len()).filter(|at| taken[*at] == Event::Entered) {
            let room = matches!(taken[entered - 1], Event::Counted { holders, limit } if holders == 0 || holders < limit);
            prop_assert!(room, "it enters after {:?}", taken[entered - 1]);
            let looked = taken[..entered].iter().rfind(|event| matches!(event, Event::Looked { .. }));
            prop_assert_eq!(looked, Some(&Event::Looked { ahead: 0 }));
        }
    }

    //= S-1
    #[test]
    fn room_is_what_the_limit_leaves(holders in prop_oneof![0..4_u64, any::<u64>()], limit in prop_oneof![0..4_u64, any::<u64>()]) {
        prop_assert_eq!(slots::has_room(holders, limit), holders == 0 || holders < limit);
    }

    //= S-8
    #[test]
    fn a_number_is_higher_than_all_before(counter in prop::option::of(0..u64::MAX), tickets in prop::collection::vec(0..u64::MAX, 0..8)) {
        let number = slots::next_number(counter, tickets.clone());
        match counter {
            Some(counter) => prop_assert!(number > counter),
            None => prop_assert!(tickets.iter().all(|ticket| number > *ticket)),
        }
        prop_assert!(number > 0);
    }

    #[test]
    fn the_nearest_comes_first(mine in 0..20_u8, queue in prop::collection::btree_set(0..20_u8, 0..20)) {
        let before = slots::before(&mine, queue.iter().copied());
        prop_assert!(before.windows(2).all(|pair| pair[0] > pair[1]));
        prop_assert_eq!(before.len(), queue.iter().filter(|ticket| **ticket < mine).count());
        prop_assert!(before.iter().all(|ticket| *ticket < mine));
    }

    #[test]
    fn who_is_further_behind_sleeps_longer_but_not_for_ever(ahead in any::<u64>()) {
        let state = |ahead| State::Queued { ahead: Some(ahead) };
        let here = state(ahead).look_again_ms();
        prop_assert!(here >= State::AtTurnstile.look_again_ms() && here <= MAX_LOOK_MS);
        prop_assert!(here <= state(ahead.saturating_add(1)).look_again_ms());
        prop_assert_eq!(state(ahead).place(), Some(ahead.saturating_add(1)));
    }

    /// Its place is one behind those that were ahead of it at its last look; nobody else is told that it waits.
    #[test]
    fn an_asker_knows_its_place(events in events()) {
        let (mut state, _) = slots::begin();
        let mut place = None;
        for event in &events {
            let Ok((next, _)) = step(state, event) else { continue };
            place = match event {
                Event::Looked { ahead } => Some(ahead.saturating_add(1)),
                Event::Arrived | Event::Entered | Event::Lost | Event::Leave => None,
                Event::Woken | Event::Counted { .. } => place,
            };
            state = next;
            prop_assert_eq!(state.place(), place, "{:?}", state);
            if place.is_none_or(|place| place == 1) {
                prop_assert_eq!(state.look_again_ms(), FIRST_LOOK_MS, "{:?}", state);
            }
        }
    }
}
