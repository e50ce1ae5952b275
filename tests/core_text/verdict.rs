use agent_dispatch::machines::answer::{Answer, ErrorType, Outcome};
use agent_dispatch::machines::cache::cacheable;
use agent_dispatch::machines::command_line::arguments;
use agent_dispatch::machines::events::{ResultEvent, Retry, Stop};
use agent_dispatch::machines::flags::{Flag, Omission, Omitted};
use agent_dispatch::machines::plan::{Format, RunPlan, SessionPlan};
use agent_dispatch::machines::prompt::PromptError;
use agent_dispatch::machines::verdict::{Canceller, EndReason, Evidence, NotStarted, judge};
use proptest::prelude::*;
use serde_json::json;

use crate::spec::dispatch::REFUSALS;

use super::support::{UUID, plan, session};

const RESUME: &str = "dispatch_session(agent=\"infra\", task=\"Continue where you left off\", \
                      session_id=\"44c1d7c7-0000-4000-8000-00000000000a\")";

fn good(text: &str) -> ResultEvent {
    ResultEvent {
        subtype: "success".into(),
        result: Some(text.into()),
        session_id: Some(UUID.into()),
        total_cost_usd: Some(0.25),
        duration_ms: Some(1_500),
        num_turns: Some(2),
        stop: Stop::Reason("end_turn".into()),
        terminal_reason: Some("completed".into()),
        ..ResultEvent::default()
    }
}

/// How the CLI reports an error of the API.
fn api_error(text: &str, status: Option<u64>) -> ResultEvent {
    ResultEvent { is_error: true, api_error_status: status, ..good(text) }
}

fn exited(plan: &RunPlan, code: i32, result: Option<ResultEvent>) -> Answer {
    judge(Evidence { result, ..begun(plan, EndReason::Exited { code }) })
}

fn ended(plan: &RunPlan, ending: EndReason) -> Answer {
    judge(begun(plan, ending))
}

/// A run that had told of its session.
fn begun(plan: &RunPlan, ending: EndReason) -> Evidence<'_> {
    Evidence { begun: true, ..Evidence::new(plan, ending) }
}

#[track_caller]
fn assert_failure(answer: &Answer, error_type: ErrorType, needles: &[&str]) {
    let error = answer.error.as_deref().unwrap();
    assert!(!answer.success && answer.error_type == Some(error_type), "{answer:?}");
    for needle in needles {
        assert!(error.contains(needle), "{needle:?} is missing in {error}");
    }
}

#[test]
fn a_trustworthy_success_is_a_success() {
    let answer = exited(&plan(), 0, Some(good("It works.\n\nSTATUS: done")));
    let expected = Answer {
        session_id: Some(UUID.into()),
        cost_usd: Some(0.25),
        duration_ms: Some(1_500),
        num_turns: Some(2),
        outcome: Some(Outcome::Done),
        ..Answer::success("infra", "It works.")
    };
    assert_eq!(answer, expected);
    assert!(cacheable(&answer));
}

#[test]
fn whatever_a_success_lacks_makes_it_a_failure_that_keeps_its_text() {
    let lacking = [
        (1, good("text"), "exited with code 1"),
        (0, ResultEvent { num_turns: Some(0), ..good("text") }, "not asked"),
        (0, ResultEvent { stop: Stop::Cut, ..good("text") }, "may be cut"),
        (1, api_error("text", Some(400)), "text"),
    ];
    for (code, event, needle) in lacking {
        let answer = exited(&plan(), code, Some(event));
        assert_failure(&answer, ErrorType::CliError, &[needle]);
        assert_eq!(answer.result, "text");
        assert_eq!(answer.cost_usd, Some(0.25));
    }
    for empty in [None, Some(String::new()), Some(" \n".into())] {
        let event = ResultEvent { result: empty, ..good("") };
        let plan = plan();
        let evidence = Evidence {
            result: Some(event),
            last_text: Some("said before".into()),
            ..begun(&plan, EndReason::Exited { code: 0 })
        };
        let answer = judge(evidence);
        assert_failure(&answer, ErrorType::CliError, &["without a final text", "dispatch_session("]);
        assert_eq!(answer.result, "said before");
    }
}

