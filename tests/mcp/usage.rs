//! One line in the usage journal for every dispatch, on every way, whoever dies.

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::processes::{alive, signal};
use crate::support::until;
use crate::support::world::World;

/// What the scenes of these tests begin with.
const FIGURES: &str = "cost 0.25\nturns 2\n";
const WAITS: &str = "cost 0.25\ntouch ready\nwait-file go\nresult the answer\ntouch answered";

/// The lines once there are so many; no more may come.
fn lines_when(world: &World, count: usize) -> Vec<Value> {
    until("lines in the journal", || (world.usage().len() >= count).then_some(()));
    let lines = world.usage();
    assert_eq!(lines.len(), count, "{lines:#?}");
    lines
}

fn keys(line: &Value) -> Vec<&str> {
    line.as_object().unwrap().keys().map(String::as_str).collect()
}

fn submit(client: &mut Client) -> String {
    client.ask("dispatch_async", json!({"agent": "echo", "task": "t"}))["job_id"].as_str().unwrap().to_owned()
}

fn works(world: &World, client: &mut Client) -> String {
    let id = submit(client);
    until("the run", || world.path("echo").join("ready").exists().then_some(()));
    id
}

fn go(world: &World) {
    fs::write(world.path("echo").join("go"), "").unwrap();
}

fn killed(pid: i32) {
    signal(pid, Signal::KILL);
    until("a death", || (!alive(pid)).then_some(()));
}

fn ended(client: &mut Client, id: &str) -> Value {
    let record = client.ask("dispatch_wait", json!({"job_id": id, "timeout_seconds": 50}));
    assert_eq!(record.get("timed_out_waiting"), None, "{record}");
    record
}

#[test]
fn every_way_leaves_its_line() {
    let world = World::with(&format!("{FIGURES}result fine\\nSTATUS: partial"));
    let mut client = Client::new(&world);
    for (count, tool) in [(1, "dispatch"), (2, "dispatch_session"), (3, "dispatch_stream")] {
        client.ask(tool, json!({"agent": "echo", "task": "t", "caller": "a caller\nof two lines"}));
        // It is there when the answer is: whoever reads on may look at it.
        let lines = world.usage();
        let line = lines.last().unwrap();
        assert_eq!(keys(line), ["t", "agent", "ok", "cost", "ms", "turns", "outcome", "caller", "job"], "{tool}");
        let rest = (&line["agent"], &line["ok"], &line["cost"], &line["turns"], &line["outcome"], &line["caller"]);
        let caller = json!("a caller of two lines");
        assert_eq!(rest, (&json!("echo"), &json!(true), &json!(0.25), &json!(2), &json!("partial"), &caller), "{tool}");
        assert_eq!(lines.len(), count);
    }
    let id = submit(&mut client);
    ended(&mut client, &id);
    assert_eq!(world.usage()[3]["job"], id.as_str());
    world.once(&["test", "echo"]).assert().success();
    assert_eq!(lines_when(&world, 5)[4]["ok"], true);
    client.bye();
}

#[test]
fn what_nobody_paid_for_is_marked() {
    let world = World::with(&format!("{FIGURES}result fine"));
    let mut client = Client::new(&world);
    client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
    client.ask("dispatch", json!({"agent": "echo", "task": "t", "return_ref": true}));
    let found = lines_when(&world, 2);
    assert_eq!(keys(&found[1]), ["t", "agent", "ok", "cached"]);
    // Those who share a run: one pays.
    world.scene("echo", "touch ready\nwait-file go\nresult shared");
    let asked: Vec<u64> = (0..3).map(|_| client.call("dispatch", json!({"agent": "echo", "task": "shared"}))).collect();
    until("the run", || world.path("echo").join("ready").exists().then_some(()));
    go(&world);
    for id in asked {
        assert_eq!(client.said(id)["result"], "shared");
    }
    let found = lines_when(&world, 5);
    assert_eq!(found[2..].iter().filter(|line| line["cached"] == true).count(), 2);
    client.bye();
}

