//! A request that is taken back, a client that goes away, a server that is killed: nothing goes on running.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use crate::support::client::{Client, Era, Wire};
use crate::support::processes::{alive, pid_in};
use crate::support::world::World;
use crate::support::{SOON, note, until, within};

/// A run with a child in its group and one in a session of its own, none of which leaves by itself.
const TREE: &str = "spawn-in-group pid=in ignore-term\nspawn-setsid pid=out ignore-term\ntouch ready\nsilence";

fn tree_runs(world: &World, agent: &str) -> Vec<i32> {
    until("the tree", || world.path(agent).join("ready").exists().then_some(()));
    let mut pids = vec![pid_in(&world.path(agent).join("in")), pid_in(&world.path(agent).join("out"))];
    pids.extend(world.workers());
    pids.sort_unstable();
    pids.dedup();
    assert!(pids.len() >= 3 && pids.iter().all(|pid| alive(*pid)), "{pids:?}");
    pids
}

fn gone(pids: &[i32]) -> Duration {
    let start = Instant::now();
    within(SOON, "the tree to be gone", || pids.iter().all(|pid| !alive(*pid)).then_some(()));
    start.elapsed()
}

#[test]
fn a_cancelled_request_ends_the_whole_tree_and_frees_its_slot() {
    for scene in [TREE.to_owned(), format!("ignore-term\n{TREE}")] {
        for tool in ["dispatch", "dispatch_session", "dispatch_stream"] {
            let mut world = World::with(&scene);
            world.agent("next", "result next");
            world.settings("max_concurrency: 1");
            let mut client = Client::new(&world);
            let id = client.call(tool, json!({"agent": "echo", "task": "t"}));
            let tree = tree_runs(&world, "echo");
            let waiting = client.call("dispatch", json!({"agent": "next", "task": "t"}));
            client.cancel(id);
            note(&format!("{tool}: the tree was gone {:?} after its cancellation", gone(&tree)));
            assert_eq!(client.said(waiting)["result"], "next");
            let record = world.record_when("the cancelled record", |record| record["status"] == "cancelled");
            let session = record["session_id"].as_str().unwrap();
            let error = record["error"].as_str().unwrap();
            assert!(error.contains("dispatch_session(") && error.contains(session), "{error}");
            assert!(
                client.wait_within(Duration::ZERO, |message| message["id"] == id).is_none(),
                "no answer to a cancelled request"
            );
            client.bye();
        }
    }
}

#[test]
fn a_request_that_waits_for_its_turn_is_taken_out_of_the_line() {
    let mut world = World::with("touch ready\nwait-file go\nresult first");
    world.agent("never", "touch started\nresult never");
    world.agent("last", "result last");
    world.settings("max_concurrency: 1");
    let mut client = Client::new(&world);
    let first = client.call("dispatch", json!({"agent": "echo", "task": "t"}));
    until("the first run", || world.path("echo").join("ready").exists().then_some(()));
    let never = client.call("dispatch", json!({"agent": "never", "task": "t"}));
    let last = client.call("dispatch", json!({"agent": "last", "task": "t"}));
    client.cancel(never);
    client.ask("cache_stats", json!({}));
    std::fs::write(world.path("echo").join("go"), "").unwrap();
    assert_eq!(client.said(first)["result"], "first");
    assert_eq!(client.said(last)["result"], "last");
    assert!(!world.path("never").join("started").exists());
    client.bye();
    world.no_job_is_left();
}

#[test]
fn the_payer_of_a_shared_run_may_leave_but_the_last_one_ends_it() {
    let world = World::with("dump calls\ntouch ready\nwait-file go\nresult shared");
    let mut client = Client::new(&world);
    let request = json!({"agent": "echo", "task": "t"});
    let payer = client.call("dispatch", request.clone());
    let joiner = client.call("dispatch", request.clone());
    client.ask("cache_stats", json!({}));
    until("the run", || world.path("echo").join("ready").exists().then_some(()));
    client.cancel(payer);
    client.ask("cache_stats", json!({}));
    std::fs::write(world.path("echo").join("go"), "").unwrap();
    let said = client.said(joiner);
    assert_eq!((&said["result"], &said["cached"]), (&json!("shared"), &json!(true)));
    client.ask("cache_clear", json!({}));
    for name in ["go", "ready"] {
        std::fs::remove_file(world.path("echo").join(name)).unwrap();
    }
    // And now both leave.
    let (one, two) = (client.call("dispatch", request.clone()), client.call("dispatch", request.clone()));
    until("the run", || world.path("echo").join("ready").exists().then_some(()));
    let tree = world.workers();
    client.cancel(one);
    client.ask("cache_stats", json!({}));
    assert!(tree.iter().any(|pid| alive(*pid)));
    client.cancel(two);
    gone(&tree);
    // A third who asks after that pays for a run of its own.
    std::fs::write(world.path("echo").join("go"), "").unwrap();
    let said = client.ask("dispatch", request);
    assert_eq!((&said["result"], said.get("cached")), (&json!("shared"), None));
    assert_eq!(world.dumps("echo", "calls").len(), 3);
    client.bye();
}

#[test]
fn with_the_server_its_runs_end() {
    for signal in [Some(Signal::KILL), Some(Signal::TERM), Some(Signal::INT), Some(Signal::HUP), None] {
        let world = World::with(TREE);
        let mut client = Client::begin(&world, Wire::Sockets, Era::Stateless);
        client.call("dispatch", json!({"agent": "echo", "task": "t"}));
        let tree = tree_runs(&world, "echo");
        match signal {
            Some(signal) => client.signal(signal),
            None => client.close_input(),
        }
        note(&format!("{signal:?}: the server left after {:?}", client.leaves_after()));
        note(&format!("{signal:?}: the tree was gone {:?} later", gone(&tree)));
        let record = world.record_when("the cancelled record", |record| record["status"] == "cancelled");
        assert!(record["error"].as_str().unwrap().contains("dispatch_session("), "{record}");
    }
}
