//! One limit for the machine, across servers.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use crate::support::client::Client;
use crate::support::processes::signal;
use crate::support::until;
use crate::support::world::World;

const PROGRESS: &str = "notifications/progress";

/// A world with room for one, and two agents that go on when they are told to.
fn world() -> World {
    let mut world = World::with("touch ready\nwait-file go\nresult first");
    world.agent("next", "touch ready\nresult second");
    world.agent("last", "touch ready\nresult third");
    world.settings("max_concurrency: 1\ncache: {enabled: false}");
    world
}

fn runs(world: &World, agent: &str) -> bool {
    world.path(agent).join("ready").exists()
}

fn go_on(world: &World) {
    std::fs::write(world.path("echo").join("go"), "").unwrap();
}

/// Waits until the client hears of this place.
fn hears(client: &mut Client, id: u64, place: usize) {
    let wanted = format!("waiting: place {place} in the queue");
    client.wait(&wanted, |message| {
        message["method"] == PROGRESS
            && message["params"]["progressToken"] == id
            && message["params"]["message"] == wanted
    });
}

//= S-1 S-2
#[test]
fn servers_share_the_limit_and_the_queue() {
    let world = world();
    let (mut one, mut two) = (Client::new(&world), Client::new(&world));
    let first = one.call("dispatch", json!({"agent": "echo", "task": "t"}));
    until("the first run", || runs(&world, "echo").then_some(()));
    let second = two.call_with_progress("dispatch", json!({"agent": "next", "task": "t"}));
    hears(&mut two, second, 1);
    let third = one.call_with_progress("dispatch", json!({"agent": "last", "task": "t"}));
    hears(&mut one, third, 2);
    assert!(!runs(&world, "next") && !runs(&world, "last"));
    assert_eq!(world.workers().len(), 1);
    go_on(&world);
    assert_eq!(one.said(first)["result"], "first");
    assert_eq!(two.said(second)["result"], "second");
    assert_eq!(one.said(third)["result"], "third");
    one.bye();
    two.bye();
}

//= S-3
#[test]
fn who_is_killed_or_cancelled_in_the_queue_is_in_nobodys_way() {
    let world = world();
    let mut one = Client::new(&world);
    let first = one.call("dispatch", json!({"agent": "echo", "task": "t"}));
    until("the first run", || runs(&world, "echo").then_some(()));
    let before = world.supervisors();
    let killed = one.call_with_progress("dispatch", json!({"agent": "next", "task": "killed"}));
    hears(&mut one, killed, 1);
    let victim: Vec<i32> = world.supervisors().into_iter().filter(|pid| !before.contains(pid)).collect();
    let cancelled = one.call_with_progress("dispatch", json!({"agent": "next", "task": "cancelled"}));
    hears(&mut one, cancelled, 2);
    let last = one.call_with_progress("dispatch", json!({"agent": "last", "task": "t"}));
    hears(&mut one, last, 3);
    assert_eq!(victim.len(), 1);
    signal(victim[0], Signal::KILL);
    one.cancel(cancelled);
    hears(&mut one, last, 1);
    assert!(!runs(&world, "next"));
    go_on(&world);
    assert_eq!(one.said(first)["result"], "first");
    assert_eq!(one.said(last)["result"], "third");
    // It has another supervisor, at the end of the queue.
    assert_eq!(one.said(killed)["result"], "second");
    one.bye();
    // The cancelled one never ran and nobody waits for it: there is nothing to keep.
    world.no_job_is_left();
}

/// The time limit of a run begins with its slot: one that waits longer than it may run is not timed out.
#[test]
fn waiting_takes_nothing_from_the_time_of_a_run() {
    let mut world = World::with("touch ready\nwait-file go\nresult first");
    world.agent_with("next", "result second", "timeout: 1");
    world.settings("max_concurrency: 1");
    let mut client = Client::new(&world);
    let first = client.call("dispatch", json!({"agent": "echo", "task": "t"}));
    until("the first run", || runs(&world, "echo").then_some(()));
    let second = client.call_with_progress("dispatch", json!({"agent": "next", "task": "t"}));
    hears(&mut client, second, 1);
    // Longer than the second may run.
    assert!(client.wait_within(Duration::from_millis(1_300), |message| message["id"] == second).is_none());
    go_on(&world);
    assert_eq!(client.said(first)["result"], "first");
    assert_eq!(client.said(second)["result"], "second");
    client.bye();
}

/// A run whose session is in use does not stand in the queue: those behind it go on.
#[test]
fn a_busy_session_stops_nobody_else() {
    let mut world = World::with("on-call 1\nresult begun\non-call *\ntouch ready\nwait-file go\nresult first");
    world.agent("last", "result third");
    world.settings("max_concurrency: 2");
    let mut client = Client::new(&world);
    let begun = client.ask("dispatch_session", json!({"agent": "echo", "task": "begin"}));
    let session = begun["session_id"].as_str().unwrap().to_owned();
    let resume = |task: &str| json!({"agent": "echo", "task": task, "session_id": session});
    let first = client.call("dispatch_session", resume("one"));
    until("the first run", || runs(&world, "echo").then_some(()));
    let second = client.call("dispatch_session", resume("two"));
    until("the second supervisor", || (world.supervisors().len() == 2).then_some(()));
    assert_eq!(client.ask("dispatch", json!({"agent": "last", "task": "t"}))["result"], "third");
    go_on(&world);
    assert_eq!(client.said(first)["result"], "first");
    assert_eq!(client.said(second)["result"], "first");
    client.bye();
}
