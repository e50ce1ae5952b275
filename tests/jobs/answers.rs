//! Keys and bounds of the tools for jobs.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    WAITS, ended, go, keys, mistake, numbered, of_job, planted, ready, record_path, status, submit, works, write_old,
};
use crate::support::client::Client;
use crate::support::world::World;
use crate::support::{note, until};

/// What is no id, whatever a file of that name may hold.
const NO_IDS: [&str; 9] = [
    "",
    "x",
    "0123456789abcdef0123456789abcde",
    "0123456789abcdef0123456789abcdef0",
    "0123456789ABCDEF0123456789abcdef",
    "0123456789abcdef0123456789abcdef\n",
    " 0123456789abcdef0123456789abcdef",
    "../0123456789abcdef0123456789abcd",
    "0123456789abcdef0123456789abcde\u{e9}",
];

#[test]
fn a_job_is_submitted_at_once_and_its_record_has_the_promised_keys() {
    let world = World::with(WAITS);
    let mut client = Client::new(&world);
    let start = Instant::now();
    let said = client.ask("dispatch_async", json!({"agent": "echo", "task": "t", "context": "c", "goal": "g"}));
    note(&format!("dispatch_async answered after {:?}", start.elapsed()));
    assert_eq!(keys(&said), ["job_id", "status", "agent"]);
    assert_eq!((&said["status"], &said["agent"]), (&json!("pending"), &json!("echo")));
    let id = said["job_id"].as_str().unwrap().to_owned();
    ready(&world);
    let running = until("progress", || Some(status(&mut client, &id)).filter(|record| record["progress"].is_array()));
    for key in ["id", "agent", "task", "context", "goal", "status", "created_at", "started_at", "progress_updated_at"] {
        assert!(running.get(key).is_some(), "{key}: {running}");
    }
    assert_eq!((&running["status"], &running["progress"]), (&json!("running"), &json!(["working"])));
    assert!(["result", "error", "completed_at", "caller"].iter().all(|key| running.get(*key).is_none()), "{running}");
    let listed = client.ask("dispatch_jobs", json!({}));
    let [brief] = &listed.as_array().unwrap()[..] else { panic!("one job: {listed}") };
    assert_eq!(keys(brief), ["id", "agent", "status", "task", "created_at", "started_at", "last_progress"]);
    go(&world);
    let done = ended(&mut client, &id);
    assert_eq!((&done["status"], &done["result"]["result"]), (&json!("done"), &json!("the answer")));
    assert!(done["progress"].as_array().unwrap().contains(&json!("working")), "kept after the end: {done}");
    let (started, completed) = (done["started_at"].as_f64().unwrap(), done["completed_at"].as_f64().unwrap());
    assert!(done["created_at"].as_f64().unwrap() <= started && started <= completed, "{done}");
    let listed = client.ask("dispatch_jobs", json!({}));
    let [brief] = &listed.as_array().unwrap()[..] else { panic!("one job: {listed}") };
    let expected = ["id", "agent", "status", "task", "created_at", "started_at", "completed_at", "success", "cost_usd"];
    assert_eq!(keys(brief), expected);
    assert_eq!(client.ask("fetch_result", json!({"ref": id})), done["result"]);
    client.bye();
}

#[test]
fn what_is_no_id_is_told_and_no_file_is_touched() {
    let world = World::with(WAITS);
    let mut client = Client::new(&world);
    for id in NO_IDS {
        for tool in ["dispatch_status", "dispatch_wait", "dispatch_cancel", "fetch_result"] {
            let error = mistake(&mut client, tool, of_job(tool, id));
            assert!(error.contains("32"), "{tool} {id:?}: {error}");
        }
    }
    for tool in ["dispatch_status", "dispatch_wait", "dispatch_cancel", "fetch_result"] {
        let error = mistake(&mut client, tool, of_job(tool, &numbered(7)));
        assert!(error.contains("not found") && error.contains(&numbered(7)), "{tool}: {error}");
        assert!(mistake(&mut client, tool, json!({})).contains("missing"), "{tool}");
    }
    assert!(!world.jobs().exists(), "{:?}", world.job_files());
    client.bye();
}

#[test]
fn what_cannot_run_is_no_job() {
    let mut world = World::with(WAITS);
    world.entry("gone", &world.path("nowhere"), "");
    let mut client = Client::new(&world);
    assert!(mistake(&mut client, "dispatch_async", json!({"agent": "foo", "task": "t"})).contains("echo"));
    let error = mistake(&mut client, "dispatch_async", json!({"agent": "gone", "task": "t"}));
    assert!(error.contains("nowhere"), "{error}");
    mistake(&mut client, "dispatch_async", json!({"agent": "echo", "task": "t", "response_format": "xml"}));
    mistake(&mut client, "dispatch_async", json!({"agent": "echo"}));
    assert!(world.job_files().is_empty());
    client.bye();
}

