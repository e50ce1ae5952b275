//! The usage journal: lines, what they add up to, what is typical.

use agent_dispatch::machines::answer::{Answer, ErrorType, Outcome};
use agent_dispatch::machines::ids::JobId;
use agent_dispatch::machines::usage::{self, Entry, MAX_LINE_BYTES, RECENT_RUNS, Recent, Report, date};
use proptest::prelude::*;
use serde_json::{Value, json};

const JOB: &str = "0123456789abcdef0123456789abcdef";

fn job() -> JobId {
    JobId::try_from(JOB).unwrap()
}

fn answer() -> Answer {
    Answer {
        cost_usd: Some(0.25),
        duration_ms: Some(1_500),
        num_turns: Some(3),
        outcome: Some(Outcome::Partial),
        ..Answer::success("infra", "fine")
    }
}

fn line(entry: &Entry<'_>) -> Value {
    let line = entry.to_line();
    assert_eq!(line.last(), Some(&b'\n'));
    serde_json::from_slice(&line).unwrap()
}

fn run(agent: &str, more: Value) -> Vec<u8> {
    let mut entry = json!({"t": 1_700_000_000, "agent": agent, "ok": true});
    entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    entry.to_string().into_bytes()
}

fn report(lines: &[Vec<u8>]) -> Report {
    let mut report = Report::default();
    lines.iter().filter_map(|line| Entry::parse(line)).for_each(|entry| report.add(&entry));
    report
}

fn recent(lines: &[Vec<u8>]) -> Recent {
    let mut recent = Recent::new();
    lines.iter().filter_map(|line| Entry::parse(line)).for_each(|entry| recent.add(&entry));
    recent
}

#[test]
fn a_line_says_what_the_answer_said_and_nothing_else() {
    let success = answer();
    let expected = json!({"t": 7, "agent": "infra", "ok": true, "cost": 0.25, "ms": 1500, "turns": 3,
        "outcome": "partial", "caller": "me", "job": JOB});
    assert_eq!(line(&Entry::of(&success, Some("me"), 7).of_job(&job()).lasting(Some(9_000))), expected);
    let failure = Answer::failure("infra", ErrorType::UsageLimit, "limit");
    let expected = json!({"t": 7, "agent": "infra", "ok": false, "ms": 40, "err": "usage_limit"});
    assert_eq!(line(&Entry::of(&failure, Some(" \n"), 7).lasting(Some(40))), expected);
    let expected = json!({"t": 7, "agent": "infra", "ok": false, "err": "cancelled"});
    assert_eq!(line(&Entry::of(&failure, None, 7).cancelled()), expected);
    // What was paid for once is not counted again.
    let cached = Answer { cached: Some(true), ..answer() };
    assert_eq!(line(&Entry::of(&cached, None, 7)), json!({"t": 7, "agent": "infra", "ok": true, "cached": true}));
    assert!(
        String::from_utf8(Entry::of(&success, None, 7).of_job(&job()).to_line())
            .unwrap()
            .contains(&usage::mark(&job()))
    );
}

#[test]
fn what_is_no_line_is_passed_over() {
    let bad: [&[u8]; 12] = [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b"{\"t\": 1, \"agent\": \"a\"}",
        b"{\"t\": 1, \"ok\": true}",
        b"{\"t\": \"x\", \"agent\": \"a\", \"ok\": true}",
        b"{\"t\": 1, \"agent\": 7, \"ok\": true}",
        b"{\"t\": 1, \"agent\": \"a\", \"ok\": true, \"cost\": \"much\"}",
        b"{\"t\": 1, \"agent\": \"a\xff\", \"ok\": true}",
        b"{\"t\": 1, \"agent\": \"a\", \"ok\": true}{\"t\": 1, \"agent\": \"a\", \"ok\": true}",
    ];
    for bytes in bad {
        assert_eq!(Entry::parse(bytes), None, "{}", String::from_utf8_lossy(bytes));
    }
    // Figures that no run can have are none; the run counts all the same.
    for more in [json!({"cost": 1e308, "ms": 1e300}), json!({"cost": -1, "ms": -5}), json!({"cost": null, "ms": null})]
    {
        let bytes = run("a", more);
        let entry = Entry::parse(&bytes).unwrap();
        assert_eq!((entry.cost, entry.ms), (None, None));
    }
    let bytes = run("a\u{e9}\"", json!({"t": 1.75, "ms": 12.5, "a_later_key": {"x": []}}));
    let entry = Entry::parse(&bytes).unwrap();
    assert_eq!((entry.t, entry.agent.as_ref(), entry.ms), (1, "a\u{e9}\"", Some(12)));
}

#[test]
fn lines_end_where_they_are_whole() {
    let (lines, whole) = usage::lines(b"one\n\ntwo\nhal");
    assert_eq!((lines.collect::<Vec<_>>(), whole), (vec![&b"one"[..], b"two"], 9));
    assert_eq!(usage::lines(b"hal").1, 0);
    assert_eq!(usage::lines(b"").0.count(), 0);
}

