//! The server leaves at once, whatever its client does.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use crate::support::client::{Client, Era, Wire};
use crate::support::processes::catches;
use crate::support::world::World;
use crate::support::{note, until};

/// The server is to leave within 100 ms (contract); the rest is for a machine that is busy with other tests. Waits that
/// must not happen are longer: 5 s until rmcp gives up on its handlers, for ever where a write is stuck.
const LEAVES_WITHIN: Duration = Duration::from_millis(4_500);

#[derive(Debug, Clone, Copy)]
enum Asked {
    Signal(Signal),
    EndOfInput,
}

const WAYS: [Asked; 4] =
    [Asked::Signal(Signal::TERM), Asked::Signal(Signal::INT), Asked::Signal(Signal::HUP), Asked::EndOfInput];

fn leaves(mut client: Client, way: Asked, when: &str) {
    match way {
        Asked::Signal(signal) => client.signal(signal),
        Asked::EndOfInput => client.close_input(),
    }
    let took = client.leaves_after();
    note(&format!("{when}, {way:?}: left after {took:?}"));
    assert!(took < LEAVES_WITHIN, "{when}, {way:?}: {took:?}");
}

#[test]
fn before_the_first_message() {
    let world = World::new();
    for wire in [Wire::Pipes, Wire::Sockets] {
        for way in WAYS {
            let client = Client::silent(world.serve(), wire);
            // A signal before its handler is there ends the process as well, only sooner.
            until("the handlers", || catches(client.pid(), Signal::TERM).then_some(()));
            leaves(client, way, "before the first message");
        }
    }
}

#[test]
fn idle() {
    let world = World::with("result ok");
    for wire in [Wire::Pipes, Wire::Sockets] {
        for era in [Era::Handshake, Era::Stateless] {
            for way in WAYS {
                let mut client = Client::begin(&world, wire, era);
                client.ask("cache_stats", json!({}));
                leaves(client, way, "idle");
            }
        }
    }
}

#[test]
fn with_calls_in_flight() {
    let mut world = World::with("touch ready\nsilence");
    world.settings("max_concurrency: 1");
    for way in WAYS {
        let mut client = Client::new(&world);
        client.call("dispatch_stream", json!({"agent": "echo", "task": "t"}));
        client.call("dispatch", json!({"agent": "echo", "task": "t"}));
        until("the run", || world.path("echo").join("ready").exists().then_some(()));
        leaves(client, way, "with calls in flight");
        std::fs::remove_file(world.path("echo").join("ready")).unwrap();
    }
}

#[test]
fn with_a_client_that_never_reads() {
    // One that leaves as a whole, one that leaves in pieces.
    for bytes in [500_000, 2_000_000] {
        let world = World::with(&format!("result-bytes {bytes}"));
        for (wire, way) in [Wire::Pipes, Wire::Sockets].into_iter().flat_map(|wire| WAYS.map(|way| (wire, way))) {
            let mut client = Client::silent(world.serve(), wire);
            client.initialize_unread();
            client.call("dispatch", json!({"agent": "echo", "task": "t"}));
            let record = world.record_when("the answer", |record| record["status"] == "done");
            leaves(client, way, "with a client that never reads");
            // What was paid for and not received stays.
            let id = record["id"].as_str().unwrap();
            let kept = std::fs::read(world.jobs().join(format!("{id}.json"))).unwrap();
            assert!(kept.len() > bytes);
            std::fs::remove_file(world.jobs().join(format!("{id}.json"))).unwrap();
        }
    }
}

#[test]
fn what_was_asked_before_the_end_of_the_input_is_answered() {
    let world = World::with("result ok");
    for wire in [Wire::Pipes, Wire::Sockets] {
        let mut client = Client::begin(&world, wire, Era::Handshake);
        let ids = [
            client.request("tools/list", json!({})),
            client.request("ping", json!({})),
            client.call("cache_stats", json!({})),
            client.call("nonsense", json!({})),
        ];
        client.close_input();
        for id in ids {
            assert!(client.answer(id)["result"].is_object());
        }
        client.ended();
        let mut client = Client::begin(&world, wire, Era::Handshake);
        let id = client.call("cache_stats", json!({}));
        client.close_input();
        assert!(client.said(id)["size"].is_number(), "the real answer");
        client.ended();
    }
}

/// A script that pipes its requests in and closes the pipe behind them: to call again would end in the same way.
#[test]
fn a_call_behind_which_the_input_ends_is_told_why() {
    let world = World::with("silence");
    let mut client = Client::new(&world);
    let id = client.call("dispatch", json!({"agent": "echo", "task": "t"}));
    client.close_input();
    let said = client.said(id);
    let error = said["error"].as_str().unwrap();
    assert!(error.contains("closed standard input before dispatch was answered"), "{said}");
    assert!(
        !error.contains("call again") && said["hint"].as_str().unwrap().contains("keep standard input open"),
        "{said}"
    );
}
