//! What comes before claude is started.

use agent_dispatch::machines::flags::{Flag, Omission};
use agent_dispatch::machines::job::State;
use agent_dispatch::machines::start::{Wanted, must_claim, refused};
use strum::VariantArray;

/// The session before the slot, and neither during a limit: nobody waits in the queue who could not start.
#[test]
fn a_slot_is_asked_for_last() {
    for (limited, has_session, wanted) in [
        (true, true, Wanted::LimitOver),
        (true, false, Wanted::LimitOver),
        (false, false, Wanted::Session),
        (false, true, Wanted::Slot),
    ] {
        assert_eq!(Wanted::of(limited, has_session), wanted, "{limited} {has_session}");
    }
}

#[test]
fn a_run_is_claimed_at_first_and_when_it_goes_on() {
    assert!(must_claim(None));
    for state in State::VARIANTS {
        assert_eq!(must_claim(Some(*state)), *state == State::Resuming, "{state:?}");
    }
}

#[test]
fn a_run_that_began_is_not_begun_again_without_an_option() {
    let unknown = "error: unknown option '--session-id'";
    assert_eq!(refused(unknown, false), Some(Omission::Unknown(Flag::SessionId)));
    assert_eq!(refused(unknown, true), None);
    assert_eq!(refused("Error: out of memory", false), None);
}
