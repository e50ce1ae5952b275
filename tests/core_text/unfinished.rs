//! What an answer says of background tasks that never came to their end.

use agent_dispatch::machines::answer::{Answer, ErrorType, Outcome};
use agent_dispatch::machines::cache::cacheable;
use agent_dispatch::machines::events::{ResultEvent, Stop};
use agent_dispatch::machines::tasks::Task;
use agent_dispatch::machines::verdict::{Canceller, EndReason, Evidence, judge};

use super::support::plan;

fn result(text: &str) -> Option<ResultEvent> {
    let stop = Stop::Reason("end_turn".into());
    let event = ResultEvent {
        subtype: "success".into(),
        result: Some(text.into()),
        num_turns: Some(2),
        stop,
        ..ResultEvent::default()
    };
    Some(event)
}

fn suite() -> Vec<Task> {
    vec![Task { id: "b1".into(), kind: "local_bash".into(), description: "run suite".into() }]
}

fn judged(text: &str, unfinished: Vec<Task>, ending: EndReason, held_back: bool) -> Answer {
    let plan = plan();
    let paid = Some(0.5);
    judge(Evidence {
        result: result(text),
        unfinished,
        held_back,
        begun: true,
        paid_before_usd: paid,
        ..Evidence::new(&plan, ending)
    })
}

#[test]
fn what_was_stopped_makes_the_outcome_partial_and_is_named() {
    for (said, expected) in [
        ("It runs.", Outcome::Partial),
        ("It runs.\n\nSTATUS: done", Outcome::Partial),
        ("It runs.\n\nSTATUS: partial", Outcome::Partial),
        ("It runs.\n\nSTATUS: blocked", Outcome::Blocked),
    ] {
        for ending in [
            EndReason::Exited { code: 0 },
            EndReason::TimedOut,
            EndReason::Abandoned,
            EndReason::Signalled { signal: 9 },
        ] {
            let answer = judged(said, suite(), ending.clone(), false);
            assert!(answer.success && answer.result == "It runs.", "{answer:?}");
            assert_eq!(answer.outcome, Some(expected), "{said:?}");
            assert!(!cacheable(&answer), "it must not be served again");
            let hint = answer.hint.unwrap();
            assert!(hint.contains("stopped unfinished (background command \"run suite\")"), "{hint}");
            assert!(hint.contains("dispatch_session("), "{hint}");
            assert_eq!(hint.contains("timeout_seconds=600"), ending == EndReason::TimedOut, "{hint}");
            assert!(!hint.contains("only the clean-up"), "{hint}");
            assert_eq!(
                hint.contains("the agent reports"),
                said.contains("partial") || said.contains("blocked"),
                "{hint}"
            );
        }
    }
    let answer = judged("Done.\n\nSTATUS: done", Vec::new(), EndReason::Exited { code: 0 }, false);
    assert_eq!((answer.outcome, answer.hint), (Some(Outcome::Done), None));
}

#[test]
fn the_cli_may_tell_of_them_on_stderr_alone() {
    let plan = plan();
    for (stderr, named) in [
        (
            "Background tasks still running 4s after the last turn (subagent \"analysis\"); stopping them. Set X=0 to wait.\n",
            "(subagent \"analysis\")",
        ),
        (
            "warning\nSome background tasks still running, stopping them",
            "(Some background tasks still running, stopping them)",
        ),
    ] {
        let evidence = Evidence {
            result: result("x"),
            stderr: stderr.into(),
            ..Evidence::new(&plan, EndReason::Exited { code: 0 })
        };
        let answer = judge(evidence);
        assert_eq!(answer.outcome, Some(Outcome::Partial));
        assert!(answer.hint.as_ref().unwrap().contains(named), "{answer:?}");
    }
}

#[test]
fn a_result_that_was_held_back_is_no_answer_but_is_not_lost() {
    let answer = judged("It runs in the background.", suite(), EndReason::TimedOut, true);
    assert_eq!((answer.success, answer.error_type), (false, Some(ErrorType::Timeout)));
    assert_eq!(
        (answer.result.as_str(), answer.outcome, answer.cost_usd),
        ("It runs in the background.", None, Some(0.5))
    );
    let error = answer.error.unwrap();
    assert!(error.contains("did not finish within 300 s; what worked in the background was stopped unfinished (background command \"run suite\"); go on with"), "{error}");
    let by = Canceller::Request;
    let answer = judged("It runs.", suite(), EndReason::Cancelled { by }, true);
    assert!(!answer.success && answer.error.as_ref().unwrap().contains("cancelled on request"), "{answer:?}");
    assert_eq!(answer.result, "It runs.");
}

#[test]
fn an_answer_that_missed_its_schema_outranks_one_that_was_held_back() {
    let mut plan = plan();
    plan.response_schema = Some(serde_json::json!({"type": "object"}));
    plan.format = agent_dispatch::machines::plan::Format::Json;
    let evidence = Evidence {
        result: result("It runs."),
        missed: result("no JSON"),
        held_back: true,
        ..Evidence::new(&plan, EndReason::TimedOut)
    };
    let answer = judge(evidence);
    assert_eq!((answer.error_type, answer.result.as_str()), (Some(ErrorType::SchemaMismatch), "no JSON"));
}