#[test]
fn metadata_that_is_missing_does_not_spoil_an_answer() {
    let event = ResultEvent { result: Some("x".into()), ..ResultEvent::default() };
    let answer = exited(&plan(), 0, Some(event));
    assert!(answer.success, "{answer:?}");
    assert_eq!((answer.session_id.as_deref(), answer.cost_usd), (Some(UUID), None));
    let odd = ResultEvent { session_id: Some("--evil\n".into()), ..good("x") };
    assert_eq!(exited(&plan(), 0, Some(odd)).session_id.as_deref(), Some(UUID));
}

#[test]
fn a_complete_result_outranks_what_ended_the_process() {
    let endings = [
        (EndReason::TimedOut, "at the deadline"),
        (EndReason::Cancelled { by: Canceller::Request }, "before the run was cancelled"),
        (EndReason::Signalled { signal: 9 }, "after its answer was complete"),
        (EndReason::Exited { code: 143 }, "after its answer was complete"),
        (EndReason::Abandoned, "after its answer was complete"),
    ];
    for (ending, needle) in endings {
        let plan = plan();
        let answer = judge(Evidence { result: Some(good("x")), ..Evidence::new(&plan, ending) });
        assert!(answer.success && answer.result == "x" && answer.hint.as_ref().unwrap().contains(needle), "{answer:?}");
    }
}

#[test]
fn an_incomplete_result_does_not_outrank_the_deadline() {
    let aborted = ResultEvent { subtype: "error_during_execution".into(), is_error: true, result: None, ..good("") };
    for event in [aborted, ResultEvent { stop: Stop::Cut, ..good("half") }] {
        let plan = plan();
        let text = event.result.clone();
        let answer = judge(Evidence { result: Some(event), ..begun(&plan, EndReason::TimedOut) });
        assert_failure(&answer, ErrorType::Timeout, &[RESUME]);
        assert_eq!(answer.result, text.unwrap_or_default());
    }
    let plan = plan();
    let limit = api_error("You've hit your session limit · resets 8:25am (UTC)", Some(429));
    let answer = judge(Evidence { result: Some(limit), ..begun(&plan, EndReason::TimedOut) });
    assert_failure(&answer, ErrorType::UsageLimit, &["8:25am"]);
}

#[test]
fn a_timeout_says_what_to_do_with_numbers() {
    let mut plan = plan();
    let evidence = Evidence {
        last_text: Some("so far".into()),
        suggested_timeout_seconds: Some(750),
        last_retry: Some(Retry { attempt: Some(7), error: "overloaded".into(), ..Retry::default() }),
        ..begun(&plan, EndReason::TimedOut)
    };
    let answer = judge(evidence);
    let needles =
        ["300 s", "timeout_seconds=750", "measured", "dispatch_async", "timeout=750", "overloaded, attempt 7", RESUME];
    assert_failure(&answer, ErrorType::Timeout, &needles);
    assert_eq!((answer.result.as_str(), answer.session_id.as_deref()), ("so far", Some(UUID)));
    assert_failure(&ended(&plan, EndReason::TimedOut), ErrorType::Timeout, &["timeout_seconds=600"]);
    plan.timeout_seconds = 7_200;
    let longest = ended(&plan, EndReason::TimedOut);
    assert_failure(&longest, ErrorType::Timeout, &["split the task"]);
    assert!(!longest.error.unwrap().contains("timeout_seconds="));
}

#[test]
fn a_time_limit_that_is_proposed_has_room() {
    let plan = RunPlan { timeout_seconds: 12, ..plan() };
    let evidence =
        |last_retry| Evidence { suggested_timeout_seconds: Some(16), last_retry, ..begun(&plan, EndReason::TimedOut) };
    // Runs that were cut off are among the measured ones.
    let cut = judge(evidence(None)).error.unwrap();
    assert!(cut.contains("timeout_seconds=24 (") && !cut.contains("measured") && !cut.contains("refuses"), "{cut}");
    let retry = Retry { attempt: Some(4), error: "rate_limit".into(), ..Retry::default() };
    let refused = judge(evidence(Some(retry))).error.unwrap();
    assert!(refused.contains("more time helps little") && refused.contains("max_concurrency"), "{refused}");
}

