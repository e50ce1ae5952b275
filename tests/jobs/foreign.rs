//! One directory, two implementations: records of the older one, which have no folder and no lock, and its view of ours.
//!
//! Where it is installed the real one is asked as well (see `support::python`).

use std::fs::{self, File};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use super::{WAITS, ended, go, numbered, record_path, status, submit, works, works_alone, write_old};
use crate::support::client::Client;
use crate::support::python::{self, python_tests};
use crate::support::world::World;
use crate::support::{note, until};

const HOUR: f64 = 3_600.0;

fn now() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64()
}

fn touched(path: &std::path::Path, seconds_ago: f64) {
    let then = SystemTime::now() - Duration::from_secs_f64(seconds_ago);
    File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
}

/// A running job whose record nobody writes for the next minutes: its progress is written.
fn quiet(world: &World, client: &mut Client) -> String {
    let id = works(world, client);
    until("progress", || status(client, &id)["progress"].is_array().then_some(()));
    id
}

#[test]
fn old_records_are_read_listed_fetched_waited_for_and_removed() {
    let world = World::with(WAITS);
    let result = json!({"agent": "echo", "success": true, "result": "old answer", "session_id": "s", "cost_usd": 0.25,
        "outcome": "done", "duration_ms": 12, "num_turns": 2});
    let change = json!({"started_at": 1001.0, "completed_at": 1002.0, "result": result, "context": "c",
        "progress": ["a", "b"], "progress_updated_at": 1001.5, "a_later_key": {"kept": true}});
    let path = write_old(&world, &numbered(1), change);
    let before = fs::read(&path).unwrap();
    let mut client = Client::new(&world);
    let record = status(&mut client, &numbered(1));
    assert_eq!(record, serde_json::from_slice::<Value>(&before).unwrap());
    assert_eq!(ended(&mut client, &numbered(1)), record);
    assert_eq!(client.ask("fetch_result", json!({"ref": numbered(1)})), result);
    let expected = json!([{"id": numbered(1), "agent": "echo", "status": "done", "task": "an old task",
        "created_at": 1000.5, "started_at": 1001.0, "completed_at": 1002.0, "success": true, "cost_usd": 0.25,
        "outcome": "done"}]);
    assert_eq!(client.ask("dispatch_jobs", json!({})), expected);
    assert_eq!(fs::read(&path).unwrap(), before, "reading changes nothing");
    assert_eq!(client.ask("dispatch_gc", json!({}))["purged"], 1);
    assert!(!path.exists());
    client.bye();
}

#[test]
fn the_end_of_an_old_job_is_noticed_by_those_who_wait() {
    let world = World::with(WAITS);
    let mut client = Client::new(&world);
    let mut soonest = Duration::MAX;
    for number in 2..7 {
        let id = numbered(number);
        write_old(&world, &id, json!({"status": "running", "created_at": now(), "started_at": now()}));
        assert_eq!(client.ask("dispatch_wait", json!({"job_id": id, "timeout_seconds": 1}))["timed_out_waiting"], true);
        let waiting = client.call("dispatch_wait", json!({"job_id": id}));
        client.ask("cache_stats", json!({}));
        let end = json!({"completed_at": now(), "result": {"agent": "echo", "success": true, "result": "r"}});
        write_old(&world, &id, end);
        let start = Instant::now();
        assert_eq!(client.said(waiting)["result"]["result"], "r");
        soonest = soonest.min(start.elapsed());
    }
    // The contract has 100 ms; looks of a second each would never be that soon, however busy the machine is.
    note(&format!("the end of a job of the older implementation was told after {soonest:?} at best"));
    assert!(soonest < Duration::from_millis(500), "{soonest:?}");
    client.bye();
}

