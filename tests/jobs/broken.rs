//! Records and folders that somebody edited, broke or took away, and a directory full of them.

use std::fs;
use std::time::{Instant, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use super::{WAITS, ended, go, mistake, numbered, of_job, planted, record_path, status, works, works_alone, write_old};
use crate::support::client::Client;
use crate::support::world::World;
use crate::support::{SOON, note, until, within};

/// What a hand may make of a record.
const NONSENSE: [&str; 10] = [
    "",
    "{",
    "null",
    "[]",
    "{\"id\": 7}",
    "{\"id\": \"ID\", \"agent\": \"a\", \"task\": \"t\", \"status\": \"sleeping\", \"created_at\": 1}",
    "{\"id\": \"ID\", \"agent\": \"a\", \"task\": \"t\", \"status\": \"collected\", \"created_at\": 1}",
    "{\"id\": \"ID\", \"agent\": \"a\", \"task\": \"t\", \"status\": \"done\", \"created_at\": \"yesterday\"}",
    "{\"id\": \"ID\", \"agent\": \"a\", \"task\": \"t\", \"status\": \"done\", \"created_at\": 1e999}",
    "{\"id\": \"0000000000000000000000000000ffff\", \"agent\": \"a\", \"task\": \"t\", \"status\": \"done\", \"created_at\": 1}",
];

#[test]
fn nonsense_is_not_found_and_left_alone() {
    let world = World::with(WAITS);
    fs::create_dir_all(world.jobs()).unwrap();
    let mut texts = Vec::new();
    for (number, text) in NONSENSE.iter().enumerate() {
        let id = numbered(number + 1);
        let text = text.replace("ID", &id);
        fs::write(record_path(&world, &id), &text).unwrap();
        texts.push((id, text));
    }
    fs::write(world.jobs().join("notes.json"), "mine").unwrap();
    fs::create_dir(record_path(&world, &numbered(99))).unwrap();
    let mut client = Client::new(&world);
    for (id, text) in &texts {
        for tool in ["dispatch_status", "dispatch_wait", "dispatch_cancel", "fetch_result"] {
            let error = mistake(&mut client, tool, of_job(tool, id));
            assert!(error.contains("not found"), "{tool} {text}: {error}");
        }
    }
    assert_eq!(client.ask("dispatch_jobs", json!({})), json!([]));
    assert_eq!(client.ask("dispatch_gc", json!({"max_age_days": 1e-9}))["purged"], 0);
    for (id, text) in &texts {
        assert_eq!(&fs::read_to_string(record_path(&world, id)).unwrap(), text, "left alone");
    }
    assert!(world.jobs().join("notes.json").exists());
    client.bye();
}

#[test]
fn odd_values_in_a_record_break_no_tool() {
    let world = World::with(WAITS);
    let odd = [
        json!({"result": 5}),
        json!({"result": "text"}),
        json!({"result": ["x"]}),
        json!({"result": {"result": 7, "cost_usd": "much", "success": "yes"}}),
        json!({"result": Value::Null, "progress": Value::Null, "deadline_at": Value::Null}),
        json!({"created_at": -1e300, "completed_at": 1e300}),
        json!({"unknown": {"deep": [1]}, "session_id": "-x"}),
    ];
    for (number, change) in odd.iter().enumerate() {
        write_old(&world, &numbered(number + 1), change.clone());
    }
    let mut client = Client::new(&world);
    for (number, change) in odd.iter().enumerate() {
        let id = numbered(number + 1);
        assert_eq!(status(&mut client, &id)["status"], "done", "{change}");
        for max_chars in [0, 1, 3] {
            client.ask("fetch_result", json!({"ref": id, "max_chars": max_chars}));
        }
        assert_eq!(client.ask("dispatch_cancel", json!({"job_id": id}))["outcome"], "already_terminal");
    }
    client.ask("dispatch_jobs", json!({}));
    client.ask("dispatch_gc", json!({"dry_run": true}));
    client.bye();
}

#[test]
fn a_job_without_a_plan_is_waited_for_where_it_works_and_else_fails() {
    let lost = [(false, None), (false, Some("{")), (true, None), (true, Some("[]"))];
    // The record may not name its session, either.
    for (begun, text, nameless) in lost.iter().map(|(begun, text)| (*begun, *text, false)).chain([(true, None, true)]) {
        let world = World::with(WAITS);
        let mut client = Client::new(&world);
        let id = if begun { works_alone(&world, &mut client) } else { planted(&world, 3).0 };
        let plan = world.jobs().join(&id).join("plan.json");
        match text {
            Some(text) => fs::write(&plan, text).unwrap(),
            None => fs::remove_file(&plan).unwrap(),
        }
        if nameless {
            edited(&world, &id, |record| drop(record.remove("session_id")));
        }
        let start = Instant::now();
        // What works is not ended for that.
        let call = client.call("dispatch_wait", json!({"job_id": id, "timeout_seconds": 50}));
        if begun {
            world.record_when("its adoption", |record| record["phase"] == "adopted");
            go(&world);
        }
        let record = client.said(call);
        note(&format!("a job without a plan ended after {:?}", start.elapsed()));
        if begun {
            assert_eq!((&record["status"], &record["result"]["result"]), (&json!("done"), &json!("the answer")));
        } else {
            assert_eq!(record["status"], "failed", "{record}");
            assert!(record["error"].as_str().unwrap().contains("plan.json"), "{record}");
        }
        within(SOON, "its processes to be gone", || {
            (world.workers().is_empty() && world.supervisors().is_empty()).then_some(())
        });
        client.bye();
    }
}

#[test]
fn a_record_that_becomes_nonsense_under_a_run_ends_with_it() {
    let world = World::with(WAITS);
    let mut client = Client::new(&world);
    let id = works(&world, &mut client);
    let waiting = client.call("dispatch_wait", json!({"job_id": id}));
    client.ask("cache_stats", json!({}));
    fs::write(record_path(&world, &id), "nonsense").unwrap();
    go(&world);
    assert!(client.said(waiting)["error"].as_str().unwrap().contains("not found"));
    until("the supervisor to leave", || world.supervisors().is_empty().then_some(()));
    assert_eq!(fs::read_to_string(record_path(&world, &id)).unwrap(), "nonsense");
    client.bye();
}

#[test]
fn a_folder_that_is_taken_away_breaks_no_tool() {
    let world = World::with(WAITS);
    let mut client = Client::new(&world);
    let id = works(&world, &mut client);
    go(&world);
    let done = ended(&mut client, &id);
    fs::remove_dir_all(world.jobs().join(&id)).unwrap();
    assert_eq!(ended(&mut client, &id), done);
    assert_eq!(client.ask("fetch_result", json!({"ref": id})), done["result"]);
    until("the end to be a moment ago", || {
        (client.ask("dispatch_gc", json!({"max_age_days": 1e-9}))["purged"] == 1).then_some(())
    });
    client.bye();
}

#[test]
fn two_thousand_records_are_listed_while_other_calls_are_answered() {
    let world = World::with("result ok");
    for number in 0..2_000 {
        let result = json!({"agent": "echo", "success": true, "result": "x".repeat(2_000), "cost_usd": 0.1});
        write_old(
            &world,
            &numbered(number),
            json!({"created_at": f64::from(u32::try_from(number).unwrap()), "result": result}),
        );
    }
    let mut client = Client::new(&world);
    client.ask("cache_stats", json!({}));
    let mut took = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        assert_eq!(client.ask("dispatch_jobs", json!({"limit": 1_000})).as_array().map(Vec::len), Some(1_000));
        took.push(start.elapsed());
    }
    note(&format!("2,000 records were listed in {took:?}"));
    let start = Instant::now();
    let listing = client.call("dispatch_jobs", json!({"limit": 1_000}));
    client.ask("cache_stats", json!({}));
    let other = start.elapsed();
    client.said(listing);
    note(&format!("another call meanwhile took {other:?}, the list {:?}", start.elapsed()));
    let start = Instant::now();
    assert_eq!(client.ask("dispatch_gc", json!({}))["purged"], 2_000);
    note(&format!("2,000 records were removed in {:?}", start.elapsed()));
    client.bye();
}

