//! Several results of one run, and output that is no stream of events.

use std::collections::BTreeSet;

use agent_dispatch::machines::answer::{Answer, ErrorType, Outcome};
use agent_dispatch::machines::events::{ResultEvent, Stop, StreamEvent};
use agent_dispatch::machines::plan::{Format, RunPlan, SessionPlan};
use agent_dispatch::machines::verdict::{EndReason, Evidence, judge, misses};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::support::{UUID, plan, read, session};

fn said(text: &str) -> ResultEvent {
    ResultEvent {
        subtype: "success".into(),
        result: Some(text.into()),
        num_turns: Some(2),
        duration_ms: Some(100),
        stop: Stop::Reason("end_turn".into()),
        ..ResultEvent::default()
    }
}

/// The CLI began this turn by itself, because a background task had ended.
fn notified(text: &str) -> ResultEvent {
    ResultEvent { is_notified: true, num_turns: Some(1), ..said(text) }
}

fn failed(text: &str) -> ResultEvent {
    ResultEvent {
        subtype: "error_during_execution".into(),
        is_error: true,
        result: None,
        errors: vec![text.into()],
        num_turns: Some(0),
        ..said("")
    }
}

fn merged(results: impl IntoIterator<Item = ResultEvent>) -> ResultEvent {
    results.into_iter().reduce(ResultEvent::followed_by).unwrap()
}

fn judged(plan: &RunPlan, code: i32, results: impl IntoIterator<Item = ResultEvent>) -> Answer {
    judge(Evidence { result: Some(merged(results)), ..Evidence::new(plan, EndReason::Exited { code }) })
}

fn demanding() -> RunPlan {
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
    RunPlan { format: Format::Json, response_schema: Some(schema), ..plan() }
}

#[test]
fn the_last_answer_comes_first_and_no_text_is_lost() {
    let answer = judged(&plan(), 0, [said("I put it off."), said("Now it is done.")]);
    assert!(answer.success, "{answer:?}");
    assert_eq!(answer.result, "Now it is done.\n\n---\nSaid earlier in the same run:\n\nI put it off.");
    assert!(answer.hint.unwrap().contains("several answers"));
    assert_eq!(answer.num_turns, Some(4));
    // What is said twice is told once.
    let repeated = judged(&plan(), 0, [said("The build passed."), said("All done. The build passed.")]);
    assert_eq!(repeated.result, "All done. The build passed.");
}

#[test]
fn a_turn_after_a_task_leads_only_where_it_says_more() {
    let report = "The answer: 42 bugs, listed: a, b, c";
    let chatter = judged(&plan(), 0, [said(report), notified("Nothing new.")]);
    assert_eq!(chatter.result, format!("{report}\n\n---\nSaid later in the same run:\n\nNothing new."));
    // What was waited for is the answer, however short it is.
    let promise = "The suite runs in the background; I will report when it has come to its end.";
    let kept = judged(&plan(), 0, [said(promise), notified("3 tests failed.")]);
    assert_eq!(kept.result, format!("3 tests failed.\n\n---\nSaid earlier in the same run:\n\n{promise}"));
    let late = judged(&plan(), 0, [said("Started."), notified(report)]);
    assert!(late.result.starts_with(report) && late.result.ends_with("Started."), "{}", late.result);
    // A STATUS line is how an agent marks its answer.
    let marked = judged(&plan(), 0, [said(report), notified("Passed.\nSTATUS: done")]);
    assert_eq!((marked.result.starts_with("Passed."), marked.outcome), (true, Some(Outcome::Done)));
    let kept = judged(&plan(), 0, [said("Half.\nSTATUS: partial"), notified("The watcher has ended; nothing to add.")]);
    assert_eq!((kept.result.starts_with("Half."), kept.outcome), (true, Some(Outcome::Partial)));
    assert_eq!(judged(&plan(), 0, [said(report), notified(" ")]).result, report);
}