#[test]
fn a_report_adds_up() {
    let lines = [
        run("db", json!({"cost": 0.1, "ms": 1_000, "outcome": "done"})),
        run("db", json!({"cost": 0.2, "ms": 3_000, "outcome": "done"})),
        run("db", json!({"ok": false, "cost": 0.3, "ms": 2_000, "err": "timeout"})),
        run("db", json!({"cached": true})),
        run("web", json!({"cost": 2, "ms": 10_000, "outcome": "blocked", "t": 1_700_100_000})),
        run("idle", json!({"cached": true})),
    ];
    let said = serde_json::to_value(report(&lines)).unwrap();
    let expected = json!({
        "total": {"dispatches": 4, "cached_hits": 2, "ok": 3, "failed": 1, "cost_usd": 2.6, "median_ms": 2_500,
            "p90_ms": 10_000, "max_ms": 10_000, "median_cost_usd": 0.25, "max_cost_usd": 2.0,
            "outcomes": {"blocked": 1, "done": 2}, "errors": {"timeout": 1}},
        "agents": {
            "web": {"dispatches": 1, "cached_hits": 0, "ok": 1, "failed": 0, "cost_usd": 2.0, "median_ms": 10_000,
                "p90_ms": 10_000, "max_ms": 10_000, "median_cost_usd": 2.0, "max_cost_usd": 2.0,
                "outcomes": {"blocked": 1}},
            "db": {"dispatches": 3, "cached_hits": 1, "ok": 2, "failed": 1, "cost_usd": 0.6, "median_ms": 2_000,
                "p90_ms": 3_000, "max_ms": 3_000, "median_cost_usd": 0.2, "max_cost_usd": 0.3,
                "outcomes": {"done": 2}, "errors": {"timeout": 1}},
            "idle": {"dispatches": 0, "cached_hits": 1, "ok": 0, "failed": 0, "cost_usd": 0.0},
        },
        "days": [
            {"date": "2023-11-14", "dispatches": 3, "cost_usd": 0.6},
            {"date": "2023-11-16", "dispatches": 1, "cost_usd": 2.0},
        ],
    });
    assert_eq!(said, expected);
    // Who cost most comes first.
    assert_eq!(said["agents"].as_object().unwrap().keys().collect::<Vec<_>>(), ["web", "db", "idle"]);
}

#[test]
fn three_runs_are_typical() {
    let ms = |ms: u64| run("db", json!({"ms": ms, "cost": 0.125, "outcome": "done"}));
    let mut two = recent(&[ms(1_000), ms(2_000), run("db", json!({"cached": true}))]);
    assert_eq!(two.typical("db"), None);
    let mut three = recent(&[ms(60_000), ms(20_040), ms(1_000), run("web", json!({}))]);
    let typical = three.typical("db").unwrap();
    let expected = json!({"dispatches": 3, "median_seconds": 20.0, "p90_seconds": 60.0, "median_cost_usd": 0.125,
        "outcomes": {"done": 3}});
    assert_eq!(serde_json::to_value(typical).unwrap(), expected);
    let short = json!({"median_seconds": 20.0, "p90_seconds": 60.0, "median_cost_usd": 0.125});
    assert_eq!(serde_json::to_value(typical.short).unwrap(), short);
    assert_eq!(typical.suggested_timeout_seconds(), Some(90));
    assert_eq!(three.typical("web"), None);
    assert_eq!(three.typical("nobody"), None);
    // A figure that few runs have is not typical; failures are told.
    let untimed = [run("db", json!({})), run("db", json!({"ok": false, "err": "timeout"})), ms(5)];
    let mut untimed = recent(&untimed);
    let typical = untimed.typical("db").unwrap();
    assert_eq!(serde_json::to_value(typical).unwrap(), json!({"dispatches": 3, "failed": 1, "outcomes": {"done": 1}}));
    assert_eq!(typical.suggested_timeout_seconds(), None);
}

#[test]
fn what_is_typical_follows_the_last_runs() {
    let old = std::iter::repeat_n(run("db", json!({"ms": 900_000, "ok": false, "err": "timeout"})), 50);
    let new = std::iter::repeat_n(run("db", json!({"ms": 2_000})), RECENT_RUNS);
    let mut all = recent(&old.chain(new).collect::<Vec<_>>());
    let typical = all.typical("db").unwrap().clone();
    assert_eq!((typical.dispatches, typical.short.p90_seconds, typical.failed), (RECENT_RUNS, Some(2.0), None));
    let next = run("db", json!({"ms": 4_000, "ok": false}));
    all.add(&Entry::parse(&next).unwrap());
    assert_eq!(all.typical("db").unwrap().failed, Some(1), "worked out again");
}