#[test]
fn a_budget_stop_is_a_budget_stop_whatever_else_happened() {
    let plan = RunPlan { max_budget_usd: Some(0.2), ..plan() };
    let event = ResultEvent {
        subtype: "error_max_budget_usd".into(),
        is_error: true,
        result: None,
        errors: vec!["Reached maximum budget ($0.2)".into()],
        permission_denials: vec!["Bash".into()],
        ..good("")
    };
    let evidence = Evidence {
        result: Some(event),
        last_text: Some("paid for".into()),
        ..begun(&plan, EndReason::Exited { code: 1 })
    };
    let answer = judge(evidence);
    assert_failure(&answer, ErrorType::Budget, &["$0.2", "$0.2500", "max_budget_usd=0.5)", RESUME]);
    assert_eq!((answer.budget_exceeded, answer.result.as_str()), (Some(true), "paid for"));
    // What is proposed lies above what was spent, however little the cap was.
    for (cap, cost, proposed) in [
        (Some(0.000_01), 0.000_1, "0.0002"),
        (Some(0.3), 0.1, "0.6"),
        (Some(0.2), 0.251_342_7, "0.51"),
        (Some(5.0), 123.456, "247"),
        (Some(0.07), 0.0, "0.14"),
        // Stopped by a cap that is not ours, before anything was counted.
        (None, 0.0, "…"),
    ] {
        let plan = RunPlan { max_budget_usd: cap, ..self::plan() };
        let event = ResultEvent {
            subtype: "error_max_budget_usd".into(),
            is_error: true,
            total_cost_usd: Some(cost),
            ..good("")
        };
        let answer = judge(Evidence { result: Some(event), ..begun(&plan, EndReason::Exited { code: 1 }) });
        assert_failure(&answer, ErrorType::Budget, &[&format!("max_budget_usd={proposed})")]);
    }
}

#[test]
fn a_turn_limit_that_was_asked_for_is_a_limit_of_the_caller() {
    let limited = RunPlan { max_turns: Some(6_000), ..plan() };
    let stopped = |plan: &RunPlan| {
        let event = ResultEvent {
            subtype: "error_max_turns".into(),
            is_error: true,
            result: None,
            errors: vec!["Reached maximum number of turns (6000)".into()],
            permission_denials: vec!["Bash".into()],
            ..good("")
        };
        judge(Evidence { result: Some(event), ..begun(plan, EndReason::Exited { code: 1 }) })
    };
    let answer = stopped(&limited);
    let call = format!("session_id=\"{UUID}\", max_turns=10000)");
    assert_failure(&answer, ErrorType::Budget, &["6000 turns", &call, "update_agent("]);
    assert_eq!((answer.budget_exceeded, answer.cost_usd), (None, Some(0.25)), "turns are no dollars");
    assert_ne!(stopped(&plan()).error_type, Some(ErrorType::Budget), "nobody here set that limit");
    // No more can be had: nothing is proposed as a default that is one already.
    let most = stopped(&RunPlan { max_turns: Some(10_000), ..plan() }).error.unwrap();
    assert!(most.contains("max_turns=10000), or split the task") && !most.contains("update_agent("), "{most}");
}

