//! Whoever dies: no answer is lost, nothing runs twice, nobody waits for the dead.

use std::fs;
use std::time::Instant;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{TREE, WAITS, ended, go, planted, ready, status, submit, supervisor, worker, works};
use crate::support::client::Client;
use crate::support::processes::{alive, parent, pid_in, signal};
use crate::support::world::World;
use crate::support::{SOON, note, until, within};

fn killed(pid: i32) {
    signal(pid, Signal::KILL);
    until("a death", || (!alive(pid)).then_some(()));
}

fn answered(world: &World) {
    until("the answer on disk", || world.path("echo").join("answered").exists().then_some(()));
}

/// A failure that says how to go on with its session.
fn assert_resumable(record: &Value) {
    assert_eq!(record["status"], "failed", "{record}");
    let error = record["error"].as_str().unwrap_or_else(|| panic!("{record}"));
    let session = record["session_id"].as_str().unwrap();
    assert!(error.contains("dispatch_session(") && error.contains(session), "{error}");
}

/// A text with all that may go wrong between a file and an answer.
fn awkward() -> String {
    "\u{e9}\u{1F600} \u{2028} {\"a\": \\n} ".repeat(5_000) + "end"
}

#[test]
fn a_run_is_adopted_and_its_answer_is_the_same_byte_for_byte() {
    let text = awkward();
    let scene = format!(
        "dump calls\ntouch ready\nsay working\nwait-file go\nresult {}",
        text.replace('\\', "\\\\").replace('{', "\\u{7B}")
    );
    let world = World::with(&scene);
    let mut client = Client::new(&world);
    let id = works(&world, &mut client);
    let worker = worker(&world);
    killed(supervisor(&world));
    let start = Instant::now();
    assert_eq!(status(&mut client, &id)["status"], "running");
    let second = until("the adopter", || world.supervisors().first().copied());
    note(&format!("adopted after {:?}", start.elapsed()));
    // And once more: an adopter is as mortal.
    killed(second);
    let mut other = Client::new(&world);
    assert_eq!(status(&mut other, &id)["status"], "running");
    assert!(alive(worker), "its claude works on");
    go(&world);
    let record = ended(&mut other, &id);
    assert_eq!((&record["status"], &record["result"]["success"]), (&json!("done"), &json!(true)));
    assert_eq!(record["result"]["result"].as_str().unwrap().trim_end(), text);
    assert_eq!(world.dumps("echo", "calls").len(), 1, "one run");
    client.bye();
    other.bye();
}

#[test]
fn an_answer_that_no_supervisor_saw_is_read_from_the_file() {
    let world = World::with("dump calls\ntouch ready\nwait-file go\nresult the answer\ntouch answered");
    let mut client = Client::new(&world);
    let id = works(&world, &mut client);
    let dead = supervisor(&world);
    let worker = worker(&world);
    signal(dead, Signal::STOP);
    go(&world);
    answered(&world);
    until("claude's end", || (!alive(worker)).then_some(()));
    killed(dead);
    let start = Instant::now();
    let record = ended(&mut client, &id);
    note(&format!("an unseen end was told after {:?}", start.elapsed()));
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    assert_eq!((&record["status"], &record["result"]["result"]), (&json!("done"), &json!("the answer")));
    assert_eq!(world.dumps("echo", "calls").len(), 1);
    client.bye();
}

#[test]
fn a_claude_that_is_killed_is_a_failure_with_a_way_on() {
    let world = World::with(TREE);
    let mut client = Client::new(&world);
    let id = works(&world, &mut client);
    killed(worker(&world));
    let record = ended(&mut client, &id);
    assert_resumable(&record);
    assert!(record["error"].as_str().unwrap().contains("signal 9"), "{record}");
    assert_eq!(record["result"]["error_type"], "cli_error");
    world.leftovers_of_the_dead_are_gone();
    client.bye();
}

