//! Cancelling a job: from anywhere, twice, in every state, and nothing is left.

use std::time::{Duration, Instant};

use agent_dispatch::machines::ids::SessionRef;
use agent_dispatch::shell::session_lock::SessionLock;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::{TREE, WAITS, ended, go, keys, planted, ready, status, supervisor, works};
use crate::support::client::Client;
use crate::support::processes::{alive, signal};
use crate::support::world::World;
use crate::support::{SOON, note, until, within};

fn cancel(client: &mut Client, id: &str) -> Value {
    client.ask("dispatch_cancel", json!({"job_id": id}))
}

/// Cancels a job and waits until the processes are gone; how long that took.
fn cancelled(client: &mut Client, id: &str, tree: &[i32]) -> Duration {
    assert!(tree.len() >= 3 && tree.iter().all(|pid| alive(*pid)), "{tree:?}");
    let start = Instant::now();
    let call = client.call("dispatch_cancel", json!({"job_id": id}));
    within(SOON, "the tree to be gone", || tree.iter().all(|pid| !alive(*pid)).then_some(()));
    let took = start.elapsed();
    let said = client.said(call);
    assert_eq!((&said["outcome"], &said["status"]), (&json!("cancelled_running"), &json!("cancelled")));
    assert!(said["message"].is_string(), "{said}");
    took
}

#[test]
fn another_server_ends_a_running_job_with_its_whole_tree() {
    for scene in [TREE.to_owned(), format!("ignore-term\n{TREE}")] {
        let world = World::with(&scene);
        let mut client = Client::new(&world);
        let id = works(&world, &mut client);
        let mut other = Client::new(&world);
        let took = cancelled(&mut other, &id, &world.workers());
        note(&format!("cancelled from another server: gone after {took:?}"));
        let again = cancel(&mut client, &id);
        assert_eq!((&again["outcome"], &again["status"]), (&json!("already_terminal"), &json!("cancelled")));
        assert_eq!(keys(&again), ["job_id", "outcome", "status"]);
        let record = ended(&mut client, &id);
        let error = record["error"].as_str().unwrap();
        let session = record["session_id"].as_str().unwrap();
        assert!(error.contains("dispatch_session(") && error.contains(session), "{error}");
        until("its supervisor to leave", || world.supervisors().is_empty().then_some(()));
        go(&world);
        assert_eq!(status(&mut client, &id), record, "a terminal job never changes");
        client.bye();
        other.bye();
    }
}

#[test]
fn a_pending_job_is_cancelled_before_it_costs_anything() {
    let world = World::with(WAITS);
    let session = SessionRef::from_uuid_bytes([5; 16]);
    let busy = SessionLock::try_acquire(&world.jobs(), &session).unwrap().unwrap();
    let (id, lock) = planted(&world, 5);
    drop(lock);
    let mut client = Client::new(&world);
    // The look gives it a supervisor, which waits for the session.
    assert_eq!(status(&mut client, &id)["status"], "pending");
    until("the supervisor", || (world.supervisors().len() == 1).then_some(()));
    let mut other = Client::new(&world);
    let start = Instant::now();
    assert_eq!(cancel(&mut other, &id), json!({"job_id": id, "outcome": "cancelled", "status": "cancelled"}));
    within(SOON, "the supervisor to leave", || world.supervisors().is_empty().then_some(()));
    note(&format!("a pending job and its supervisor were gone after {:?}", start.elapsed()));
    assert_eq!(cancel(&mut client, &id)["outcome"], "already_terminal");
    drop(busy);
    assert_eq!(status(&mut client, &id)["status"], "cancelled");
    assert!(world.dumps("echo", "calls").is_empty(), "nothing ran");
    client.bye();
    other.bye();
}

#[test]
fn a_pending_job_without_a_supervisor_is_cancelled() {
    let world = World::with(WAITS);
    let (id, lock) = planted(&world, 6);
    drop(lock);
    let mut client = Client::new(&world);
    assert_eq!(cancel(&mut client, &id)["outcome"], "cancelled");
    assert_eq!(status(&mut client, &id)["status"], "cancelled");
    assert!(world.supervisors().is_empty() && world.dumps("echo", "calls").is_empty());
    client.bye();
}

#[test]
fn a_run_without_a_supervisor_is_cancelled() {
    let world = World::with(&format!("ignore-term\n{TREE}"));
    let mut client = Client::new(&world);
    let id = works(&world, &mut client);
    let tree = world.workers();
    signal(supervisor(&world), Signal::KILL);
    note(&format!("cancelled without a supervisor: gone after {:?}", cancelled(&mut client, &id, &tree)));
    assert_eq!(status(&mut client, &id)["status"], "cancelled");
    client.bye();
}

#[test]
fn an_adopted_run_is_cancelled() {
    for scene in [TREE.to_owned(), format!("ignore-term\n{TREE}")] {
        let world = World::with(&scene);
        let mut client = Client::new(&world);
        let id = works(&world, &mut client);
        let first = supervisor(&world);
        signal(first, Signal::KILL);
        until("the death", || (!alive(first)).then_some(()));
        assert_eq!(status(&mut client, &id)["status"], "running");
        until("the adopter", || (world.supervisors().len() == 1).then_some(()));
        let tree = world.workers();
        note(&format!("an adopted run was cancelled: gone after {:?}", cancelled(&mut client, &id, &tree)));
        until("its supervisor to leave", || world.supervisors().is_empty().then_some(()));
        client.bye();
    }
}