#[test]
fn dates() {
    let cases = [
        (0, "1970-01-01"),
        (58, "1970-02-28"),
        (59, "1970-03-01"),
        (789, "1972-02-29"),
        (11_016, "2000-02-29"),
        (11_017, "2000-03-01"),
        (20_778, "2026-11-21"),
        (47_540, "2100-02-28"),
        (47_541, "2100-03-01"),
    ];
    for (day, expected) in cases {
        assert_eq!(date(day), expected, "{day}");
    }
    assert!(date(u64::MAX).len() >= 10, "no time makes it panic");
}

proptest! {
    /// Whatever the texts are, a line has its size, is one line, and is read as it was written.
    //= U-2
    #[test]
    fn a_line_is_short_and_is_read_as_it_was_written(
        agent in any::<String>(), letter in any::<char>(), caller in any::<String>(), many in 0_usize..3_000,
        cost in proptest::option::of(0.0..1e5_f64), ms in proptest::option::of(0_u64..1_000_000_000),
        turns in proptest::option::of(0_u64..1_000), t in 0_u64..1 << 40,
    ) {
        let agent = agent + &letter.to_string().repeat(many);
        let caller = caller + &letter.to_string().repeat(many);
        let answer = Answer { cost_usd: cost, duration_ms: ms, num_turns: turns, ..Answer::success(agent.clone(), "") };
        let entry = Entry::of(&answer, Some(&caller), t).of_job(&job());
        let line = entry.to_line();
        prop_assert!(line.len() <= MAX_LINE_BYTES, "{} bytes", line.len());
        prop_assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
        let read = Entry::parse(line.trim_ascii_end()).unwrap();
        prop_assert_eq!(&read, &entry);
        prop_assert_eq!(read.agent.as_ref(), usage::agent_key(&agent));
        prop_assert!(read.caller.is_none_or(|caller| caller.chars().count() <= 60));
    }

    /// Nothing in a file makes it panic, and what is reported is finite.
    #[test]
    fn any_bytes_make_a_report(lines in proptest::collection::vec(
        prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..80),
            (any::<u64>(), any::<f64>(), any::<f64>()).prop_map(|(t, cost, ms)|
                run("a", json!({"t": t, "cost": cost, "ms": ms, "outcome": "o", "err": "e"}))),
        ], 0..40)) {
        let bytes = lines.join(&b'\n');
        let report = report(&lines);
        let mut recent = recent(&lines);
        let (whole, _) = usage::lines(&bytes);
        prop_assert!(whole.filter_map(Entry::parse).count() <= lines.len());
        let said = serde_json::to_value(&report).unwrap();
        prop_assert!(said["total"]["cost_usd"].is_number());
        prop_assert_eq!(report.total.failed() + report.total.ok, report.total.dispatches);
        drop(recent.typical("a").cloned());
    }

    /// Median and upper bound hold what they promise, by counting.
    #[test]
    fn durations_are_what_they_say(ms in proptest::collection::vec(0_u64..100_000, 1..60)) {
        let lines = ms.iter().map(|ms| run("a", json!({"ms": ms}))).collect::<Vec<_>>();
        let durations = report(&lines).total.durations().unwrap();
        let share = |limit: u64| ms.iter().filter(|ms| **ms <= limit).count();
        prop_assert!(share(durations.p90_ms) * 10 >= ms.len() * 9);
        prop_assert!(durations.p90_ms == 0 || share(durations.p90_ms - 1) * 10 < ms.len() * 9);
        prop_assert!(share(durations.median_ms) * 2 >= ms.len());
        prop_assert!(ms.iter().filter(|ms| **ms >= durations.median_ms).count() * 2 >= ms.len());
        prop_assert_eq!(durations.max_ms, *ms.iter().max().unwrap());
    }
}

proptest! {
    #[test]
    fn what_agents_and_days_cost_adds_up_to_the_total(
        costs in prop::collection::vec((0..3_u64, 0..4_usize, prop::option::of(0.0..2.0_f64)), 0..60)
    ) {
        let lines = costs.iter().map(|(day, agent, cost)| {
            run(&format!("agent{agent}"), json!({"t": 1_700_000_000 + day * 86_400, "cost": cost}))
        });
        let report = report(&lines.collect::<Vec<_>>());
        let said = serde_json::to_value(&report).unwrap();
        // In ten-thousandths, which is how amounts are told.
        let units = |value: &Value| (value.as_f64().unwrap() * 10_000.0).round();
        let total = units(&said["total"]["cost_usd"]);
        let agents = said["agents"].as_object().unwrap().values().map(|agent| units(&agent["cost_usd"])).sum::<f64>();
        let days = said["days"].as_array().unwrap().iter().map(|day| units(&day["cost_usd"])).sum::<f64>();
        prop_assert_eq!((agents, days), (total, total));
        let exact = costs.iter().filter_map(|(_, _, cost)| *cost).sum::<f64>() * 10_000.0;
        prop_assert!((total - exact).abs() <= 0.501, "{total} for {exact}");
    }
}