#[test]
fn the_value_that_fits_wins_over_turns_without_one() {
    let plan = demanding();
    let valued =
        |n: Value| ResultEvent { structured_output: Some(json!({"n": n})), ..said(&json!({"n": n}).to_string()) };
    let chatter = "The watcher has ended; there is nothing to add to what was said.";
    for later in [said(chatter), notified(chatter), valued(json!("no number"))] {
        let results = [valued(json!(1)), valued(json!(42)), later];
        assert_eq!(misses(&plan, &merged(results.clone())), None, "it is not asked for again");
        let answer = judged(&plan, 0, results);
        assert_eq!((answer.success, answer.parsed_result), (true, Some(json!({"n": 42}))), "{:?}", answer.error);
        assert!(answer.result.starts_with("{\"n\":42}\n"), "{}", answer.result);
    }
    // A CLI that dropped the schema: the value is the text.
    let answer = judged(&plan, 0, [said("{\"n\": 7}"), said(chatter)]);
    assert_eq!(answer.parsed_result, Some(json!({"n": 7})));
    let text = RunPlan { response_schema: None, ..plan.clone() };
    assert_eq!(judged(&text, 0, [said("{\"n\": 7}"), said(chatter)]).parsed_result, Some(json!({"n": 7})));
    // None fits: the last one is asked for again.
    assert!(misses(&plan, &merged([said("one"), said("two")])).is_some());
}

#[test]
fn an_error_beside_an_answer_takes_nothing_from_it() {
    for code in [0, 1] {
        for results in [[said("42"), failed("only prompt commands")], [failed("only prompt commands"), said("42")]] {
            let answer = judged(&plan(), code, results);
            assert!(answer.success && answer.result == "42", "{answer:?}");
            let hint = answer.hint.unwrap();
            assert!(hint.contains("only prompt commands") && !hint.contains("was ended"), "{hint}");
        }
        assert!(!judged(&plan(), code, [failed("a"), failed("b")]).success);
    }
    assert!(!judged(&plan(), 1, [said("42"), said("43")]).success, "nothing explains the exit code");
    let cap = ResultEvent { subtype: "error_max_budget_usd".into(), ..failed("Reached maximum budget ($1)") };
    let answer = judged(&plan(), 1, [said("42"), cap]);
    assert_eq!((answer.success, answer.budget_exceeded), (true, Some(true)));
}

#[test]
fn denials_of_all_turns_are_told() {
    let denied = |names: &[&str], event: ResultEvent| ResultEvent {
        permission_denials: names.iter().map(|name| (*name).into()).collect(),
        ..event
    };
    let results = [denied(&["Write"], said("42 findings")), denied(&["Bash", "Write"], notified("no more"))];
    let answer = judged(&plan(), 0, results);
    assert_eq!(answer.denied_tools, Some(vec!["Write".into(), "Bash".into()]));
    assert!(answer.hint.unwrap().contains("Write, Bash"));
}

#[test]
fn the_time_is_the_clocks_only_where_results_are_several() {
    let plan = plan();
    let timed = |results: Vec<ResultEvent>, wall_ms| {
        let ending = EndReason::Exited { code: 0 };
        judge(Evidence { result: Some(merged(results)), wall_ms, ..Evidence::new(&plan, ending) }).duration_ms
    };
    assert_eq!(timed(vec![said("a")], Some(9_000)), Some(100));
    assert_eq!(timed(vec![said("a"), said("b")], Some(9_000)), Some(9_000));
    assert_eq!(timed(vec![said("a"), said("b")], None), Some(200));
}

/// Totals as 2.1.332, 2.1.300 and 2.1.197 printed them with two results: each holds what was paid before it.
#[test]
fn costs_are_not_counted_twice() {
    let paid = |total: f64| ResultEvent { total_cost_usd: Some(total), ..said("x") };
    let answer = judged(&plan(), 0, [paid(0.000_35), ResultEvent { is_notified: true, ..paid(0.000_525) }]);
    assert_eq!(answer.cost_usd, Some(0.000_525));
    let spurious = ResultEvent { total_cost_usd: Some(0.0), ..failed("spurious") };
    assert_eq!(judged(&plan(), 1, [paid(0.25), spurious]).cost_usd, Some(0.25));
}

#[test]
fn what_is_kept_is_bounded() {
    let many = merged((0..1_000).map(|n| said(&format!("answer {n}"))));
    let several = many.several.unwrap();
    assert_eq!((several.others.len(), several.left_out, several.num_turns), (100, 899, Some(2_000)));
    let large = merged((0..5).map(|n| said(&n.to_string().repeat(20 << 20))));
    assert_eq!((large.others().len(), large.several.unwrap().left_out), (3, 1));
}

fn plain(plan: &RunPlan, code: i32, text: &str) -> Answer {
    let (_, end) = read(text);
    judge(Evidence { plain: end.plain, stray: end.stray, ..Evidence::new(plan, EndReason::Exited { code }) })
}

