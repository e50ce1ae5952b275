//! The account's usage limit: how it is told, and jobs that wait for its end.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::until;
use crate::support::world::World;

/// Refused the first time, for so many seconds; then all is well.
fn refused_once(seconds: u64) -> String {
    format!("dump calls\non-call 1\nresets-in {seconds}\nerror session-limit\non-call *\nresult done at last")
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn submit(client: &mut Client, more: &Value) -> Value {
    let mut request = json!({"agent": "echo", "task": "t", "wait_for_limit": true});
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    client.ask("dispatch_async", request)["job_id"].clone()
}

#[test]
fn the_reset_is_told_with_the_failure() {
    let world = World::with(&refused_once(5_000));
    let mut client = Client::new(&world);
    let said = client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
    assert_eq!((&said["success"], &said["error_type"]), (&json!(false), &json!("usage_limit")), "{said}");
    assert!(said["error"].as_str().unwrap().contains("resets 8:25am (UTC)"), "{said}");
    let resets_at = said["limit_resets_at"].as_u64().unwrap();
    assert!((now() + 4_000..now() + 5_001).contains(&resets_at), "{said}");
    // Whoever does not wait for the end of the limit is not held up: it may be another account's.
    let said = client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
    assert_eq!((&said["success"], said.get("limit_resets_at")), (&json!(true), None), "{said}");
    client.bye();
    let world = World::with("error api 429");
    let mut client = Client::new(&world);
    let said = client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
    assert_eq!((&said["error_type"], said.get("limit_resets_at")), (&json!("usage_limit"), None), "{said}");
    client.bye();
}

#[test]
fn a_job_waits_for_the_reset_and_goes_on_in_its_session() {
    let world = World::with(&refused_once(8));
    let mut client = Client::new(&world);
    let id = submit(&mut client, &json!({}));
    let mut status = |key: &str| client.ask("dispatch_status", json!({"job_id": id}))[key].clone();
    until("the job waits", || status("limit_resets_at").as_u64());
    assert_eq!(status("status"), "running");
    until("it is told why", || status("progress").to_string().contains("usage limit").then_some(()));
    let done = client.ask("dispatch_wait", json!({"job_id": id}));
    assert_eq!((&done["status"], &done["result"]["result"]), (&json!("done"), &json!("done at last")), "{done}");
    assert!(done.get("limit_resets_at").is_none(), "{done}");
    let calls = world.dumps("echo", "calls");
    assert_eq!(calls.len(), 2);
    let resumed = format!("--resume={}", done["session_id"].as_str().unwrap());
    assert!(calls[1]["argv"].as_array().unwrap().contains(&json!(resumed)), "{:?}", calls[1]["argv"]);
    client.bye();
}

#[test]
fn without_the_wish_a_job_fails() {
    let world = World::with(&refused_once(8));
    let mut client = Client::new(&world);
    let id = submit(&mut client, &json!({"wait_for_limit": false}));
    let done = client.ask("dispatch_wait", json!({"job_id": id}));
    assert_eq!((&done["status"], &done["result"]["error_type"]), (&json!("failed"), &json!("usage_limit")), "{done}");
    client.bye();
}

#[test]
fn others_that_wait_do_not_even_ask_and_a_waiting_job_can_be_cancelled() {
    let world = World::with(&refused_once(7_000));
    let mut client = Client::new(&world);
    let first = submit(&mut client, &json!({}));
    let status = |client: &mut Client, id: &Value| client.ask("dispatch_status", json!({"job_id": id}));
    until("the first waits", || status(&mut client, &first)["limit_resets_at"].as_u64());
    let second = submit(&mut client, &json!({}));
    until("the second waits", || status(&mut client, &second)["limit_resets_at"].as_u64());
    assert_eq!(status(&mut client, &second)["status"], "pending");
    // They hold no slot, and are not in anybody's way.
    assert_eq!(client.ask("dispatch", json!({"agent": "echo", "task": "now"}))["success"], true);
    assert_eq!(world.dumps("echo", "calls").len(), 2, "the second has not asked");
    for id in [&first, &second] {
        client.ask("dispatch_cancel", json!({"job_id": id}));
        assert_eq!(client.ask("dispatch_wait", json!({"job_id": id}))["status"], "cancelled");
    }
    client.bye();
}

#[test]
fn who_waits_learns_of_a_limit_that_somebody_else_met_who_does_not() {
    let world = World::with(&refused_once(7_000));
    let mut client = Client::new(&world);
    let said = client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
    assert_eq!(said["error_type"], "usage_limit", "{said}");
    let id = submit(&mut client, &json!({}));
    let mut status = || client.ask("dispatch_status", json!({"job_id": id}));
    until("the job waits", || status()["limit_resets_at"].as_u64());
    assert_eq!((&status()["status"], world.dumps("echo", "calls").len()), (&json!("pending"), 1), "it has not asked");
    client.ask("dispatch_cancel", json!({"job_id": id}));
    client.bye();
}

#[test]
fn a_pause_that_ends_absurdly_late_is_none() {
    let world = World::with("dump calls\nresult ok");
    let slots = world.jobs().join(".slots");
    std::fs::create_dir_all(&slots).unwrap();
    for noted in ["99999999999\n", "nonsense", "", "-1"] {
        std::fs::write(slots.join("paused_until"), noted).unwrap();
        let mut client = Client::new(&world);
        let id = submit(&mut client, &json!({"context": noted}));
        let done = client.ask("dispatch_wait", json!({"job_id": id}));
        assert_eq!(done["status"], "done", "{noted:?}: {done}");
        client.bye();
    }
}
