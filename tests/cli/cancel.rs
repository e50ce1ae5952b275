//! `cancel`

use insta::assert_snapshot;
use serde_json::json;

use super::{World, ago, until};

#[test]
fn a_run_is_ended_with_all_that_it_started() {
    let world = World::with_scene("bash sleep 600");
    let id = world.submit("Take your time");
    until("the command to start", || world.processes().iter().any(|line| line.contains("sleep 600")).then_some(()));
    assert_snapshot!(world.run(&["cancel", &id]), @"");
    world.is_quiet();
    assert_snapshot!(world.run(&["cancel", &id, "--json"]), @"");
    assert_snapshot!(world.run(&["wait", &id]), @"");
}

#[test]
fn as_json_it_is_as_the_tool_answers() {
    let world = World::with_scene("wait-file go");
    let id = world.submit("Take your time");
    world.reaches(&id, "running");
    let (answer, code) = world.json(&["cancel", &id, "--json"]);
    assert_eq!((answer, code), (json!({"job_id": id, "outcome": "cancelled_running", "status": "cancelled"}), 0));
    world.is_quiet();
}

#[test]
fn records_of_another_implementation() {
    let world = World::new();
    let pending = world.record(1, json!({"status": "pending", "created_at": ago(5.0), "started_at": null}));
    assert_snapshot!(world.run(&["cancel", &pending]), @"");
    let running = world.record(2, json!({"status": "running", "completed_at": null}));
    assert_snapshot!(world.run(&["cancel", &running, "--json"]), @"");
    let ended = world.record(3, json!({"status": "failed"}));
    assert_snapshot!(world.run(&["cancel", &ended]), @"");
}

#[test]
fn one_that_is_not_there() {
    let world = World::new();
    assert_snapshot!(world.run(&["cancel", &"f".repeat(32), "--json"]), @"");
    assert_snapshot!(world.run(&["cancel", "all"]), @"");
}