#[test]
fn supervisor_and_claude_killed_is_a_failure_with_a_way_on() {
    for together in [true, false] {
        let world = World::with(TREE);
        let mut client = Client::new(&world);
        let id = works(&world, &mut client);
        let (supervisor, worker) = (supervisor(&world), worker(&world));
        signal(supervisor, Signal::STOP);
        killed(worker);
        killed(supervisor);
        if together {
            world.workers().into_iter().for_each(killed);
        }
        let start = Instant::now();
        let seen = status(&mut client, &id);
        assert!(["running", "failed"].contains(&seen["status"].as_str().unwrap()), "{seen}");
        // What the dead claude left holds none of its files.
        let record = ended(&mut client, &id);
        note(&format!("both dead: told after {:?}", start.elapsed()));
        assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
        assert_resumable(&record);
        world.leftovers_of_the_dead_are_gone();
        client.bye();
    }
}

#[test]
fn server_supervisor_and_claude_killed_is_learnt_from_a_new_server_and_from_a_list() {
    let world = World::with(WAITS);
    let mut client = Client::new(&world);
    let id = works(&world, &mut client);
    client.signal(Signal::KILL);
    let (supervisor, worker) = (supervisor(&world), worker(&world));
    killed(supervisor);
    killed(worker);
    client.ended();
    let mut client = Client::new(&world);
    let learnt = within(SOON, "the list to tell", || {
        let listed = client.ask("dispatch_jobs", json!({}));
        (listed[0]["status"] == "failed").then(|| listed[0].clone())
    });
    assert_eq!(
        (&learnt["id"], &learnt["success"], &learnt["error_type"]),
        (&json!(id), &json!(false), &json!("cli_error"))
    );
    assert_resumable(&status(&mut client, &id));
    client.bye();
}

#[test]
fn a_job_whose_supervisor_never_began_runs() {
    let world = World::with(WAITS);
    let (id, lock) = planted(&world, 1);
    let mut client = Client::new(&world);
    assert_eq!(status(&mut client, &id)["status"], "pending");
    assert!(world.supervisors().is_empty(), "its lock is held: somebody has it");
    drop(lock);
    assert_eq!(status(&mut client, &id)["status"], "pending");
    ready(&world);
    go(&world);
    assert_eq!(ended(&mut client, &id)["result"]["result"], "the answer");
    assert_eq!(world.dumps("echo", "calls").len(), 1);
    client.bye();
}

/// The supervisors, without what one of them has forked and what is not claude yet: that still bears its name.
fn started_by_servers(world: &World) -> Vec<i32> {
    let supervisors = world.supervisors();
    let (forked, own): (Vec<i32>, Vec<i32>) =
        supervisors.iter().partition(|pid| parent(**pid).is_some_and(|parent| supervisors.contains(&parent)));
    if !forked.is_empty() {
        note(&format!("{forked:?} is a fork of {own:?}"));
    }
    own
}

#[test]
fn many_recoverers_at_once_start_one_supervisor() {
    for running in [false, true] {
        let world = World::with(WAITS);
        let mut clients: Vec<Client> = (0..4).map(|_| Client::new(&world)).collect();
        let id = if running {
            let id = works(&world, &mut clients[0]);
            killed(supervisor(&world));
            id
        } else {
            planted(&world, 2).0
        };
        let mut calls: Vec<(usize, u64)> = Vec::new();
        for _ in 0..10 {
            for (number, client) in clients.iter_mut().enumerate() {
                calls.push((number, client.call("dispatch_status", json!({"job_id": id}))));
                calls.push((number, client.call("dispatch_jobs", json!({}))));
            }
        }
        for _ in 0..20 {
            let supervisors = started_by_servers(&world);
            assert!(supervisors.len() <= 1, "{supervisors:?}");
        }
        for (number, call) in calls {
            clients[number].said(call);
        }
        ready(&world);
        assert_eq!(world.supervisors().len(), 1);
        assert_eq!(world.workers().len(), 1);
        go(&world);
        for client in &mut clients {
            assert_eq!(ended(client, &id)["result"]["result"], "the answer");
        }
        assert_eq!(world.dumps("echo", "calls").len(), 1, "never two workers");
        clients.into_iter().for_each(Client::bye);
    }
}

