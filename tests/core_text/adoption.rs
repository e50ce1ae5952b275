//! Who takes a job over, and what a supervisor does with the job that it was given.

use agent_dispatch::machines::adoption::{Care, FirstStep, LockSeen, WorkerWatch, left_ms};
use agent_dispatch::machines::job::{self, Event, State};
use strum::VariantArray;

//= J-11
#[test]
fn what_may_work_is_waited_for_and_only_the_rest_is_given_up() {
    for state in State::VARIANTS.iter().copied() {
        let (with, without) = (FirstStep::of(state, true), FirstStep::of(state, false));
        let expected = match (state.is_terminal(), state.is_manned()) {
            (true, _) => (FirstStep::Leave, FirstStep::Leave),
            (false, true) => (FirstStep::Adopt, FirstStep::AdoptWithoutPlan),
            (false, false) if state == State::Pending => (FirstStep::Begin, FirstStep::GiveUp),
            (false, false) => (FirstStep::Adopt, FirstStep::GiveUp),
        };
        assert_eq!((with, without), expected, "{state:?}");
        // The machine takes what that step does first.
        let taken = |event| job::step(state, &event).is_ok();
        match without {
            FirstStep::AdoptWithoutPlan => assert!(taken(Event::Adopt), "{state:?}"),
            FirstStep::GiveUp => assert!(taken(Event::Abandon { worker: false }), "{state:?}"),
            FirstStep::Leave | FirstStep::Begin | FirstStep::Adopt => assert!(!taken(Event::Claim), "{state:?}"),
        }
    }
}

const LOCKS: [LockSeen; 4] = [LockSeen::Free, LockSeen::Held, LockSeen::Missing, LockSeen::Unreadable];

//= J-14
#[test]
fn a_reader_starts_a_supervisor_only_where_none_can_live_and_ends_only_what_is_to_end() {
    let [open, stopping] =
        [[Care::Recover, Care::Leave, Care::Age, Care::Leave], [Care::End, Care::Tell, Care::End, Care::End]];
    for state in State::VARIANTS.iter().copied() {
        if !state.is_unsettled() {
            let settled = Care::of(state, || unreachable!("{state:?} needs no look at the lock"));
            assert_eq!(settled, Care::Leave, "{state:?}");
            continue;
        }
        let wanted = if state == State::Stopping { stopping } else { open };
        assert_eq!(LOCKS.map(|lock| Care::of(state, || lock)), wanted, "{state:?}");
    }
}

#[test]
fn a_call_goes_on_from_wherever_it_stands_and_is_given_up_only_with_its_files() {
    for state in State::VARIANTS.iter().copied() {
        let event = if state == State::Pending { Event::Claim } else { Event::Adopt };
        let (with, without) = (FirstStep::of(state, true), FirstStep::of(state, false));
        assert_eq!(with.of_call(), (!state.is_terminal()).then_some(event), "{state:?}");
        assert_eq!(without.of_call(), None, "{state:?}");
        // The machine takes what is noted. No call is cut off and waits to go on.
        let taken = job::step(state, &event).is_ok();
        assert!(taken || state.is_terminal() || state == State::Resuming, "{state:?}");
    }
}

#[test]
fn an_adopted_run_has_what_is_left_of_its_time_and_never_more_than_all_of_it() {
    let now = 1_795_249_523.5;
    for (deadline_at, left) in [
        (None, 0),
        (Some(now + 30.25), 30_250),
        (Some(now), 0),
        (Some(now - 86_400.0), 0),
        (Some(now + 60.0), 60_000),
        (Some(now + 86_400.0), 60_000),
        (Some(f64::INFINITY), 60_000),
        (Some(f64::NAN), 0),
    ] {
        assert_eq!(left_ms(deadline_at, now, 60_000), left, "{deadline_at:?}");
    }
}

/// The looks from one search to the next.
fn searches(watch: &mut WorkerWatch) -> u32 {
    (1..).find(|_| watch.is_to_search()).unwrap()
}

#[test]
fn a_worker_is_gone_when_two_searches_in_a_row_do_not_find_it() {
    for (found, gone_at) in [
        (&[Some(false), Some(false)][..], Some(2)),
        (&[Some(false), Some(true), Some(false), Some(false)], Some(4)),
        (&[Some(false), None, Some(false)], None),
        (&[None, None, None], None),
        (&[Some(true), Some(true), Some(true)], None),
    ] {
        let mut watch = WorkerWatch::default();
        let gone = found.iter().position(|lives| {
            assert_eq!(searches(&mut watch), 10, "a search in ten looks");
            watch.is_gone(*lives)
        });
        assert_eq!(gone.map(|at| at + 1), gone_at, "{found:?}");
    }
}
