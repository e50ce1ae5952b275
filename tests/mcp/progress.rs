//! What a client hears while it waits.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::client::{Client, Era, Wire};
use crate::support::world::World;

const PROGRESS: &str = "notifications/progress";
const LOG: &str = "notifications/message";

#[test]
fn every_word_and_tool_is_told_before_the_answer() {
    // All of it comes at once, with the answer: nothing of it may be lost on the way.
    let world = World::with("say one\nsay two\ntool Bash {\"command\":\"ls\"}\nsay three\nresult four");
    let mut client = Client::new(&world);
    for round in 0..10 {
        let id = client.call_with_progress("dispatch_stream", json!({"agent": "echo", "task": format!("t{round}")}));
        assert_eq!(client.said(id)["result"], "four");
        let progress: Vec<Value> =
            client.kept(PROGRESS).into_iter().filter(|p| p["params"]["progressToken"] == id).collect();
        let messages: Vec<&str> = progress.iter().filter_map(|p| p["params"]["message"].as_str()).collect();
        assert_eq!(messages, ["echo started", "one", "two", "Using tool: Bash", "three", "four"], "round {round}");
        let numbers: Vec<f64> = progress.iter().filter_map(|p| p["params"]["progress"].as_f64()).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    }
    let logs: Vec<Value> = client.kept(LOG).into_iter().map(|log| log["params"]["data"].clone()).collect();
    assert_eq!(logs.len(), 60, "{logs:?}");
    assert!(logs.contains(&json!("[echo] Using tool: Bash")), "{logs:?}");
    client.bye();
}

#[test]
fn without_a_token_there_is_no_progress_and_only_streams_are_logged() {
    let world = World::with("say one\nresult two");
    for era in [Era::Handshake, Era::Stateless] {
        let mut client = Client::begin(&world, Wire::Sockets, era);
        client.ask("dispatch", json!({"agent": "echo", "task": format!("{era:?}")}));
        client.ask("dispatch_session", json!({"agent": "echo", "task": "t"}));
        assert!(client.kept(PROGRESS).is_empty() && client.kept(LOG).is_empty());
        client.ask("dispatch_stream", json!({"agent": "echo", "task": "t"}));
        assert!(client.kept(PROGRESS).is_empty());
        // The stateless protocol has no log messages.
        assert_eq!(client.kept(LOG).is_empty(), era == Era::Stateless);
        client.bye();
    }
}

#[test]
fn a_quiet_run_is_kept_alive() {
    let world = World::with("wait-file go\nresult late");
    let mut client = Client::new(&world);
    let id = client.call_with_progress("dispatch", json!({"agent": "echo", "task": "t"}));
    client.wait("a sign of life", |message| {
        message["method"] == PROGRESS
            && message["params"]["progressToken"] == id
            && message["params"]["message"] == "still running"
    });
    std::fs::write(world.path("echo").join("go"), "").unwrap();
    assert_eq!(client.said(id)["result"], "late");
    client.bye();
}

#[test]
fn the_level_of_log_messages_can_be_set() {
    let world = World::with("result ok");
    let mut client = Client::new(&world);
    let id = client.request("logging/setLevel", json!({"level": "info"}));
    assert_eq!(client.answer(id).get("error"), None);
    client.bye();
}

#[test]
fn a_client_that_does_not_read_loses_progress_but_no_answer() {
    let world = World::with("flood-events 4000000 2000\nresult the answer");
    for wire in [Wire::Pipes, Wire::Sockets] {
        let mut client = Client::silent(world.serve(), wire);
        client.send(
            &json!({"jsonrpc": "2.0", "id": "i", "method": "initialize", "params": {"protocolVersion": "2025-11-25",
            "capabilities": {}, "clientInfo": {"name": "slow", "version": "1"}}}),
        );
        client.notify("notifications/initialized", json!({}));
        let id = client.call_with_progress("dispatch_stream", json!({"agent": "echo", "task": "t"}));
        // The run goes on to its end although nothing is read.
        world.record_when("the end of the run", |record| record["status"] == "done");
        assert_eq!(client.said(id)["result"], "the answer");
        let told = client.kept(PROGRESS).len();
        assert!(told > 1 && told < 2000, "{told} pieces");
        assert!(client.kept(LOG).iter().any(|log| log["params"]["data"].as_str().unwrap().contains("left out")));
        client.bye();
    }
    world.no_job_is_left();
}

#[test]
fn two_hundred_calls_at_once_are_all_answered_to_a_client_that_reads_late() {
    let mut world = World::with("result-bytes 20000");
    world.settings("max_concurrency: 8");
    let mut client = Client::silent(world.serve(), Wire::Sockets);
    client
        .send(&json!({"jsonrpc": "2.0", "id": "i", "method": "initialize", "params": {"protocolVersion": "2025-11-25",
        "capabilities": {}, "clientInfo": {"name": "slow", "version": "1"}}}));
    client.notify("notifications/initialized", json!({}));
    let ids: Vec<u64> = (0..200)
        .map(|n| match n % 4 {
            0 => client.call("dispatch", json!({"agent": "echo", "task": format!("t{n}")})),
            1 => client.call("cache_stats", json!({})),
            2 => client.call("nonsense", json!({})),
            _ => client.call("dispatch", json!({"agent": "nobody", "task": "t"})),
        })
        .collect();
    world.record_when("an answer that waits", |record| record["status"] == "done");
    for (n, id) in ids.into_iter().enumerate() {
        let said = client.said(id);
        match n % 4 {
            0 => assert_eq!(said["result"].as_str().map(str::len), Some(20_000)),
            1 => assert!(said["size"].is_number()),
            _ => assert!(said["error"].as_str().unwrap().contains("Available"), "{said}"),
        }
        assert!(client.wait_within(Duration::ZERO, |message| message["id"] == id).is_none(), "answered once");
    }
    client.bye();
    world.no_job_is_left();
}