#[test]
fn lists_are_filtered_ordered_and_bounded() {
    let world = World::with(WAITS);
    for number in 0..1_010 {
        let status = if number % 2 == 0 { "done" } else { "failed" };
        let change = json!({"created_at": f64::from(u32::try_from(number).unwrap()), "status": status,
            "agent": if number < 3 { "few" } else { "many" }, "task": "\u{e9}".repeat(300)});
        write_old(&world, &numbered(number), change);
    }
    let mut client = Client::new(&world);
    let mut count = |arguments: Value| {
        let listed = client.ask("dispatch_jobs", arguments);
        let listed = listed.as_array().unwrap().clone();
        let times: Vec<f64> = listed.iter().map(|job| job["created_at"].as_f64().unwrap()).collect();
        assert!(times.is_sorted_by(|a, b| a >= b), "newest first");
        assert!(listed.iter().all(|job| job["task"].as_str().unwrap().chars().count() <= 120));
        assert!(listed.first().is_none_or(|job| job["id"] != numbered(0)) || listed.len() < 4);
        listed.len()
    };
    assert_eq!(count(json!({})), 50);
    for (limit, expected) in [
        (json!(0), 1),
        (json!(-5), 1),
        (json!(1), 1),
        (json!("7"), 7),
        (json!(7.0), 7),
        (json!(1_000), 1_000),
        (json!(1_001), 1_000),
        (json!(4_000_000_000_000_u64), 1_000),
        (Value::Null, 50),
    ] {
        assert_eq!(count(json!({"limit": limit})), expected, "{limit}");
    }
    assert_eq!(count(json!({"agent": "few"})), 3);
    assert_eq!(count(json!({"agent": "few", "status": "done"})), 2);
    assert_eq!(count(json!({"agent": "nobody"})), 0);
    assert_eq!(count(json!({"status": "", "limit": 3})), 3);
    for unknown in ["collected", "DONE", "x", "pending,running", "\u{1F600}"] {
        let error = mistake(&mut client, "dispatch_jobs", json!({"status": unknown}));
        for name in ["pending", "running", "done", "failed", "cancelled"] {
            assert!(error.contains(name), "{error}");
        }
    }
    client.bye();
}

#[test]
fn the_bounds_of_a_wait_hold_and_its_end_is_not_the_jobs() {
    let world = World::with(WAITS);
    let mut client = Client::new(&world);
    let id = works(&world, &mut client);
    for seconds in [json!(0), json!(-7), json!("1"), json!(1.0)] {
        let start = Instant::now();
        let said = client.ask("dispatch_wait", json!({"job_id": id, "timeout_seconds": seconds}));
        assert_eq!((&said["timed_out_waiting"], &said["status"]), (&json!(true), &json!("running")), "{said}");
        assert!(start.elapsed() >= Duration::from_millis(990), "{seconds}: {:?}", start.elapsed());
    }
    let waiting = client.call("dispatch_wait", json!({"job_id": id, "timeout_seconds": 9_000_000_000_000_u64}));
    go(&world);
    let done = client.said(waiting);
    assert_eq!((&done["status"], done.get("timed_out_waiting")), (&json!("done"), None));
    assert_eq!(client.ask("dispatch_wait", json!({"job_id": id, "timeout_seconds": 1})), done, "and again");
    client.bye();
}

#[test]
fn a_stored_result_is_fetched_in_full_or_cut_to_characters() {
    let mut world = World::with("result \u{e9}\u{1F600}abc");
    world.agent("broken", "error credit");
    let mut client = Client::new(&world);
    let id = submit(&mut client, "echo");
    ended(&mut client, &id);
    let whole = client.ask("fetch_result", json!({"ref": id}));
    assert_eq!((&whole["result"], whole.get("truncated")), (&json!("\u{e9}\u{1F600}abc"), None));
    for max_chars in [json!(0), json!(-1), json!(5), json!(4_000_000_000_000_u64), Value::Null] {
        assert_eq!(client.ask("fetch_result", json!({"ref": id, "max_chars": max_chars})), whole, "{max_chars}");
    }
    let cut = client.ask("fetch_result", json!({"ref": id, "max_chars": 2}));
    assert_eq!(
        (&cut["result"], &cut["truncated"], &cut["full_size"]),
        (&json!("\u{e9}\u{1F600}"), &json!(true), &json!(5))
    );
    let failed = submit(&mut client, "broken");
    let record = ended(&mut client, &failed);
    assert_eq!(record["status"], "failed");
    let stored = client.ask("fetch_result", json!({"ref": failed}));
    assert_eq!((&stored, &stored["success"]), (&record["result"], &json!(false)));
    client.bye();
}

