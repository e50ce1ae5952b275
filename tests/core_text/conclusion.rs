//! How a run ended, and what becomes of an answer that cannot be written.

use agent_dispatch::machines::conclusion::{
    Owed, ProcessExit, Rescue, Written, end_reason, is_accounted, is_worthless,
};
use agent_dispatch::machines::dispatch::{AnswerKind, CancelledBy, End};
use agent_dispatch::machines::job::State;
use agent_dispatch::machines::schema::Violation;
use agent_dispatch::machines::verdict::{Canceller, EndReason, NotStarted};

const ASKED: End = End::Cancelled { by: CancelledBy::Request, answered: false };
const GONE: End = End::Cancelled { by: CancelledBy::CallerGone, answered: false };

#[test]
fn the_end_of_a_run_is_told_by_the_machine_and_then_by_its_process() {
    let (left, killed, unknown) =
        (Some(ProcessExit::Code(3)), Some(ProcessExit::Signal(9)), Some(ProcessExit::Unknown));
    for (end, exit, reason) in [
        (End::Exited, left, EndReason::Exited { code: 3 }),
        (End::Exited, killed, EndReason::Signalled { signal: 9 }),
        (End::Exited, unknown, EndReason::Abandoned),
        (End::Exited, None, EndReason::Exited { code: 0 }),
        (End::Lingered, left, EndReason::Exited { code: 3 }),
        (End::Lingered, killed, EndReason::Exited { code: 0 }),
        (End::Lingered, unknown, EndReason::Abandoned),
        (End::Lingered, None, EndReason::Exited { code: 0 }),
        (End::TimedOut { answered: false }, killed, EndReason::TimedOut),
        (ASKED, killed, EndReason::Cancelled { by: Canceller::Request }),
        (GONE, None, EndReason::Cancelled { by: Canceller::CallerGone }),
        (End::NotStarted, None, EndReason::NotStarted { reason: NotStarted::DirectoryMissing }),
    ] {
        assert_eq!(end_reason(end, exit, Some(NotStarted::DirectoryMissing)), reason, "{end:?} {exit:?}");
    }
}

#[test]
fn an_answer_is_asked_for_again_only_of_a_process_that_left_in_order() {
    let lacks = || vec![Violation { at: String::new(), what: "no".to_owned() }];
    let (ok, failed) = (ProcessExit::Code(0), ProcessExit::Code(1));
    for (limited, exit, misses, kind) in [
        (false, ok, None, AnswerKind::Final),
        (false, ok, Some(Vec::new()), AnswerKind::Final),
        (false, ok, Some(lacks()), AnswerKind::Misses),
        (false, failed, Some(lacks()), AnswerKind::Final),
        (false, ProcessExit::Signal(15), Some(lacks()), AnswerKind::Final),
        (false, ProcessExit::Unknown, Some(lacks()), AnswerKind::Final),
        (true, failed, None, AnswerKind::Limited),
        (true, ok, Some(lacks()), AnswerKind::Limited),
    ] {
        assert_eq!(AnswerKind::of(limited, exit, || misses.clone()).0, kind, "{limited} {exit:?} {misses:?}");
    }
}

#[test]
fn a_cancelled_run_is_accounted_for_once_and_its_progress_shown_until_it_is_settled() {
    for (state, has_line, progress, line) in [
        (Some(State::Stopping), Some(false), true, true),
        (Some(State::Stopping), Some(true), true, false),
        (Some(State::Cancelled), Some(false), false, true),
        (Some(State::Cancelled), Some(true), false, false),
        (Some(State::Cancelled), None, false, false),
        (None, None, true, false),
    ] {
        assert_eq!(Owed::of(state, has_line), Owed { progress, line }, "{state:?} {has_line:?}");
    }
}

//= J-13
#[test]
fn an_answer_that_is_paid_for_is_stored_or_told_or_tried_again() {
    for (written, answered, enough) in [
        (Written::Stored, true, true),
        (Written::Stored, false, true),
        (Written::MarkedBefore, true, false),
        (Written::MarkedBefore, false, true),
        (Written::Refused, true, false),
        (Written::Refused, false, true),
        (Written::Failed, true, false),
        (Written::Failed, false, false),
    ] {
        assert_eq!(written.is_enough(answered), enough, "{written:?} {answered}");
    }
    assert_eq!(Rescue::of(true, true), Rescue::Tell);
    assert_eq!(Rescue::of(true, false), Rescue::TryAgain);
    assert_eq!(Rescue::of(false, true), Rescue::TryAgain);
    assert_eq!(Rescue::of(false, false), Rescue::GiveUp);
}

#[test]
fn what_never_began_leaves_neither_a_line_nor_for_nobody_a_record() {
    for (claimed, cancelled, marked, accounted) in [
        (true, true, true, true),
        (true, false, false, true),
        (false, true, false, false),
        (false, false, true, false),
        (false, false, false, true),
    ] {
        assert_eq!(is_accounted(claimed, cancelled, || marked), accounted, "{claimed} {cancelled} {marked}");
    }
    assert!(is_worthless(GONE, false));
    for (end, claimed) in [(GONE, true), (ASKED, false), (End::NotStarted, false), (End::Exited, true)] {
        assert!(!is_worthless(end, claimed), "{end:?} {claimed}");
    }
}