#[test]
fn plain_text_with_exit_code_0_is_the_answer() {
    let text = "# Report\n\n- 42 bugs\n    indented\n\nA rate limit of 5 per minute is hit: permission denied is what it says.\nSTATUS: done\n";
    let answer = plain(&plan(), 0, text);
    assert_eq!((answer.success, answer.outcome), (true, Some(Outcome::Done)), "{answer:?}");
    assert!(answer.result.starts_with("# Report\n\n- 42 bugs\n    indented"), "{}", answer.result);
    assert_eq!(answer.session_id, None, "nothing says that the CLI took the id");
    assert!(answer.hint.unwrap().contains("progress, cost and turns are unknown"));
    let plan_kept = plan();
    let evidence = Evidence {
        plain: Some("42".into()),
        session_kept: true,
        ..Evidence::new(&plan_kept, EndReason::Exited { code: 0 })
    };
    assert!(evidence.is_answered());
    assert_eq!(judge(evidence).session_id.as_deref(), Some(UUID));
    let resumed = RunPlan { session: SessionPlan::Resume { id: session(UUID) }, ..plan() };
    assert_eq!(plain(&resumed, 0, "42").session_id.as_deref(), Some(UUID), "it was there before");
    assert_eq!(plain(&demanding(), 0, "{\"n\": 1}\n").parsed_result, Some(json!({"n": 1})));
    let misses = plain(&demanding(), 0, "about one");
    assert_eq!((misses.error_type, misses.result.as_str()), (Some(ErrorType::SchemaMismatch), "about one"));
}

#[test]
fn a_plain_message_of_the_cli_is_no_answer() {
    for (text, kind) in [
        ("Execution error", ErrorType::CliError),
        ("Error: Reached max turns (1)", ErrorType::CliError),
        ("API Error: 400 bad\n", ErrorType::CliError),
        ("Invalid API key · Please run /login", ErrorType::CliError),
        ("Credit balance is too low", ErrorType::CliError),
        ("You've hit your session limit · resets 8:25am (UTC)", ErrorType::UsageLimit),
    ] {
        let answer = plain(&plan(), 0, text);
        assert_eq!((answer.success, answer.error_type), (false, Some(kind)), "{text}");
        assert!(answer.error.unwrap().contains(text.trim()) && answer.result == text.trim(), "{text}");
        assert_eq!(answer.session_id, None);
    }
    let again = format!("half\n{}the whole\n", agent_dispatch::machines::events::start_line());
    assert_eq!(plain(&plan(), 0, &again).result, "the whole", "a process before it wrote the rest");
    let failed = plain(&plan(), 1, "half of the report");
    assert_eq!((failed.success, failed.result.as_str()), (false, "half of the report"));
    assert!(!plain(&plan(), 0, " \n\n").success);
}

#[test]
fn json_over_several_lines_is_read_as_events() {
    let event = json!({"type": "result", "subtype": "success", "is_error": false, "result": "42 \"{ }\" \n x", "num_turns": 1, "session_id": "s"});
    let other = json!({"type": "system", "subtype": "init", "session_id": "s", "tools": []});
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap();
    for stream in [
        pretty(&event),
        format!("{}\n", pretty(&event)),
        format!("Warning: x\r\n{}\n", pretty(&event).replace('\n', "\r\n")),
        format!("{}\n{}\n", pretty(&other), pretty(&event)),
        pretty(&json!([other, event])),
        event.to_string(),
        json!([other, event]).to_string(),
    ] {
        let (seen, end) = read(&stream);
        let results: Vec<_> =
            seen.iter().chain(&end.seen).filter(|seen| matches!(seen, StreamEvent::Result(_))).collect();
        let [StreamEvent::Result(result)] = results[..] else { panic!("{stream}: {results:?}") };
        assert_eq!((result.result.as_deref(), end.plain), (event["result"].as_str(), None), "{stream}");
    }
    for prose in [
        format!("The CLI prints:\n\n```json\n{}\n```\n", pretty(&event)),
        pretty(&json!({"type": "function", "result": 1})),
        pretty(&json!({"n": 1})),
        json!([1, {"n": 2}]).to_string(),
        format!("The CLI prints {event}"),
        format!("Example: {event}"),
        format!("| {event} |"),
        "{ no json".to_owned(),
    ] {
        let (seen, end) = read(&prose);
        assert!(!seen.iter().chain(&end.seen).any(|seen| matches!(seen, StreamEvent::Result(_))), "{prose}");
        assert_eq!(end.plain.as_deref(), Some(prose.trim()));
    }
}