#[test]
fn what_has_no_result_is_fetched_as_its_record() {
    let world = World::with(WAITS);
    let mut client = Client::new(&world);
    let (pending, lock) = planted(&world, 1);
    let said = client.ask("fetch_result", json!({"ref": pending}));
    assert_eq!((&said["id"], &said["status"]), (&json!(pending), &json!("pending")));
    assert_eq!(client.ask("dispatch_cancel", json!({"job_id": pending}))["outcome"], "cancelled");
    drop(lock);
    let id = works(&world, &mut client);
    let said = client.ask("fetch_result", json!({"ref": id, "max_chars": 1}));
    assert_eq!((&said["id"], &said["status"]), (&json!(id), &json!("running")));
    client.ask("dispatch_cancel", json!({"job_id": id}));
    let said = client.ask("fetch_result", json!({"ref": id}));
    assert_eq!((&said["id"], &said["status"]), (&json!(id), &json!("cancelled")));
    client.bye();
}

#[test]
fn only_old_terminal_jobs_are_removed_and_a_dry_run_removes_nothing() {
    let world = World::with(WAITS);
    let mut client = Client::new(&world);
    let id = works(&world, &mut client);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    let day = 86_400.0;
    write_old(&world, &numbered(1), json!({"completed_at": now - 8.0 * day}));
    write_old(&world, &numbered(2), json!({"completed_at": now - 6.0 * day}));
    write_old(&world, &numbered(3), json!({"status": "failed"}));
    write_old(&world, &numbered(4), json!({"status": "cancelled", "completed_at": now - 9.0 * day}));
    // Of today: the age rules of the older implementation end no job here, however long the test takes.
    write_old(&world, &numbered(5), json!({"status": "pending", "created_at": now}));
    for days in [json!(0), json!(-1), json!("0"), json!("nan"), json!("inf"), json!("-inf"), json!(-1e300)] {
        mistake(&mut client, "dispatch_gc", json!({"max_age_days": days}));
    }
    assert_eq!(client.ask("dispatch_gc", json!({"max_age_days": 1e308})), json!({"purged": 0, "max_age_days": 1e308}));
    let dry = client.ask("dispatch_gc", json!({"dry_run": true}));
    let expected = json!({"dry_run": true, "purged": 0, "would_purge": 3, "max_age_days": 7.0,
        "job_ids": [numbered(3), numbered(1), numbered(4)]});
    let sorted = |value: &Value| {
        let mut ids: Vec<String> = serde_json::from_value(value["job_ids"].clone()).unwrap();
        ids.sort();
        ids
    };
    assert_eq!((keys(&dry), sorted(&dry)), (keys(&json_in_order()), sorted(&expected)), "{dry}");
    assert_eq!((&dry["purged"], &dry["would_purge"]), (&json!(0), &json!(3)));
    assert_eq!(world.records().len(), 6);
    assert_eq!(client.ask("dispatch_gc", json!({})), json!({"purged": 3, "max_age_days": 7.0}));
    assert_eq!(client.ask("dispatch_gc", json!({})), json!({"purged": 0, "max_age_days": 7.0}));
    assert!(record_path(&world, &numbered(2)).exists() && record_path(&world, &numbered(5)).exists());
    // A running one stays however old, and goes with its folder when it has ended.
    assert_eq!(client.ask("dispatch_gc", json!({"max_age_days": 1e-9}))["purged"], 1, "the second one");
    go(&world);
    ended(&mut client, &id);
    until("the end to be a moment ago", || {
        (client.ask("dispatch_gc", json!({"max_age_days": 1e-9}))["purged"] == 1).then_some(())
    });
    assert!(!world.jobs().join(&id).exists() && !record_path(&world, &id).exists(), "{:?}", world.job_files());
    assert!(mistake(&mut client, "fetch_result", json!({"ref": id})).contains("not found"));
    fs::remove_file(record_path(&world, &numbered(5))).unwrap();
    client.bye();
}

/// The keys of a dry run, in their order.
fn json_in_order() -> Value {
    json!({"dry_run": true, "purged": 0, "would_purge": 3, "job_ids": [], "max_age_days": 7.0})
}