#[test]
fn age_decides_for_old_records_and_for_them_only() {
    let world = World::with(WAITS);
    let running = |hours: f64| json!({"status": "running", "created_at": now() - hours * HOUR, "started_at": now() - hours * HOUR});
    let cases = [
        (1, running(1.5), 1.2 * HOUR, "failed"),
        (2, running(1.5), 0.5 * HOUR, "running"),
        (3, running(0.5), 0.0, "running"),
        (4, json!({"status": "pending", "created_at": now() - 25.0 * HOUR}), 25.0 * HOUR, "failed"),
        (5, json!({"status": "pending", "created_at": now() - 23.0 * HOUR}), 23.0 * HOUR, "pending"),
        (6, json!({"status": "pending", "created_at": now() + 23.0 * HOUR}), 0.0, "pending"),
    ];
    for (number, change, seconds, _) in &cases {
        touched(&write_old(&world, &numbered(*number), change.clone()), *seconds);
    }
    let mut client = Client::new(&world);
    for (number, _, _, expected) in &cases {
        let record = status(&mut client, &numbered(*number));
        assert_eq!(record["status"], *expected, "{number}: {record}");
        if *expected == "failed" {
            assert!(record["error"].as_str().is_some() && record["completed_at"].is_f64(), "{record}");
        }
    }
    let said = client.ask("dispatch_cancel", json!({"job_id": numbered(3)}));
    assert_eq!((&said["outcome"], &said["status"]), (&json!("running"), &json!("running")));
    assert!(said["message"].is_string(), "{said}");
    assert_eq!(client.ask("dispatch_cancel", json!({"job_id": numbered(5)}))["outcome"], "cancelled");
    assert_eq!(status(&mut client, &numbered(5))["status"], "cancelled");
    // One of ours that is as old lives as long as its supervisor does.
    let id = quiet(&world, &mut client);
    let path = record_path(&world, &id);
    let mut record: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    record["created_at"] = json!(now() - 100.0 * HOUR);
    record["started_at"] = json!(now() - 100.0 * HOUR);
    fs::write(&path, record.to_string()).unwrap();
    touched(&path, 50.0 * HOUR);
    assert_eq!(status(&mut client, &id)["status"], "running");
    go(&world);
    assert_eq!(ended(&mut client, &id)["status"], "done");
    client.bye();
}

#[test]
fn changes_of_old_records_wait_for_the_lock_of_the_older_implementation() {
    let world = World::with(WAITS);
    write_old(&world, &numbered(1), json!({"status": "pending", "created_at": now()}));
    let lock = File::create(world.jobs().join(".jobs.lock")).unwrap();
    lock.lock().unwrap();
    let mut client = Client::new(&world);
    let cancelling = client.call("dispatch_cancel", json!({"job_id": numbered(1)}));
    let early = client.wait_within(Duration::from_millis(300), |message| message["id"] == cancelling);
    assert!(early.is_none(), "{early:?}");
    drop(lock);
    assert_eq!(client.said(cancelling)["outcome"], "cancelled");
    client.bye();
}

