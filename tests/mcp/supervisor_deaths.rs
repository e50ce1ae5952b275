//! The supervisor of a run dies while somebody waits for the answer: claude works on, and the answer comes.

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::processes::{alive, signal};
use crate::support::until;
use crate::support::world::World;

const PROGRESS: &str = "notifications/progress";
/// Says something, waits, says something else and answers.
const SCENE: &str =
    "dump calls\nsay before\ntouch ready\nwait-file go\nsay after\nwait-file more\nresult the answer\\n\\n[RESOLVED]";

/// What can be waited for, and what it is called with.
fn surfaces() -> [(&'static str, Value); 5] {
    [
        ("dispatch", json!({"agent": "echo", "task": "t"})),
        ("dispatch_session", json!({"agent": "echo", "task": "t"})),
        ("dispatch_stream", json!({"agent": "echo", "task": "t"})),
        ("dispatch_parallel", json!({"dispatches": [{"agent": "echo", "task": "t"}]})),
        ("dispatch_dialogue", json!({"requester": "shop", "responder": "echo", "topic": "t"})),
    ]
}

fn world() -> World {
    let mut world = World::with(SCENE);
    world.agent("shop", "result nothing to ask");
    world
}

fn ready(world: &World) {
    until("the run", || world.path("echo").join("ready").exists().then_some(()));
}

fn may(world: &World, file: &str) {
    fs::write(world.path("echo").join(file), "").unwrap();
}

fn killed(pid: i32) {
    signal(pid, Signal::KILL);
    until("a death", || (!alive(pid)).then_some(()));
}

fn supervisor(world: &World) -> i32 {
    until("one supervisor", || match world.supervisors()[..] {
        [pid] => Some(pid),
        _ => None,
    })
}

/// The one that was started after `dead`, once it has adopted the run.
fn adopter(world: &World, dead: i32) -> i32 {
    let next = until("another supervisor", || world.supervisors().into_iter().find(|pid| *pid != dead));
    world.record_when("its adoption", |record| record["phase"] == "adopted");
    next
}

fn worker(world: &World) -> i32 {
    let [pid] = world.workers()[..] else { panic!("{:?}", world.workers()) };
    pid
}

/// How often progress told a word.
fn told(client: &Client, word: &str) -> usize {
    let told = client.kept(PROGRESS);
    told.iter().filter(|told| told["params"]["message"].as_str().is_some_and(|said| said.contains(word))).count()
}

fn hears(client: &mut Client, word: &str) {
    client.wait("progress", |message| {
        message["method"] == PROGRESS && message["params"]["message"].as_str().is_some_and(|said| said.contains(word))
    });
}

/// The answer, in whatever the tool wraps it.
fn assert_answered(world: &World, said: &Value) {
    assert!(said.to_string().contains("the answer"), "{said}");
    assert!(!said.to_string().contains("error_type"), "{said}");
    assert_eq!(world.dumps("echo", "calls").len(), 1, "claude was started once: {said}");
}

/// Whoever was killed while it wrote may have left a temporary file, which is removed when it is old.
fn no_record_is_left(world: &World) {
    until("the last job to be collected", || world.records().is_empty().then_some(()));
}

#[test]
fn whoever_waits_has_the_answer_and_the_progress_goes_on() {
    for (tool, arguments) in surfaces() {
        let world = world();
        let mut client = Client::new(&world);
        let id = client.call_with_progress(tool, arguments);
        ready(&world);
        hears(&mut client, "before");
        let (dead, claude) = (supervisor(&world), worker(&world));
        killed(dead);
        let second = adopter(&world, dead);
        assert_eq!(worker(&world), claude, "{tool}: claude works on");
        may(&world, "go");
        hears(&mut client, "after");
        // And once more: the second one is as mortal.
        killed(second);
        adopter(&world, second);
        assert_eq!(worker(&world), claude, "{tool}");
        may(&world, "more");
        assert_answered(&world, &client.said(id));
        if tool == "dispatch_stream" {
            assert_eq!((told(&client, "before"), told(&client, "after")), (0, 0), "nothing is told twice");
        }
        client.bye();
        no_record_is_left(&world);
    }
}

#[test]
fn where_all_supervisors_die_the_server_does_their_work() {
    let world = world();
    let mut client = Client::new(&world);
    let id = client.call_with_progress("dispatch", json!({"agent": "echo", "task": "t"}));
    ready(&world);
    let claude = worker(&world);
    let mut dead = supervisor(&world);
    for _ in 0..3 {
        killed(dead);
        dead = adopter(&world, dead);
    }
    killed(dead);
    let job = world.record_when("the adoption by the server", |record| record["phase"] == "adopted");
    let lock = world.jobs().join(job["id"].as_str().unwrap()).join("lock");
    until("the server to have the job", || {
        let held = fs::File::open(&lock).is_ok_and(|lock| lock.try_lock().is_err());
        (held && world.supervisors().is_empty()).then_some(())
    });
    assert_eq!(worker(&world), claude, "claude works on");
    may(&world, "go");
    hears(&mut client, "after");
    may(&world, "more");
    assert_answered(&world, &client.said(id));
    client.bye();
    no_record_is_left(&world);
}

#[test]
fn what_the_server_supervises_itself_can_be_cancelled_and_taken_back() {
    for take_back in [false, true] {
        let world = world();
        let mut client = Client::new(&world);
        let id = client.call("dispatch", json!({"agent": "echo", "task": "t"}));
        ready(&world);
        let mut dead = supervisor(&world);
        for _ in 0..3 {
            killed(dead);
            dead = adopter(&world, dead);
        }
        killed(dead);
        let job = world.record_when("the job", |_| true);
        let lock = world.jobs().join(job["id"].as_str().unwrap()).join("lock");
        until("the server to have the job", || {
            let held = fs::File::open(&lock).is_ok_and(|lock| lock.try_lock().is_err());
            (held && world.supervisors().is_empty()).then_some(())
        });
        if take_back {
            client.cancel(id);
        } else {
            let said = Client::new(&world).ask("dispatch_cancel", json!({"job_id": job["id"]}));
            assert_eq!(said["outcome"], "cancelled_running", "{said}");
            assert!(client.said(id).to_string().contains("cancelled"));
        }
        until("claude's end", || world.workers().is_empty().then_some(()));
        world.record_when("the end", |record| record["status"] == "cancelled" && record["phase"].is_null());
        client.bye();
    }
}

/// Gives the run's supervisor's job to another server while this one cannot look.
fn taken_by_another(world: &World, client: &Client) -> (i32, Client) {
    ready(world);
    let (dead, job) = (supervisor(world), world.record_when("the job", |_| true));
    client.signal(Signal::STOP);
    killed(dead);
    let mut other = Client::new(world);
    other.ask("dispatch_status", json!({"job_id": job["id"]}));
    let theirs = adopter(world, dead);
    client.signal(Signal::CONT);
    (theirs, other)
}

#[test]
fn a_run_that_another_server_took_over_is_followed() {
    for (tool, arguments) in surfaces() {
        let world = world();
        let mut client = Client::new(&world);
        let id = client.call_with_progress(tool, arguments);
        let (theirs, other) = taken_by_another(&world, &client);
        may(&world, "go");
        hears(&mut client, "after");
        // What it follows dies, too: it is the only one left.
        killed(theirs);
        adopter(&world, theirs);
        may(&world, "more");
        assert_answered(&world, &client.said(id));
        client.bye();
        other.bye();
        no_record_is_left(&world);
    }
}

#[test]
fn a_run_that_another_server_took_over_ends_when_its_caller_leaves() {
    let world = world();
    let mut client = Client::new(&world);
    let id = client.call_with_progress("dispatch", json!({"agent": "echo", "task": "t"}));
    let (_, other) = taken_by_another(&world, &client);
    may(&world, "go");
    hears(&mut client, "after");
    client.cancel(id);
    until("claude's end", || world.workers().is_empty().then_some(()));
    world.record_when("the end", |record| record["status"] == "cancelled" && record["phase"].is_null());
    client.bye();
    other.bye();
}

/// The server finds both at once, and may come to the leaving first.
#[test]
fn a_run_ends_whose_supervisor_dies_in_the_moment_in_which_its_caller_leaves() {
    let world = world();
    let mut client = Client::new(&world);
    let id = client.call_with_progress("dispatch", json!({"agent": "echo", "task": "t"}));
    ready(&world);
    signal(client.pid(), Signal::STOP);
    killed(supervisor(&world));
    client.cancel(id);
    signal(client.pid(), Signal::CONT);
    until("claude's end", || world.workers().is_empty().then_some(()));
    client.bye();
    let mut other = Client::new(&world);
    // Where a supervisor was just being started, that one ends the run, and writes the record after it.
    until("the end of the job", || {
        let left = other.ask("dispatch_jobs", json!({}));
        (left[0]["status"] == "cancelled").then_some(())
    });
    other.bye();
}

#[test]
fn a_run_that_had_not_begun_begins_all_the_same() {
    let mut world = world();
    world.agent("first", "touch ready\nwait-file go\nresult first");
    world.settings("max_concurrency: 1");
    let mut client = Client::new(&world);
    let first = client.call("dispatch", json!({"agent": "first", "task": "t"}));
    until("the first run", || world.path("first").join("ready").exists().then_some(()));
    let [busy] = world.supervisors()[..] else { panic!("one supervisor") };
    let second = client.call_with_progress("dispatch", json!({"agent": "echo", "task": "t"}));
    hears(&mut client, "place 1");
    let waiting = until("the one that waits", || world.supervisors().into_iter().find(|pid| *pid != busy));
    killed(waiting);
    until("another one", || world.supervisors().into_iter().find(|pid| ![busy, waiting].contains(pid)));
    fs::write(world.path("first").join("go"), "").unwrap();
    assert_eq!(client.said(first)["result"], "first");
    may(&world, "go");
    may(&world, "more");
    assert_answered(&world, &client.said(second));
    client.bye();
    no_record_is_left(&world);
}

/// A server that cannot make any further leash, so no supervisor of its own either. What it does once after its start is
/// over: a look at all jobs gives those without a supervisor one.
fn without_handles(world: &mut World) -> Client {
    world.env("AGENT_DISPATCH_FAILPOINTS", format!("leash@2+=error:{}", world.path("").display()));
    world.settings("job_retention_days: 1");
    let id = "0".repeat(32);
    let old = world.jobs().join(format!("{id}.json"));
    fs::create_dir_all(world.jobs()).unwrap();
    fs::write(&old, json!({"id": id, "agent": "echo", "task": "t", "status": "done", "created_at": 1.0}).to_string())
        .unwrap();
    let client = Client::new(world);
    until("an old record to go", || (!old.exists()).then_some(()));
    client
}

#[test]
fn a_run_that_nobody_can_supervise_is_left_to_whoever_comes_next() {
    let mut world = world();
    let mut client = without_handles(&mut world);
    let id = client.call_with_progress("dispatch", json!({"agent": "echo", "task": "t"}));
    ready(&world);
    killed(supervisor(&world));
    let said = client.said(id);
    assert_eq!(said["error_type"], "cli_error", "{said}");
    let error = said["error"].as_str().unwrap();
    let job = world.records()[0]["id"].as_str().unwrap().to_owned();
    assert!(error.contains(&format!("dispatch_wait(job_id=\"{job}\")")), "{error}");
    may(&world, "go");
    may(&world, "more");
    world.env("AGENT_DISPATCH_FAILPOINTS", "");
    let mut other = Client::new(&world);
    let record = other.ask("dispatch_wait", json!({"job_id": job, "timeout_seconds": 50}));
    assert!(record["result"]["result"].as_str().unwrap().starts_with("the answer"), "{record}");
    assert_eq!(world.dumps("echo", "calls").len(), 1, "claude was started once");
    client.bye();
    other.bye();
}

#[test]
fn a_run_that_nobody_supervises_ends_when_its_caller_leaves() {
    let mut world = world();
    let mut client = without_handles(&mut world);
    let id = client.call_with_progress("dispatch", json!({"agent": "echo", "task": "t"}));
    ready(&world);
    killed(supervisor(&world));
    until("a try in vain", || world.path("leash.3").exists().then_some(()));
    client.cancel(id);
    until("the end of claude", || world.workers().is_empty().then_some(()));
    client.bye();
    world.env("AGENT_DISPATCH_FAILPOINTS", "");
    let mut other = Client::new(&world);
    let job = world.records()[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(other.ask("dispatch_status", json!({"job_id": job}))["status"], "cancelled");
    other.bye();
}
