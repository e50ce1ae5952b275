//! What is logged of a job's life, and what never is.

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::processes::{alive, signal};
use crate::support::until;
use crate::support::world::World;

fn log(world: &World) -> String {
    fs::read_to_string(world.jobs().join(".log")).unwrap_or_default()
}

/// The lines about a job, each as what it says of it.
fn life(world: &World, id: &str) -> Vec<String> {
    let log = log(world);
    let lines = log.lines().filter(|line| line.contains(id));
    lines.filter_map(|line| Some(line.split_once(": job ")?.1.to_owned())).collect()
}

fn submitted(client: &mut Client, arguments: Value) -> String {
    let said = client.ask("dispatch_async", arguments);
    said["job_id"].as_str().unwrap_or_else(|| panic!("{said}")).to_owned()
}

/// Waits until these have been said of the job, in this order, and nothing else.
fn assert_life(world: &World, id: &str, expected: &[&str]) {
    let told = || {
        let mut said = life(world, id);
        // Whether the slot of a run before is free already depends on the machine.
        said.retain(|said| expected.contains(&"queued") || !said.starts_with("queued"));
        // The server and the supervisor write each for itself: the supervisor's first line may be there before the server's.
        said.sort_by_key(|said| !said.starts_with("submitted"));
        said
    };
    let said = until("the last line", || Some(told()).filter(|said| said.len() >= expected.len()));
    let fits = said.len() == expected.len() && said.iter().zip(expected).all(|(said, start)| said.starts_with(start));
    assert!(fits, "{said:#?} instead of {expected:#?}");
}

fn logged(scene: &str) -> World {
    let mut world = World::with(scene);
    world.env("AGENT_DISPATCH_LOG", "agent_dispatch=info");
    world
}

#[test]
fn a_life_is_logged_from_its_beginning_to_its_removal() {
    let world = logged("cost 0.25\nresult fine");
    let mut client = Client::new(&world);
    let id = submitted(&mut client, json!({"agent": "echo", "task": "t"}));
    client.ask("dispatch_wait", json!({"job_id": id}));
    client.ask("dispatch_gc", json!({"max_age_days": 1e-9}));
    assert_life(&world, &id, &["submitted", "claimed", "started", "answered", "ended", "removed"]);
    let said = life(&world, &id);
    assert!(said[2].contains("pid="), "{said:?}");
    assert!(said[4].contains("cost_usd=0.25") && said[4].contains("success=true"), "{said:?}");
    client.bye();
}

#[test]
fn what_waits_is_adopted_goes_on_or_is_cancelled_is_logged() {
    let mut world = logged("touch ready\nwait-file go\nresult fine");
    world.settings("max_concurrency: 1");
    world.agent_with("cut", "on-call 1\nsay half\nsilence\non-call *\nresult whole", "timeout: 1");
    let mut client = Client::new(&world);
    let adopted = submitted(&mut client, json!({"agent": "echo", "task": "t"}));
    until("the run", || world.path("echo").join("ready").exists().then_some(()));
    let [supervisor] = world.supervisors()[..] else { panic!("one supervisor") };
    let resumed = submitted(&mut client, json!({"agent": "cut", "task": "t", "resume_attempts": 1}));
    until("the second in the queue", || {
        life(&world, &resumed).iter().any(|said| said.starts_with("queued")).then_some(())
    });
    signal(supervisor, Signal::KILL);
    until("a death", || (!alive(supervisor)).then_some(()));
    client.ask("dispatch_status", json!({"job_id": adopted}));
    until("its adoption", || life(&world, &adopted).iter().any(|said| said.starts_with("adopted")).then_some(()));
    fs::write(world.path("echo").join("go"), "").unwrap();
    client.ask("dispatch_wait", json!({"job_id": adopted}));
    assert_life(&world, &adopted, &["submitted", "claimed", "started", "adopted", "answered", "ended"]);
    client.ask("dispatch_wait", json!({"job_id": resumed}));
    let expected = ["submitted", "queued", "claimed", "started", "cut off", "claimed", "resumed", "answered", "ended"];
    assert_life(&world, &resumed, &expected);

    fs::remove_file(world.path("echo").join("ready")).unwrap();
    fs::remove_file(world.path("echo").join("go")).unwrap();
    let cancelled = submitted(&mut client, json!({"agent": "echo", "task": "t"}));
    until("the run", || world.path("echo").join("ready").exists().then_some(()));
    client.ask("dispatch_cancel", json!({"job_id": cancelled}));
    assert_life(&world, &cancelled, &["submitted", "claimed", "started", "cancelled", "to end", "ended"]);
    client.bye();
}

#[test]
fn prompts_and_answers_are_logged_at_trace_only() {
    const SECRETS: [&str; 4] = ["the-secret-task", "the-secret-context", "the-secret-words", "the-secret-answer"];
    let tools = [
        ("dispatch", json!({"agent": "echo", "task": SECRETS[0], "context": SECRETS[1]})),
        ("dispatch_stream", json!({"agent": "echo", "task": SECRETS[0], "context": SECRETS[1]})),
        ("dispatch_async", json!({"agent": "echo", "task": SECRETS[0], "context": SECRETS[1]})),
        ("dispatch_parallel", json!({"dispatches": [{"agent": "echo", "task": SECRETS[0], "context": SECRETS[1]}]})),
        ("dispatch_dialogue", json!({"requester": "shop", "responder": "echo", "topic": SECRETS[0], "max_rounds": 1})),
        // What cannot be read may be told of by what it is.
        ("dispatch", json!({"agent": "echo", "task": {"the": SECRETS[0]}})),
        ("dispatch", json!(SECRETS[0])),
    ];
    for (level, may) in [("debug", false), ("agent_dispatch=debug,rmcp=debug", false), ("trace", true)] {
        let mut world = World::with(&format!("say {}\nresult {}", SECRETS[2], SECRETS[3]));
        world.agent("shop", &format!("result {}", SECRETS[3]));
        world.env("AGENT_DISPATCH_LOG", level);
        let mut client = Client::new(&world);
        client.send(&json!({"jsonrpc": "2.0", "id": "x", "method": 7, "params": SECRETS[0]}));
        for (tool, arguments) in &tools {
            let id = client.call(tool, arguments.clone());
            client.answer(id);
        }
        world.record_when("the end of the last", |record| record["status"] == "done");
        client.bye();
        until("the supervisors to leave", || world.supervisors().is_empty().then_some(()));
        let log = log(&world);
        assert!(log.contains("job submitted") && log.contains("job ended"), "{log}");
        let told = SECRETS.iter().filter(|secret| log.contains(**secret)).collect::<Vec<_>>();
        assert_eq!(!told.is_empty(), may, "{level}: {told:?}");
    }
}

#[test]
fn a_filter_that_cannot_be_read_stops_no_supervisor() {
    let mut world = World::with("result fine");
    world.env("AGENT_DISPATCH_LOG", "no such=filter=x");
    let mut client = Client::new(&world);
    assert_eq!(client.ask("dispatch", json!({"agent": "echo", "task": "t"}))["result"], "fine");
    assert_eq!(log(&world), "");
    client.bye();
}