#[test]
fn denied_tools_make_a_failure_a_matter_of_permission() {
    let plan = RunPlan { allowed_tools: vec!["Read".into()], ..plan() };
    let event = ResultEvent { permission_denials: vec!["Bash".into()], ..api_error("rate limit", None) };
    let answer = exited(&plan, 1, Some(event));
    assert_failure(&answer, ErrorType::Permission, &["Bash", r#"allowed_tools=["Read","Bash"]"#]);
    assert_eq!(answer.denied_tools, Some(vec!["Bash".into()]));
}

#[test]
fn messages_of_the_cli_are_told_apart() {
    use ErrorType::{CliError, Permission, UsageLimit};
    let cases = [
        ("You've hit your session limit · resets 8:25am (UTC)", None, UsageLimit, "resets 8:25am (UTC)"),
        ("You’ve hit your weekly limit · resets Nov 24", Some(429), UsageLimit, "resets Nov 24"),
        ("API Error: Request rejected (429) · slow down", Some(429), UsageLimit, "account"),
        ("something", Some(429), UsageLimit, "account"),
        (
            "Claude requested permissions to use Bash, but you haven't granted it yet.",
            None,
            Permission,
            "allowed_tools",
        ),
        ("Not logged in · Please run /login", None, CliError, "/login"),
        ("Invalid API key · Fix external API key", Some(401), CliError, "log in"),
        ("Failed to authenticate. API Error: 403 permission denied", Some(403), CliError, "log in"),
        ("Credit balance is too low", Some(400), CliError, "add credit"),
        (
            "There's an issue with the selected model (x). It may not exist …",
            Some(404),
            CliError,
            "choose another model",
        ),
        ("Prompt is too long · x", Some(400), CliError, "send less"),
        ("API Error: 529 Overloaded. This is a server-side issue", Some(529), CliError, "try again"),
        ("API Error: Unable to connect to API (ConnectionRefused)", None, CliError, "try again"),
        ("API Error: Claude's response exceeded the 64000 output token maximum.", None, CliError, "shorter answer"),
        ("API Error: Claude Code is unable to respond … Usage Policy", None, CliError, "word the task differently"),
        ("API Error: 400 bad", Some(400), CliError, "agent-dispatch doctor"),
    ];
    for (text, status, kind, needle) in cases {
        let answer = exited(&plan(), 1, Some(api_error(text, status)));
        assert_failure(&answer, kind, &[needle, text]);
        assert_eq!(answer.result, text);
    }
}

#[test]
fn stderr_tells_why_nothing_came() {
    let cases = [
        ("Error: Session ID x is already in use.\n", "resume it with dispatch_session("),
        ("No conversation found with session ID: x", "start a new one"),
        ("--dangerously-skip-permissions cannot be used with root/sudo privileges for security reasons", "IS_SANDBOX"),
        (
            "error: option '--permission-mode <mode>' argument 'x' is invalid. Allowed choices are plan.",
            "correct the agent's settings",
        ),
        ("var a=1;minified(source)\nerror: unknown option '--foo'\nat x", "claude update"),
        ("something else", "agent-dispatch test infra"),
    ];
    for (stderr, needle) in cases {
        let plan = plan();
        let answer = judge(Evidence { stderr: stderr.into(), ..begun(&plan, EndReason::Exited { code: 1 }) });
        assert_failure(&answer, ErrorType::CliError, &[needle]);
        assert!(!answer.error.unwrap().contains("minified"));
    }
    let plan = plan();
    let stray = Evidence { stray: Some("Execution error".into()), ..begun(&plan, EndReason::Exited { code: 1 }) };
    assert_failure(&judge(stray), ErrorType::CliError, &["Execution error"]);
}

#[test]
fn a_result_that_never_came_leaves_its_text_and_a_way_on() {
    let endings = [
        EndReason::Exited { code: 0 },
        EndReason::Exited { code: 143 },
        EndReason::Signalled { signal: 9 },
        EndReason::Abandoned,
        EndReason::Cancelled { by: Canceller::CallerGone },
    ];
    for ending in endings {
        let plan = plan();
        let cancelled = matches!(ending, EndReason::Cancelled { .. });
        let answer = judge(Evidence { last_text: Some("half".into()), ..begun(&plan, ending) });
        assert_failure(&answer, if cancelled { ErrorType::Cancelled } else { ErrorType::CliError }, &[RESUME]);
        assert_eq!((answer.result.as_str(), answer.session_id.as_deref()), ("half", Some(UUID)));
    }
}

#[test]
fn what_was_never_started_says_what_to_correct() {
    let plan = plan();
    let bad = arguments(&RunPlan { model: Some("--x".into()), ..plan.clone() }, Omitted::default()).unwrap_err();
    let cases = [
        (NotStarted::DirectoryMissing, ErrorType::NotFound, "\"/srv/infra\" of agent 'infra' does not exist"),
        (NotStarted::DirectoryUnusable("is a file".into()), ErrorType::NotFound, "is a file"),
        (
            NotStarted::CliMissing { what: "no claude".into(), way_out: "install it".into() },
            ErrorType::NotFound,
            "no claude; install it; `agent-dispatch doctor`",
        ),
        (NotStarted::BadValue(bad), ErrorType::CliError, "correct `model`"),
        (NotStarted::BadPrompt(PromptError::Empty), ErrorType::CliError, "empty task"),
        (NotStarted::TooDeep { max: 3 }, ErrorType::Recursion, "max_dispatch_depth"),
        (NotStarted::SpawnFailed("no memory".into()), ErrorType::CliError, "no memory"),
    ];
    for (reason, kind, needle) in cases {
        let answer = judge(Evidence::new(&plan, EndReason::NotStarted { reason }));
        assert_failure(&answer, kind, &[needle]);
        assert_eq!(answer.session_id, None, "a session that never began");
    }
}

#[test]
fn hints_say_how_to_go_on_after_a_success() {
    let plan = RunPlan { max_budget_usd: Some(0.2), ..plan() };
    let event = ResultEvent { permission_denials: vec!["Bash".into()], ..good("x\nSTATUS: partial — y") };
    let evidence = Evidence {
        result: Some(event),
        omitted: Omitted::NOTHING.and(Omission::Unknown(Flag::MaxBudget)),
        ..begun(&plan, EndReason::Exited { code: 0 })
    };
    let answer = judge(evidence);
    assert!(answer.success && answer.result == "x\nSTATUS: partial — y" && answer.outcome == Some(Outcome::Partial));
    assert_eq!((answer.budget_exceeded, cacheable(&answer)), (Some(true), false));
    let hint = answer.hint.unwrap();
    for needle in ["Bash", "allowed_tools=[\"Bash\"]", RESUME, "$0.2500", "no spend cap"] {
        assert!(hint.contains(needle), "{needle} in {hint}");
    }
}

#[test]
fn what_a_run_lacked_has_its_reason() {
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}});
    let hint = |plan: &RunPlan, omitted: Omitted| {
        judge(Evidence { omitted, result: Some(good("7")), ..begun(plan, EndReason::Exited { code: 0 }) }).hint
    };
    let asked = RunPlan { response_schema: Some(schema), max_turns: Some(3), ..plan() };
    let unknown = hint(
        &asked,
        [Flag::JsonSchema, Flag::MaxTurns].map(Omission::Unknown).into_iter().fold(Omitted::NOTHING, Omitted::and),
    )
    .unwrap();
    assert!(unknown.contains("does not know --max-turns") && unknown.contains("nor --json-schema"), "{unknown}");
    let cases = [
        (Omitted::NOTHING.and(Omission::ThisSchema), ["refuses this response_schema", "JavaScript"]),
        (Omitted::NOTHING.and(Omission::UnboundedSchema), ["without end", "to 2.1.197 or newer"]),
    ];
    for (omitted, needles) in cases {
        let hint = hint(&asked, omitted).unwrap();
        assert!(needles.iter().all(|needle| hint.contains(needle)), "{hint}");
        assert!(hint.contains("--json-schema") && !hint.contains("does not know"), "{hint}");
    }
    // What the run was not to be given is nothing that it lacked, whatever else this CLI refuses.
    let everything = REFUSALS.into_iter().fold(Omitted::NOTHING, Omitted::and);
    let resumed = RunPlan { session: SessionPlan::Resume { id: session("title") }, ..plan() };
    assert_eq!(hint(&resumed, everything), None);
}

