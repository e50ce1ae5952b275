//! The clock of a run.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::processes::{alive, pid_in};
use crate::support::world::World;
use crate::support::{SOON, within};

/// An agent whose runs may take one second.
fn world(scene: &str) -> World {
    let mut world = World::new();
    world.agent_with("echo", scene, "timeout: 1");
    world
}

fn ask(world: &World) -> Value {
    let mut client = Client::new(world);
    let said = client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
    client.bye();
    said
}

#[test]
fn a_run_over_its_time_is_ended_whole_and_can_be_resumed() {
    for ignore in ["", "ignore-term\n"] {
        let world = world(&format!(
            "on-call 1\n{ignore}say so far\nspawn-in-group pid=in ignore-term\nspawn-setsid pid=out ignore-term\nsilence\non-call *\nquote-previous"
        ));
        let mut client = Client::new(&world);
        let said = client.ask("dispatch", json!({"agent": "echo", "task": "the long task"}));
        assert_eq!((&said["success"], &said["error_type"]), (&json!(false), &json!("timeout")), "{said}");
        let session = said["session_id"].as_str().unwrap();
        let error = said["error"].as_str().unwrap();
        assert!(
            error.contains("dispatch_session(") && error.contains(session) && error.contains("timeout_seconds"),
            "{error}"
        );
        assert_eq!(said["result"], "so far", "what was paid for is told");
        let pids = ["in", "out"].map(|name| pid_in(&world.path("echo").join(name)));
        within(SOON, "the tree to be gone", || pids.iter().all(|pid| !alive(*pid)).then_some(()));
        let resumed = client.ask("dispatch_session", json!({"agent": "echo", "task": "go on", "session_id": session}));
        assert!(resumed["result"].as_str().unwrap().contains("the long task"), "{resumed}");
        client.bye();
        world.no_job_is_left();
    }
}

#[test]
fn an_answer_before_the_deadline_outranks_it() {
    let said = ask(&world("result in time\nhang-after-result"));
    assert_eq!((&said["success"], &said["result"]), (&json!(true), &json!("in time")), "{said}");
    assert!(said["hint"].is_string(), "{said}");
}

#[test]
fn an_answer_in_the_grace_after_the_deadline_counts() {
    let said = ask(&world("on-term result\nsay finishing\nsilence"));
    assert_eq!(said["success"], true, "{said}");
    assert!(said["hint"].as_str().unwrap().contains("deadline"), "{said}");
}

#[test]
fn the_deadline_holds_against_a_flood() {
    // More than a debug build reads in the time, on either stream.
    for stream in ["stdout", "stderr"] {
        let world = world(&format!("flood {stream} 500000000\nsleep 600000"));
        let start = Instant::now();
        let said = ask(&world);
        assert_eq!(said["error_type"], "timeout", "{said}");
        assert!(start.elapsed() < Duration::from_secs(300), "{stream}: {:?}", start.elapsed());
    }
}

#[test]
fn the_time_of_a_call_is_clamped_and_never_wrapped() {
    let mut world = World::with("dump calls\nresult ok");
    world.settings("cache: {enabled: false}");
    let mut client = Client::new(&world);
    for timeout in [
        json!(-5),
        json!(1),
        json!("15"),
        json!(15.0),
        json!(1e300),
        json!(i64::MAX),
        json!("99999999999999999999"),
        Value::Null,
    ] {
        let said = client.ask("dispatch", json!({"agent": "echo", "task": "t", "timeout_seconds": timeout}));
        assert_eq!(said["success"], true, "{timeout}: {said}");
    }
    client.bye();
}
