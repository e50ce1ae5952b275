//! `cancel`

use insta::assert_snapshot;
use serde_json::json;

use super::{World, ago, until};

#[test]
fn a_run_is_ended_with_all_that_it_started() {
    let world = World::with_scene("bash sleep 600");
    let id = world.submit("Take your time");
    until("the command to start", || world.processes().iter().any(|line| line.contains("sleep 600")).then_some(()));
    assert_snapshot!(world.run(&["cancel", &id]), @r#"
    exit code: 0
    ----- stdout -----
    cancelled job [ID]; its run is ended
    ----- stderr -----
    hint: to go on with it: cd [ROOT]/work/infra && claude --resume [UUID]
    "#);
    world.is_quiet();
    assert_snapshot!(world.run(&["cancel", &id, "--json"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "job_id": "[ID]",
      "outcome": "already_terminal",
      "status": "cancelled"
    }
    ----- stderr -----
    "#);
    assert_snapshot!(world.run(&["wait", &id]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: cancelled; go on with dispatch_session(agent="infra", task="Continue where you left off", session_id="[UUID]")
    "#);
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
    assert_snapshot!(world.run(&["cancel", &pending]), @r#"
    exit code: 0
    ----- stdout -----
    cancelled job [ID] before it began
    ----- stderr -----
    "#);
    let running = world.record(2, json!({"status": "running", "completed_at": null}));
    assert_snapshot!(world.run(&["cancel", &running, "--json"]), @r#"
    exit code: 1
    ----- stdout -----
    {
      "job_id": "[ID]",
      "outcome": "running",
      "status": "running",
      "message": "it belongs to another implementation, which runs it to its end"
    }
    ----- stderr -----
    error: job [ID] still runs: it belongs to another implementation, which runs it to its end
    "#);
    let ended = world.record(3, json!({"status": "failed"}));
    assert_snapshot!(world.run(&["cancel", &ended]), @r#"
    exit code: 0
    ----- stdout -----
    job [ID] had ended before: failed
    ----- stderr -----
    "#);
}

#[test]
fn one_that_is_not_there() {
    let world = World::new();
    assert_snapshot!(world.run(&["cancel", &"f".repeat(32), "--json"]), @r#"
    exit code: 1
    ----- stdout -----
    {
      "error": "job [ID] not found in [ROOT]/home/.config/agent-dispatch/jobs",
      "hint": "agent-dispatch jobs lists them"
    }
    ----- stderr -----
    error: job [ID] not found in [ROOT]/home/.config/agent-dispatch/jobs
    hint: agent-dispatch jobs lists them
    "#);
    assert_snapshot!(world.run(&["cancel", "all"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: "all" is no job id: an id is exactly 32 lowercase hexadecimal characters
    hint: agent-dispatch jobs lists them
    "#);
}
