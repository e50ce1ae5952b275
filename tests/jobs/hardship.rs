//! Disks that fill up or close, and clocks that are set, under jobs that nobody holds by the hand.

use std::fs;
use std::path::Path;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{WAITS, ended, go, status, submit, supervisor, works};
use crate::support::client::Client;
use crate::support::disk::Disk;
use crate::support::processes::{alive, signal};
use crate::support::world::World;
use crate::support::{SOON, note, until, within};

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Only root may mount.
fn skipped() {
    assert!(!rustix::process::geteuid().is_root(), "root without the right to mount: the test cannot be run here");
    note("SKIPPED: it needs the right to mount");
}

fn answered(world: &World) {
    until("the answer on disk", || world.path("echo").join("answered").exists().then_some(()));
}

fn in_time(record: &Value) {
    assert_eq!((&record["status"], &record["result"]["result"]), (&json!("done"), &json!("the answer")), "{record}");
}

#[test]
fn a_disk_that_is_full_at_the_end_of_a_job_holds_its_answer_up_and_no_more() {
    let mut world = World::with(&format!("{WAITS}\ntouch answered"));
    let path = world.path("filling");
    let Some(disk) = Disk::new(&path, "size=256k") else { return skipped() };
    world.env("AGENT_DISPATCH_JOBS_DIR", &path);
    let mut client = Client::new(&world);
    let id = works(&world, &mut client);
    let waiting = client.call("dispatch_wait", json!({"job_id": id}));
    client.ask("cache_stats", json!({}));
    // Claude's own output has still room: what it cannot write, nobody can have.
    let room = path.join("room");
    fs::write(&room, vec![0; 16_384]).unwrap();
    drop(fs::write(path.join("filler"), vec![0; 262_144]));
    fs::remove_file(room).unwrap();
    go(&world);
    answered(&world);
    drop(fs::write(path.join("more"), vec![0; 16_384]));
    // Other tools say what they can meanwhile.
    assert!(["running", "done"].contains(&status(&mut client, &id)["status"].as_str().unwrap()));
    fs::remove_file(path.join("filler")).unwrap();
    in_time(&client.said(waiting));
    assert_eq!(client.ask("fetch_result", json!({"ref": id}))["result"], "the answer");
    client.bye();
    until("the supervisor to leave", || world.supervisors().is_empty().then_some(()));
    drop(disk);
}

#[test]
fn a_directory_that_is_read_only_at_the_end_of_a_job_holds_its_answer_up_and_no_more() {
    let world = World::with(&format!("{WAITS}\ntouch answered"));
    let jobs = world.jobs();
    let mut client = Client::new(&world);
    let id = works(&world, &mut client);
    let waiting = client.call("dispatch_wait", json!({"job_id": id}));
    client.ask("cache_stats", json!({}));
    let Some(closed) = Disk::read_only(&jobs) else { return skipped() };
    go(&world);
    answered(&world);
    until("claude's end", || world.workers().is_empty().then_some(()));
    assert_eq!(status(&mut client, &id)["status"], "running", "it cannot be written");
    let said = client.ask("dispatch_async", json!({"agent": "echo", "task": "t"}));
    assert!(said["error"].as_str().is_some_and(|error| error.contains("jobs")), "{said}");
    drop(closed);
    in_time(&client.said(waiting));
    client.bye();
}

#[test]
fn a_directory_that_is_read_only_costs_a_waiting_caller_nothing() {
    let world = World::with(WAITS);
    let jobs = world.jobs();
    let mut client = Client::new(&world);
    let call = client.call("dispatch", json!({"agent": "echo", "task": "t"}));
    super::ready(&world);
    let Some(closed) = Disk::read_only(&jobs) else { return skipped() };
    go(&world);
    assert_eq!(client.said(call)["result"], "the answer");
    until("the supervisor to leave", || world.supervisors().is_empty().then_some(()));
    drop(closed);
    // What could not be removed meanwhile goes with the next removal.
    client.ask("dispatch_gc", json!({}));
    client.bye();
}

fn set_clock(file: &Path, seconds: i64) {
    let temporary = file.with_extension("new");
    fs::write(&temporary, seconds.to_string()).unwrap();
    fs::rename(temporary, file).unwrap();
}

#[test]
fn a_clock_that_is_set_by_a_day_ends_no_run_and_hides_no_answer() {
    for days in [[1, 0], [-1, 0], [1, -1], [-1, 1]] {
        let mut world = World::with(WAITS);
        let clock = world.path("clock");
        world.env("AGENT_DISPATCH_CLOCK", &clock);
        world.settings("job_retention_days: 3");
        let mut client = Client::new(&world);
        let id = works(&world, &mut client);
        set_clock(&clock, days[0] * DAY);
        let mut other = Client::new(&world);
        assert_eq!(status(&mut other, &id)["status"], "running");
        let next = submit(&mut other, "echo");
        set_clock(&clock, days[1] * DAY);
        assert_eq!(
            other.ask("dispatch_wait", json!({"job_id": next, "timeout_seconds": 1}))["timed_out_waiting"],
            true
        );
        go(&world);
        for id in [&id, &next] {
            in_time(&ended(&mut client, id));
        }
        // The list is in the order of the clock that was; everybody is in it.
        assert_eq!(other.ask("dispatch_jobs", json!({})).as_array().map(Vec::len), Some(2));
        client.bye();
        other.bye();
    }
}

#[test]
fn a_clock_that_is_set_between_a_death_and_its_adoption_loses_no_answer() {
    for (days, over) in [(-1, false), (-1, true), (1, true)] {
        let mut world = World::with(&format!("{WAITS}\ntouch answered"));
        let clock = world.path("clock");
        world.env("AGENT_DISPATCH_CLOCK", &clock);
        let mut client = Client::new(&world);
        let id = works(&world, &mut client);
        client.signal(Signal::KILL);
        client.ended();
        let dead = supervisor(&world);
        signal(dead, Signal::STOP);
        if over {
            go(&world);
            answered(&world);
            until("claude's end", || world.workers().is_empty().then_some(()));
        }
        signal(dead, Signal::KILL);
        until("the death", || (!alive(dead)).then_some(()));
        set_clock(&clock, days * DAY);
        let mut client = Client::new(&world);
        if !over {
            assert_eq!(status(&mut client, &id)["status"], "running");
            go(&world);
        }
        in_time(&ended(&mut client, &id));
        client.bye();
    }
}

/// Whoever adopts a run cannot tell a clock that was set from time that has passed: the run is ended, and can be resumed.
#[test]
fn a_run_that_is_adopted_a_day_later_by_the_clock_can_be_resumed() {
    let mut world = World::with(WAITS);
    let clock = world.path("clock");
    world.env("AGENT_DISPATCH_CLOCK", &clock);
    let mut client = Client::new(&world);
    let id = works(&world, &mut client);
    client.signal(Signal::KILL);
    client.ended();
    signal(supervisor(&world), Signal::KILL);
    set_clock(&clock, DAY);
    let mut client = Client::new(&world);
    let record = ended(&mut client, &id);
    assert_eq!((&record["status"], &record["result"]["error_type"]), (&json!("failed"), &json!("timeout")), "{record}");
    assert!(record["error"].as_str().unwrap().contains("dispatch_session("), "{record}");
    within(SOON, "its processes to be gone", || world.workers().is_empty().then_some(()));
    client.bye();
}