/// Asks the older implementation.
fn older(world: &World, code: &str) -> Value {
    let preamble = "import json, sys\nfrom pathlib import Path\nfrom agent_dispatch.jobs import JobStore, Job\n\
                    from agent_dispatch.models import DispatchResult\nstore = JobStore(Path(sys.argv[1]))\n";
    let mut command = Command::new(python::interpreter());
    let output = command.args(["-c", &format!("{preamble}{code}")]).arg(world.jobs()).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

python_tests! {
    fn the_older_implementation_reads_lists_and_spares_our_jobs() {
        let mut world = World::with(WAITS);
        world.agent("quick", "result quick answer");
        world.agent("bad", "error credit");
        world.agent("dead", "signal KILL");
        let mut client = Client::new(&world);
        let ids: Vec<String> = ["quick", "bad", "dead"].iter().map(|agent| submit(&mut client, agent)).collect();
        for id in &ids {
            ended(&mut client, id);
        }
        let running = quiet(&world, &mut client);
        let cancelled = submit(&mut client, "echo");
        client.ask("dispatch_cancel", json!({"job_id": cancelled}));
        let by_reference = client.ask("dispatch", json!({"agent": "quick", "task": "t", "return_ref": true}));
        // As if it had run for two hours: only what its supervisor wrote a moment ago saves it.
        let path = record_path(&world, &running);
        let mut record: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        record["started_at"] = json!(now() - 2.0 * HOUR);
        fs::write(&path, record.to_string()).unwrap();
        let seen = older(
            &world,
            "print(json.dumps({'stale': store.recover_stale(), 'jobs': [j.summary() for j in store.list()],\n\
             'results': {j.id: j.result.result for j in store.list() if j.result}}))",
        );
        assert_eq!(seen["stale"], 0, "{seen}");
        let mut ours = client.ask("dispatch_jobs", json!({}));
        let mut theirs = seen["jobs"].clone();
        for jobs in [&mut ours, &mut theirs] {
            for job in jobs.as_array_mut().unwrap() {
                // It gives a cancelled job, which has no answer, the type of a failure.
                if job["status"] == "cancelled" {
                    job.as_object_mut().unwrap().remove("error_type");
                }
            }
        }
        assert_eq!(theirs, ours);
        assert_eq!(seen["results"][&ids[0]], "quick answer");
        assert_eq!(seen["results"][by_reference["ref"].as_str().unwrap()], "quick answer");
        go(&world);
        assert_eq!(ended(&mut client, &running)["status"], "done");
        // It collects them, and what is left of ours is in nobody's way.
        let gone = older(&world, "import time; time.sleep(0.01); print(json.dumps(store.gc(0)))");
        assert_eq!(gone, 6);
        assert_eq!(client.ask("dispatch_jobs", json!({})), json!([]));
        client.bye();
    }

    fn jobs_of_the_older_implementation_are_ours_to_read() {
        let world = World::with(WAITS);
        let code = "a = store.create('echo', 't\u{e9}', context='c', goal='g'); store.mark_running(a.id)\n\
                    store.update_progress(a.id, ['one', 'two'])\n\
                b = store.create_completed('echo', 't', DispatchResult(agent='echo', success=True, result='r\u{e9}', cost_usd=0.5))\n\
                    c = store.create_completed('echo', 't', DispatchResult(agent='echo', success=False, result='', error='e', error_type='timeout'))\n\
                    d = store.create('echo', 't'); store.cancel(d.id)\ne = store.create('echo', 't')\n\
                    print(json.dumps([j.id for j in (a, b, c, d, e)]))";
        let ids = older(&world, code);
        let mut client = Client::new(&world);
        let expected = ["running", "done", "failed", "cancelled", "pending"];
        for (id, expected) in ids.as_array().unwrap().iter().zip(expected) {
            assert_eq!(status(&mut client, id.as_str().unwrap())["status"], expected);
        }
        assert_eq!(client.ask("fetch_result", json!({"ref": ids[1]}))["result"], "r\u{e9}");
        let theirs =
            older(&world, "print(json.dumps([j.summary() for j in store.list() if j.status != 'cancelled']))");
        let mut ours = client.ask("dispatch_jobs", json!({}));
        ours.as_array_mut().unwrap().retain(|job| job["status"] != "cancelled");
        assert_eq!(ours, theirs);
        assert_eq!(client.ask("dispatch_cancel", json!({"job_id": ids[0]}))["outcome"], "running");
        assert_eq!(client.ask("dispatch_cancel", json!({"job_id": ids[4]}))["outcome"], "cancelled");
        let waiting = client.call("dispatch_wait", json!({"job_id": ids[0]}));
        let finish = format!(
            "print(json.dumps(store.finish({}, DispatchResult(agent='echo', success=True, result='end')) is not None))",
            ids[0]
        );
        assert_eq!(older(&world, &finish), json!(true));
        assert_eq!(client.said(waiting)["result"]["result"], "end");
        client.bye();
    }
}

#[test]
fn a_live_job_is_touched_though_its_agent_says_nothing() {
    // The older implementation calls a running job stale when its file was not written for an hour.
    let world = World::with(WAITS);
    let mut client = Client::new(&world);
    let id = works_alone(&world, &mut client);
    let path = record_path(&world, &id);
    touched(&path, 2.0 * HOUR);
    assert_eq!(status(&mut client, &id)["status"], "running");
    until("the adopter to touch the record", || {
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        (modified.elapsed().unwrap_or_default() < Duration::from_secs(600)).then_some(())
    });
    go(&world);
    ended(&mut client, &id);
    client.bye();
}