#[test]
fn a_stopped_supervisor_does_not_save_its_run_from_cancellation() {
    let world = World::with(TREE);
    let mut client = Client::new(&world);
    let id = works(&world, &mut client);
    let tree = world.workers();
    let stopped = supervisor(&world);
    signal(stopped, Signal::STOP);
    let said = cancel(&mut client, &id);
    assert_eq!(said["outcome"], "cancelled_running");
    // A signal is on its way for a moment.
    within(SOON, "the tree to be gone", || tree.iter().all(|pid| !alive(*pid)).then_some(()));
    signal(stopped, Signal::CONT);
    until("its supervisor to leave", || world.supervisors().is_empty().then_some(()));
    assert_eq!(status(&mut client, &id)["status"], "cancelled");
    client.bye();
}

#[test]
fn a_finished_job_stays_finished() {
    let world = World::with(WAITS);
    let mut client = Client::new(&world);
    let id = works(&world, &mut client);
    go(&world);
    let record = ended(&mut client, &id);
    let said = cancel(&mut client, &id);
    assert_eq!(said, json!({"job_id": id, "outcome": "already_terminal", "status": "done"}));
    assert_eq!(status(&mut client, &id), record);
    client.bye();
}

#[test]
fn cancelling_while_a_job_begins_leaves_nothing() {
    for pause in 0..12 {
        let world = World::with(&format!("no-init\n{TREE}"));
        let mut client = Client::new(&world);
        let id = super::submit(&mut client, "echo");
        // The moments between submission, claim and start are a few milliseconds.
        std::thread::sleep(Duration::from_millis(pause));
        let said = cancel(&mut client, &id);
        assert!(["cancelled", "cancelled_running"].contains(&said["outcome"].as_str().unwrap()), "{said}");
        within(SOON, "everything to be gone", || {
            (world.supervisors().is_empty() && world.workers().is_empty()).then_some(())
        });
        assert_eq!(status(&mut client, &id)["status"], "cancelled");
        client.bye();
    }
}

/// What is started between a look at the processes and the signal to them is in a session of its own, and its parent is gone:
/// at once, because `no-init` has the signal end it, as in the first moments of the CLI.
#[test]
fn a_run_that_goes_on_starting_processes_is_ended_with_all_of_them() {
    for _ in 0..4 {
        let world =
            World::with(&format!("no-init\ntouch ready\n{}silence", "spawn-setsid pid=out ignore-term\n".repeat(200)));
        let mut client = Client::new(&world);
        let id = works(&world, &mut client);
        assert_eq!(cancel(&mut client, &id)["outcome"], "cancelled_running");
        within(SOON, "everything to be gone", || {
            (world.supervisors().is_empty() && world.workers().is_empty()).then_some(())
        });
        client.bye();
    }
}

/// Some `ps` show an age that cannot be of what was started while they looked.
#[cfg(feature = "portable")]
#[test]
fn processes_with_an_age_that_cannot_be_are_ended_too() {
    let mut world = World::with(TREE);
    let bin = world.path("tools");
    std::fs::create_dir(&bin).unwrap();
    let ps = bin.join("ps");
    let age = r"s/ ([0-9]+-)?([0-9]+:)?[0-9]+:[0-9]+ / 441077234-00:18:40 /";
    std::fs::write(&ps, format!("#!/bin/sh\nPATH=/usr/bin:/bin ps \"$@\" | sed -E '{age}'\n")).unwrap();
    std::fs::set_permissions(&ps, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    world.env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
    let mut client = Client::new(&world);
    let id = works(&world, &mut client);
    let took = cancelled(&mut client, &id, &world.workers());
    note(&format!("cancelled where no age can be: gone after {took:?}"));
    client.bye();
}

#[test]
fn two_who_cancel_at_once_agree() {
    let world = World::with(TREE);
    let mut client = Client::new(&world);
    let id = works(&world, &mut client);
    let mut others: Vec<Client> = (0..3).map(|_| Client::new(&world)).collect();
    let calls: Vec<u64> = others.iter_mut().map(|other| other.call("dispatch_cancel", json!({"job_id": id}))).collect();
    let mut outcomes: Vec<String> = others
        .iter_mut()
        .zip(calls)
        .map(|(other, call)| other.said(call)["outcome"].as_str().unwrap().to_owned())
        .collect();
    outcomes.sort();
    assert_eq!(outcomes, ["already_terminal", "already_terminal", "cancelled_running"]);
    ready(&world);
    client.bye();
    others.into_iter().for_each(Client::bye);
}

/// What an agent did is shown to its last moment, whether its supervisor lives to tell or not.
#[test]
fn a_cancelled_job_shows_what_it_did_last() {
    for dies in [false, true] {
        let world = World::with("say first\ntouch ready\nwait-file go\nsay second\ntouch said\nsilence");
        let mut client = Client::new(&world);
        let id = works(&world, &mut client);
        until("the first words", || {
            let shown = status(&mut client, &id)["progress"].to_string();
            shown.contains("first").then_some(())
        });
        if dies {
            signal(supervisor(&world), Signal::STOP);
        }
        go(&world);
        until("the second words", || world.path("echo").join("said").exists().then_some(()));
        if dies {
            signal(supervisor(&world), Signal::KILL);
            until("its death", || world.supervisors().is_empty().then_some(()));
        }
        assert_eq!(client.ask("dispatch_cancel", json!({"job_id": id}))["outcome"], "cancelled_running");
        let record = status(&mut client, &id);
        assert_eq!(record["status"], "cancelled", "{record}");
        let shown = record["progress"].as_array().unwrap_or_else(|| panic!("{record}"));
        assert_eq!(shown.last(), Some(&json!("second")), "{record}");
        client.bye();
    }
}