#[test]
fn colours_and_tags_before_an_event_are_passed_over() {
    let event = r#"{"type":"result","result":"42","num_turns":1}"#;
    for (before, after) in [
        ("\u{1b}[32m", "\u{1b}[0m"),
        ("\u{1b}[2K\u{1b}[1;38;5;4m ", ""),
        ("[claude] ", ""),
        ("[\u{1b}[36mclaude\u{1b}[0m]\t", " \u{1b}[0m\r"),
        ("[2026-11-29T10:00:00.000Z][INFO] ", ""),
        ("2026-11-29 10:00:00 [stdout]", ""),
        ("claude-1  | ", ""),
    ] {
        let long = format!("{before}{{\"type\":\"user\",\"x\":\"{}\"}}{after}", "y".repeat(300_000));
        let stream = format!("{long}\n{before}{event}{after}\n");
        let (seen, end) = read(&stream);
        assert!(
            matches!(&seen[..], [StreamEvent::Other, StreamEvent::Result(result)] if result.result.as_deref() == Some("42")),
            "{before}: {seen:?}"
        );
        assert_eq!((end.plain, end.stray), (None, None), "{before}");
        for size in [1, 7, 160, 161] {
            agent_dispatch_fuzz::events::check_cuts(stream.as_bytes(), stream.as_bytes().chunks(size));
        }
    }
}

fn any_results() -> impl Strategy<Value = Vec<ResultEvent>> {
    let text = prop::option::of(prop_oneof![
        Just(String::new()),
        "[a-c]{1,4}",
        Just("x\nSTATUS: done".to_owned()),
        Just("{\"n\": 1}".to_owned())
    ]);
    let one = (text, any::<[bool; 4]>(), prop::option::of(0_u64..3), prop::option::of(0_u32..9), 0_u8..3).prop_map(
        |(result, [is_error, is_notified, cut, valued], num_turns, cost, denied)| ResultEvent {
            result,
            is_error,
            is_notified,
            num_turns,
            total_cost_usd: cost.map(f64::from),
            duration_ms: num_turns.map(|turns| turns * 10),
            stop: if cut { Stop::Cut } else { Stop::NotReported },
            structured_output: valued.then(|| json!({"n": 1})),
            permission_denials: (0..denied).map(|n| format!("Tool{n}")).collect(),
            ..ResultEvent::default()
        },
    );
    prop::collection::vec(one, 1..6)
}

proptest! {
    #[test]
    fn nothing_paid_is_lost_and_nothing_counted_twice(results in any_results(), json: bool, code in 0_i32..2) {
        let plan = if json { demanding() } else { plan() };
        let event = merged(results.clone());
        prop_assert_eq!(event.is_answer(), results.iter().any(ResultEvent::is_answer), "an answer stays one");
        let highest = results.iter().filter_map(|one| one.total_cost_usd).reduce(f64::max);
        prop_assert_eq!(event.cost_usd(), highest);
        let answer = judge(Evidence { result: Some(event), ..Evidence::new(&plan, EndReason::Exited { code }) });
        for one in results.iter().filter(|one| !one.is_error && one.num_turns != Some(0)) {
            // A bare STATUS line is lifted from the answer.
            let text = one.result.as_deref().unwrap_or_default().trim_end_matches("\nSTATUS: done");
            prop_assert!(answer.result.contains(text), "{:?} is not in {:?}", text, answer.result);
        }
        let denied: BTreeSet<_> = results.iter().flat_map(|one| &one.permission_denials).collect();
        let told = answer.denied_tools.unwrap_or_default();
        prop_assert_eq!(told.iter().collect::<BTreeSet<_>>(), denied);
        let turns = results.iter().filter_map(|one| one.num_turns).reduce(|sum, more| sum + more);
        prop_assert_eq!(answer.num_turns, turns);
        if json && results.iter().any(|one| one.is_answer() && one.structured_output.is_some()) && code == 0 {
            prop_assert!(answer.success && answer.parsed_result == Some(json!({"n": 1})), "{:?}", answer.error);
        }
    }

    /// One result alone is what it always was.
    #[test]
    fn one_result_stands_for_itself(results in any_results()) {
        let one = results[0].clone();
        prop_assert_eq!(merged([one.clone()]), one);
    }
}