#[test]
fn failures_have_their_kind() {
    let mut world = World::with("error credit");
    world.agent_with("slow", "silence", "timeout: 1");
    world.entry("gone", &world.path("nowhere"), "");
    let mut client = Client::new(&world);
    let mut kinds = Vec::new();
    for (agent, kind, began) in [("echo", "cli_error", true), ("slow", "timeout", true), ("gone", "not_found", false)] {
        client.ask("dispatch", json!({"agent": agent, "task": "t"}));
        kinds.push(kind);
        let lines = lines_when(&world, kinds.len());
        let line = lines.last().unwrap();
        assert_eq!((&line["ok"], &line["err"]), (&json!(false), &json!(kind)), "{agent}");
        // Of a run that began it is known how long it lasted, also where the CLI does not say.
        assert_eq!(line.get("ms").is_some(), began, "{line}");
    }
    assert!(world.usage()[1]["ms"].as_u64().unwrap() >= 1_000);
    assert_eq!(client.ask("dispatch_async", json!({"agent": "gone", "task": "t"})).get("job_id"), None);
    assert_eq!(lines_when(&world, 4)[3]["err"], "not_found");
    // What is the caller's mistake was never a dispatch.
    client.ask("dispatch", json!({"agent": "nobody", "task": "t"}));
    client.ask("dispatch", json!({"agent": "echo", "task": ""}));
    client.bye();
    lines_when(&world, 4);
    world.once(&["test", "gone"]).assert().failure();
    assert_eq!(lines_when(&world, 5)[4]["err"], "not_found", "written before the program leaves");
}

#[test]
fn switched_off_it_leaves_nothing_and_tells_nothing() {
    let mut world = World::with("result fine");
    world.settings("usage_log: false");
    let mut client = Client::new(&world);
    for task in ["1", "1", "2", "3"] {
        client.ask("dispatch", json!({"agent": "echo", "task": task}));
    }
    client.ask("dispatch", json!({"agent": "nobody", "task": "t"}));
    let old = "{\"t\":1,\"agent\":\"echo\",\"ok\":true,\"ms\":5}\n".repeat(3);
    fs::write(world.path("usage.jsonl"), &old).unwrap();
    assert_eq!(client.ask("list_agents", json!({}))[0].get("typical"), None);
    assert_eq!(client.ask("inspect_agent", json!({"name": "echo"})).get("typical"), None);
    client.bye();
    assert_eq!(fs::read_to_string(world.path("usage.jsonl")).unwrap(), old);
}

#[test]
fn a_journal_that_cannot_be_written_costs_no_answer() {
    let world = World::with("result fine");
    fs::create_dir(world.path("usage.jsonl")).unwrap();
    let mut client = Client::new(&world);
    for _ in 0..2 {
        assert_eq!(client.ask("dispatch", json!({"agent": "echo", "task": "t"}))["success"], true);
    }
    assert_eq!(client.ask("list_agents", json!({}))[0]["name"], "echo");
    client.bye();
    world.no_job_is_left();
}

#[test]
fn what_is_typical_is_told_after_three_runs_and_sizes_the_next_time_limit() {
    let mut world = World::with("result fine");
    world.agent_with("slow", "silence", "timeout: 1");
    let entries = |agent: &str, ms: &[u64]| -> String {
        ms.iter().map(|ms| format!("{}\n", json!({"t": 1, "agent": agent, "ok": true, "ms": ms}))).collect()
    };
    fs::write(world.path("usage.jsonl"), entries("slow", &[2_000, 40_000])).unwrap();
    let mut client = Client::new(&world);
    assert_eq!(client.ask("list_agents", json!({}))[1].get("typical"), None);
    let error = |client: &mut Client| {
        let said = client.ask("dispatch", json!({"agent": "slow", "task": "t"}));
        said["error"].as_str().unwrap().to_owned()
    };
    let early = error(&mut client);
    assert!(early.contains("timeout_seconds=10") && !early.contains("measured"), "{early}");
    // The run that was cut off is the third one. Nine of ten of these take no longer than 40 s.
    let typical = client.ask("list_agents", json!({}))[1]["typical"].clone();
    assert_eq!(keys(&typical), ["median_seconds", "p90_seconds"]);
    assert_eq!(typical["p90_seconds"], 40.0);
    let full = client.ask("inspect_agent", json!({"name": "slow"}))["typical"].clone();
    assert_eq!(keys(&full), ["dispatches", "median_seconds", "p90_seconds", "failed"]);
    let later = error(&mut client);
    assert!(later.contains("timeout_seconds=60, as its measured runs suggest"), "{later}");
    client.bye();
}