#[test]
fn a_run_that_is_adopted_too_late_is_ended_as_timed_out() {
    for scene in [TREE.to_owned(), format!("ignore-term\n{TREE}")] {
        let mut world = World::new();
        world.agent_with("echo", &scene, "timeout: 5");
        let mut client = Client::new(&world);
        let id = works(&world, &mut client);
        // A server looks for lost jobs soon after its start: nobody may look before the deadline.
        client.signal(Signal::KILL);
        client.ended();
        killed(supervisor(&world));
        let record: Value = serde_json::from_slice(&fs::read(super::record_path(&world, &id)).unwrap()).unwrap();
        let deadline = record["deadline_at"].as_f64().unwrap();
        until("the deadline to pass", || {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
            (now > deadline).then_some(())
        });
        let tree = world.workers();
        assert!(tree.len() >= 3, "nobody looked, so it works on: {tree:?}");
        let mut client = Client::new(&world);
        let start = Instant::now();
        let record = ended(&mut client, &id);
        note(&format!("adopted after its time: ended after {:?}", start.elapsed()));
        assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
        assert_resumable(&record);
        assert_eq!(record["result"]["error_type"], "timeout", "{record}");
        assert!(tree.iter().all(|pid| !alive(*pid)), "{tree:?}");
        client.bye();
    }
}

#[test]
fn an_adopted_run_keeps_its_deadline() {
    let mut world = World::new();
    world.agent_with("echo", TREE, "timeout: 3");
    let mut client = Client::new(&world);
    let id = works(&world, &mut client);
    killed(supervisor(&world));
    let record = ended(&mut client, &id);
    let (deadline, end) = (record["deadline_at"].as_f64().unwrap(), record["completed_at"].as_f64().unwrap());
    assert_eq!(record["result"]["error_type"], "timeout", "{record}");
    assert!(end > deadline - 0.2 && end < deadline + 4.0, "{end} {deadline}");
    client.bye();
}

#[test]
fn a_leftover_that_holds_the_fence_does_not_hold_up_a_complete_answer() {
    let world = World::with(
        "dump calls\nspawn-holding-stderr pid=left setsid\ntouch ready\nwait-file go\nresult the answer\ntouch answered",
    );
    let mut client = Client::new(&world);
    let id = works(&world, &mut client);
    let (dead, claude) = (supervisor(&world), worker(&world));
    signal(dead, Signal::STOP);
    go(&world);
    answered(&world);
    until("claude's end", || (!alive(claude)).then_some(()));
    killed(dead);
    let left = pid_in(&world.path("echo").join("left"));
    assert!(alive(left));
    let start = Instant::now();
    let record = ended(&mut client, &id);
    note(&format!("a leftover held the fence: told after {:?}", start.elapsed()));
    assert_eq!((&record["status"], &record["result"]["result"]), (&json!("done"), &json!("the answer")));
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    signal(left, Signal::KILL);
    client.bye();
}

#[test]
fn results_survive_the_death_of_the_server_in_the_middle_of_many() {
    let mut world = World::new();
    for number in 0..3 {
        world.agent(&format!("a{number}"), &format!("sleep 200\nresult answer {number}"));
    }
    let mut client = Client::new(&world);
    let ids: Vec<String> = (0..3).map(|number| submit(&mut client, &format!("a{number}"))).collect();
    client.signal(Signal::KILL);
    client.ended();
    let mut client = Client::new(&world);
    for (number, id) in ids.iter().enumerate() {
        assert_eq!(ended(&mut client, id)["result"]["result"], format!("answer {number}"));
    }
    client.bye();
}
