//! `wait`

use std::process::Stdio;

use insta::assert_snapshot;
use rustix::process::Signal;
use serde_json::json;

use super::{World, interrupt, shown, until};
use crate::support::processes::catches;

#[test]
fn a_success() {
    let world = World::with_scene("cost 0.02; result All is well.\\nSTATUS: done");
    let id = world.submit("How is it?");
    assert_snapshot!(world.run(&["wait", &id]), @r#"
    exit code: 0
    ----- stdout -----
    All is well.
    ----- stderr -----
    ok: [TIME], 1 turn, $0.0200, outcome done, session [UUID]
    "#);
    world.is_quiet();
}

#[test]
fn a_failure() {
    let world = World::with_scene("error api 500 the kitchen is on fire");
    let id = world.submit("How is it?");
    assert_snapshot!(world.run(&["wait", &id]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: cli_error: agent 'infra' failed: API Error: 500 the kitchen is on fire. This is a server-side issue, usually temporary — try again in a moment.; this is usually temporary: try again in a minute with dispatch_session(agent="infra", task="Continue where you left off", session_id="[UUID]")
    "#);
    let (record, code) = world.json(&["wait", &id, "--json"]);
    assert_eq!((record["status"].as_str(), code), (Some("failed"), 1));
    world.is_quiet();
}

#[test]
fn when_the_time_is_up_the_job_goes_on() {
    let world = World::with_scene("wait-file go; result fine");
    let id = world.submit("How is it?");
    world.reaches(&id, "running");
    assert_snapshot!(world.run(&["wait", &id, "--timeout", "0"]), @r#"
    exit code: 3
    ----- stdout -----

    ----- stderr -----
    job [ID] is still running after 0 s; it goes on
    hint: agent-dispatch wait [ID] waits again, agent-dispatch cancel [ID] ends it
    "#);
    let (record, code) = world.json(&["wait", &id, "--timeout", "1", "--json"]);
    assert_eq!((&record["status"], &record["timed_out_waiting"], code), (&json!("running"), &json!(true), 3));
    std::fs::write(world.path("work/infra/go"), "").unwrap();
    let (record, code) = world.json(&["wait", &id, "--json"]);
    assert_eq!((&record["status"], record.get("timed_out_waiting"), code), (&json!("done"), None, 0));
    world.is_quiet();
}

#[test]
fn ctrl_c_leaves_the_job_alone() {
    let world = World::with_scene("wait-file go; result fine");
    let id = world.submit("How is it?");
    let mut command = world.command(&["wait", &id, "--json"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // SIGINT is caught from the moment that the mask of caught signals says so.
    let pid = i32::try_from(child.id()).unwrap();
    until("it to listen", || catches(pid, Signal::INT).then_some(()));
    interrupt(&child);
    assert_snapshot!(shown(&child.wait_with_output().unwrap()), @r#"
    exit code: 130
    ----- stdout -----
    {
      "error": "interrupted; job [ID] goes on"
    }
    ----- stderr -----
    error: interrupted; job [ID] goes on
    hint: agent-dispatch wait [ID] waits again, agent-dispatch cancel [ID] ends it
    "#);
    std::fs::write(world.path("work/infra/go"), "").unwrap();
    assert_eq!(world.output(&["wait", &id]).status.code(), Some(0));
    world.is_quiet();
}

#[test]
fn answers_that_are_none_of_ours() {
    let world = World::new();
    for (number, result) in [json!(null), json!("text"), json!({"success": 3}), json!([[]])].into_iter().enumerate() {
        let id = world.record(number as u128, json!({"result": result}));
        let output = world.output(&["wait", &id]);
        assert_eq!(output.status.code(), Some(0), "{result}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "ok\n", "{result}");
    }
}

#[test]
fn bad_input() {
    let world = World::new();
    assert_snapshot!(world.run(&["wait", &"f".repeat(32), "--json"]), @r#"
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
    assert_eq!(world.output(&["wait", "abc"]).status.code(), Some(1));
    for limit in ["-1", "soon", "1.5", "99999999999999999999"] {
        assert_eq!(world.output(&["wait", "abc", "--timeout", limit]).status.code(), Some(2), "{limit}");
    }
    // The longest wait overflows no clock.
    let id = world.record(1, json!({}));
    assert_eq!(world.output(&["wait", &id, "--timeout", "4294967295"]).status.code(), Some(0));
}
