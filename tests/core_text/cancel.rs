//! What a wish to cancel a job comes to.

use agent_dispatch::machines::cancel::{CancelOutcome, END_WAIT_MS, can_be_told};
use agent_dispatch::machines::dispatch::{KILL_GRACE_MS, TERM_GRACE_MS};
use agent_dispatch::machines::job::Status;

#[test]
fn only_what_an_older_program_runs_cannot_be_cancelled() {
    for status in Status::ALL {
        assert!(can_be_told(true, status), "{status:?}");
        assert_eq!(can_be_told(false, status), status != Status::Running, "{status:?}");
    }
    assert_eq!(
        (CancelOutcome::of_marked(true), CancelOutcome::of_marked(false)),
        (CancelOutcome::CancelledRunning, CancelOutcome::Cancelled)
    );
}

/// A supervisor that obeys is not mistaken for one that does not.
#[test]
fn the_graces_of_a_run_are_waited_for() {
    const { assert!(END_WAIT_MS > TERM_GRACE_MS + KILL_GRACE_MS) }
}