#[test]
fn a_run_whose_server_is_gone_has_its_line() {
    let world = World::with(WAITS);
    let mut client = Client::new(&world);
    let id = works(&world, &mut client);
    killed(client.pid());
    go(&world);
    let found = lines_when(&world, 1);
    assert_eq!((&found[0]["ok"], &found[0]["job"]), (&json!(true), &json!(id)));
}

//= U-1
#[test]
fn a_run_that_changes_hands_has_one_line() {
    let world = World::with(WAITS);
    let mut client = Client::new(&world);
    let id = works(&world, &mut client);
    for _ in 0..2 {
        let supervisor = until("a supervisor", || world.supervisors().first().copied());
        killed(supervisor);
        client.ask("dispatch_status", json!({"job_id": id}));
    }
    go(&world);
    assert_eq!(ended(&mut client, &id)["status"], "done");
    let found = lines_when(&world, 1);
    assert_eq!((&found[0]["ok"], &found[0]["cost"], &found[0]["job"]), (&json!(true), &json!(0.25), &json!(id)));
    client.bye();
}

#[test]
fn a_line_that_a_dead_supervisor_had_written_is_not_written_again() {
    let world = World::with(WAITS);
    let mut client = Client::new(&world);
    let id = works(&world, &mut client);
    // As one that died between its line and the record: the record still says that it runs.
    let line = json!({"t": 1, "agent": "echo", "ok": true, "job": id});
    fs::write(world.path("usage.jsonl"), format!("{line}\n")).unwrap();
    killed(until("a supervisor", || world.supervisors().first().copied()));
    go(&world);
    assert_eq!(ended(&mut client, &id)["status"], "done");
    client.bye();
    assert_eq!(world.usage(), [line]);
}

#[test]
fn a_caller_whose_supervisor_dies_has_its_line() {
    let world = World::with(WAITS);
    let mut client = Client::new(&world);
    let asked = client.call("dispatch", json!({"agent": "echo", "task": "t", "caller": "me"}));
    until("the run", || world.path("echo").join("ready").exists().then_some(()));
    killed(until("a supervisor", || world.supervisors().first().copied()));
    fs::write(world.path("echo").join("go"), "").unwrap();
    assert_eq!(client.said(asked)["success"], true);
    let found = lines_when(&world, 1);
    assert_eq!((&found[0]["ok"], &found[0]["caller"]), (&json!(true), &json!("me")));
    client.bye();
}

#[test]
fn what_was_cancelled_while_it_ran_has_its_line_and_what_never_ran_has_none() {
    let mut world = World::with(WAITS);
    world.settings("max_concurrency: 1");
    let mut client = Client::new(&world);
    let first = works(&world, &mut client);
    let second = submit(&mut client);
    assert_eq!(client.ask("dispatch_cancel", json!({"job_id": second}))["outcome"], "cancelled");
    assert_eq!(client.ask("dispatch_cancel", json!({"job_id": first}))["outcome"], "cancelled_running");
    let found = lines_when(&world, 1);
    assert_eq!(
        (&found[0]["ok"], &found[0]["err"], &found[0]["job"]),
        (&json!(false), &json!("cancelled"), &json!(first))
    );
    // A run whose supervisor is dead is accounted for by whoever cancels it.
    fs::remove_file(world.path("echo").join("ready")).unwrap();
    let third = works(&world, &mut client);
    killed(until("a supervisor", || world.supervisors().first().copied()));
    assert_eq!(client.ask("dispatch_cancel", json!({"job_id": third}))["outcome"], "cancelled_running");
    let found = lines_when(&world, 2);
    assert_eq!((&found[1]["err"], &found[1]["job"]), (&json!("cancelled"), &json!(third)));
    // So is one whose caller took it back.
    fs::remove_file(world.path("echo").join("ready")).unwrap();
    let asked = client.call("dispatch", json!({"agent": "echo", "task": "t"}));
    until("the run", || world.path("echo").join("ready").exists().then_some(()));
    client.cancel(asked);
    let found = lines_when(&world, 3);
    assert_eq!(found[2]["err"], "cancelled");
    client.bye();
}