#[test]
fn json_answers_are_parsed() {
    let plan = RunPlan { format: Format::Json, ..plan() };
    let answer = exited(&plan, 0, Some(good("```json\n{\"a\":1}\n```\nSTATUS: done")));
    assert_eq!((answer.parsed_result, answer.outcome), (Some(json!({"a": 1})), Some(Outcome::Done)));
    let prose = exited(&plan, 0, Some(good("no json")));
    assert!(prose.success && prose.parsed_result.is_none());
    let hint = prose.hint.unwrap_or_default();
    let again = format!("session_id=\"{UUID}\", response_format=\"json\")");
    assert!(hint.contains("no parsed_result") && hint.contains(&again) && hint.contains("response_schema"), "{hint}");
    assert_eq!(exited(&plan, 0, Some(good("7"))).hint, None);
    assert_eq!(exited(&self::plan(), 0, Some(good("no json"))).hint, None, "nobody asked for JSON");
    let structured = ResultEvent { structured_output: Some(json!([1])), ..good("") };
    let answer = exited(&plan, 0, Some(structured));
    assert_eq!((answer.result.as_str(), answer.parsed_result), ("[1]", Some(json!([1]))));
}

#[test]
fn a_session_that_the_cli_would_not_name_cannot_be_promised() {
    let plan = plan();
    let omitted = Omitted::NOTHING.and(Omission::Unknown(Flag::SessionId));
    let answer = judge(Evidence { omitted, ..begun(&plan, EndReason::TimedOut) });
    assert_eq!(answer.session_id, None);
    assert_failure(&answer, ErrorType::Timeout, &["dispatch(agent=\"infra\""]);
    let seen = Evidence { omitted, session_id: Some("seen".into()), ..begun(&plan, EndReason::TimedOut) };
    assert_eq!(judge(seen).session_id.as_deref(), Some("seen"));
    let resumed = RunPlan { session: SessionPlan::Resume { id: session("title") }, ..plan };
    let missing = ended(&resumed, EndReason::NotStarted { reason: NotStarted::DirectoryMissing });
    assert_eq!(missing.session_id.as_deref(), Some("title"));
}