#[test]
fn a_job_whose_lock_was_taken_away_is_not_settled_while_its_claude_works() {
    let world = World::with(WAITS);
    let mut client = Client::new(&world);
    let id = works_alone(&world, &mut client);
    fs::remove_file(world.jobs().join(&id).join("lock")).unwrap();
    // Older than what is believed of a job without a lock.
    let aged =
        || fs::File::options().write(true).open(record_path(&world, &id)).unwrap().set_modified(UNIX_EPOCH).unwrap();
    aged();
    assert_eq!(status(&mut client, &id)["phase"], "adopted");
    assert_eq!(status(&mut client, &id)["status"], "running");
    go(&world);
    until("the end of claude", || world.workers().is_empty().then_some(()));
    aged();
    let record = status(&mut client, &id);
    assert_eq!(record["status"], "failed");
    let error = record["error"].as_str().unwrap();
    assert!(
        error.contains("stdout") && error.contains("dispatch_session("),
        "what it wrote and its session are named: {error}"
    );
    client.bye();
}

/// Changes a record as a hand might.
fn edited(world: &World, id: &str, change: impl FnOnce(&mut Map<String, Value>)) {
    let path = record_path(world, id);
    let mut record: Map<String, Value> = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut record);
    fs::write(path, serde_json::to_vec(&record).unwrap()).unwrap();
}
