//! What no CLI should do, and what the product has to survive.

use serde_json::Value;

use super::{STREAM, World, until};

#[test]
fn a_torn_last_line_has_no_end() {
    let done = World::with("torn-last-line").stream(&[], "x");
    assert_eq!(done.code(), Some(0));
    let text = done.stdout();
    assert!(!text.ends_with('\n'));
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("{\"type\":\"result\"") && serde_json::from_str::<Value>(last).is_err());
}

#[test]
fn bytes_that_are_no_text() {
    let done = World::with("invalid-utf8").stream(&[], "x");
    assert_eq!(done.code(), Some(0));
    assert!(String::from_utf8(done.bytes.clone()).is_err());
    assert!(done.bytes.windows(4).any(|w| w == b"\xff\xfe\xc3\x28"));
    let raw = World::with("raw-hex 00 ff 0a\nraw {\"a\": \\n}\nresult x").stream(&[], "x");
    assert!(raw.bytes.windows(3).any(|w| w == b"\0\xff\n"));
    assert!(String::from_utf8_lossy(&raw.bytes).contains("\n{\"a\": \\n}\n"));
}

#[test]
fn numbers_and_texts_that_parsers_refuse() {
    for (verb, text) in [
        ("nan", "\"total_cost_usd\":NaN"),
        ("huge-number", "\"total_cost_usd\":1e999"),
        ("lone-surrogate", "half a pair: \\ud83d\""),
        ("result-of-type number", "\"result\":42"),
        ("result-of-type array", "\"result\":[\"a\",1]"),
        ("result-of-type object", "\"result\":{\"a\":1}"),
        ("result-of-type null", "\"result\":null"),
        ("field num_turns -1\nresult x", "\"num_turns\":-1"),
        ("field new {{{\nresult x", "\"new\":{{{"),
    ] {
        let done = World::with(verb).stream(&[], "x");
        let line = done.stdout().lines().last().unwrap().to_owned();
        assert_eq!(done.code(), Some(0));
        assert!(line.starts_with("{\"type\":\"result\"") && line.contains(text), "{verb}: {line}");
    }
    assert!(World::with("without session_id\nresult x").stream(&[], "x").result().get("session_id").is_none());
}

#[test]
fn answers_of_many_megabytes_are_complete_in_a_file() {
    const BYTES: usize = 50_000_000;
    let done = World::with(&format!("result-bytes {BYTES}")).stream(&[], "x");
    assert_eq!(done.code(), Some(0));
    assert_eq!(done.result()["result"].as_str().unwrap().len(), BYTES);
}

#[test]
fn floods_have_their_size() {
    let out = World::with("no-init\nno-result\nflood stdout 3000001").stream(&[], "x");
    assert_eq!((out.code(), out.bytes.len()), (Some(0), 3_000_001));
    let err = World::with("flood stderr 3000001\nresult x").stream(&[], "x");
    assert_eq!((err.stderr.len(), err.result()["result"].as_str()), (3_000_001, Some("x")));
    let events = World::with("no-init\nno-result\nflood-events 300000 300").stream(&[], "x");
    let text = events.stdout();
    assert!(text.lines().all(|l| l.len() + 1 == 300 && serde_json::from_str::<Value>(l).is_ok()));
    assert_eq!(text.lines().count(), 1_000);
}

#[test]
fn a_run_may_not_leave_after_its_result() {
    let world = World::with("result whole\nhang-after-result");
    let mut run = world.start(&STREAM, b"x");
    run.shows("\"result\":\"whole\"");
    assert!(run.child.try_wait().unwrap().is_none());
    run.signal(rustix::process::Signal::TERM);
    assert_eq!(run.wait().code(), Some(143));
}

#[test]
fn silence_and_files_hold_a_run() {
    let world = World::with("touch here\nwait-file go\nresult went");
    let run = world.start(&STREAM, b"x");
    until("the mark", || world.path("work/here").exists().then_some(()));
    std::fs::write(world.path("work/go"), "").unwrap();
    assert_eq!(run.wait().result()["result"], "went");
}