fn any_ending() -> impl Strategy<Value = EndReason> {
    prop_oneof![
        prop::sample::select(vec![0, 1, 2, 130, 143, 255, -1]).prop_map(|code| EndReason::Exited { code }),
        (1..32).prop_map(|signal| EndReason::Signalled { signal }),
        Just(EndReason::TimedOut),
        Just(EndReason::Cancelled { by: Canceller::Request }),
        Just(EndReason::Abandoned),
        Just(EndReason::NotStarted { reason: NotStarted::DirectoryMissing }),
    ]
}

fn any_result() -> impl Strategy<Value = ResultEvent> {
    let text = "(rate limit|permission denied|usage limit reached|you haven't granted it|\\PC{0,9}| |STATUS: done)";
    let stop = prop::sample::select(vec![Stop::Cut, Stop::NotReported, Stop::Reason("end_turn".into())]);
    let subtype = prop::sample::select(vec!["success", "error_max_budget_usd", "error_during_execution", ""]);
    let denied = prop::collection::vec("[A-Z]", 0..2);
    (any::<bool>(), prop::option::of(text), stop, subtype, denied, prop::option::of(0..3_u64)).prop_map(
        |(is_error, result, stop, subtype, permission_denials, num_turns)| ResultEvent {
            is_error,
            result,
            stop,
            subtype: subtype.into(),
            permission_denials,
            num_turns,
            ..good("")
        },
    )
}

proptest! {
    #[test]
    fn every_verdict_is_sound(ending in any_ending(), result in prop::option::of(any_result()), last in prop::option::of("[a-z]{1,5}"), stderr in "(rate limit|\\PC{0,9})") {
        let plan = plan();
        let evidence = Evidence { result: result.clone(), last_text: last.clone(), stderr, ..begun(&plan, ending.clone()) };
        let answer = judge(evidence);
        // A failure has a type and a reason, a success has neither.
        prop_assert_eq!(answer.success, answer.error.is_none());
        prop_assert_eq!(answer.success, answer.error_type.is_none());
        // What was paid for is there.
        let paid = result.as_ref().and_then(|event| event.result.as_deref()).filter(|text| !text.trim().is_empty());
        if !answer.success {
            prop_assert_eq!(answer.result.as_str(), paid.or(last.as_deref()).unwrap_or_default());
        }
        // Success means all that it must mean.
        if answer.success {
            let event = result.as_ref().unwrap();
            prop_assert!(!event.is_error && event.num_turns != Some(0) && event.stop != Stop::Cut && paid.is_some());
            let failed = matches!(ending, EndReason::Exited { code: 1..=128 });
            prop_assert!(!failed);
        }
        // Precedence of an error payload.
        if let (Some(event), EndReason::Exited { .. }) = (&result, &ending) && event.is_error {
            let text = event.result.as_deref().unwrap_or_default();
            let expected = if event.subtype == "error_max_budget_usd" { Some(ErrorType::Budget) }
                else if !event.permission_denials.is_empty() { Some(ErrorType::Permission) }
                else if text == "usage limit reached" && !event.subtype.starts_with("error") { Some(ErrorType::UsageLimit) }
                else if text == "you haven't granted it" { Some(ErrorType::Permission) }
                else { Some(ErrorType::CliError) };
            prop_assert_eq!(answer.error_type, expected);
        }
    }
}
