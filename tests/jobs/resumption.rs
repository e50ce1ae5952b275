//! A run that is cut off goes on by itself in its session, as often as its caller allowed.

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{WAITS, ended, go, ready, record_path, status, supervisor, worker};
use crate::support::client::{Client, said};
use crate::support::processes::{alive, signal};
use crate::support::world::World;
use crate::support::{SOON, until, within};

/// Cut off in the middle of its work, and done when it is told to go on.
const TWO_PARTS: &str =
    "dump calls\non-call 1\nsay half\ntouch ready\nsilence\non-call *\ncost 0.5\ntouch again\nresult the whole\n";

fn submit(client: &mut Client, resume_attempts: Value) -> String {
    let arguments = json!({"agent": "echo", "task": "the task", "resume_attempts": resume_attempts});
    let said = client.ask("dispatch_async", arguments);
    said["job_id"].as_str().unwrap_or_else(|| panic!("{said}")).to_owned()
}

fn killed(pid: i32) {
    signal(pid, Signal::KILL);
    until("a death", || (!alive(pid)).then_some(()));
}

/// Supervisor and claude, together.
fn cut_off(world: &World) {
    let (supervisor, worker) = (supervisor(world), worker(world));
    signal(supervisor, Signal::STOP);
    killed(worker);
    killed(supervisor);
}

fn record_on_disk(world: &World, id: &str) -> Value {
    serde_json::from_slice(&fs::read(record_path(world, id)).unwrap()).unwrap()
}

/// The calls of claude: what it was told, and whether it began or resumed a session.
fn calls(world: &World) -> Vec<(String, String)> {
    let call = |call: &Value| {
        let argument = |argument: &Value| argument.as_str().map(str::to_owned);
        let arguments = call["argv"].as_array().unwrap().iter().filter_map(argument);
        let session =
            arguments.filter(|argument| argument.starts_with("--session-id=") || argument.starts_with("--resume="));
        (call["prompt"].as_str().unwrap_or_default().trim().to_owned(), session.collect())
    };
    world.dumps("echo", "calls").iter().map(call).collect()
}

fn assert_went_on(world: &World, record: &Value) {
    assert_eq!((&record["status"], &record["result"]["result"]), (&json!("done"), &json!("the whole")), "{record}");
    assert_eq!((&record["resumptions"], record.get("phase")), (&json!(1), None), "{record}");
    assert!(record["result"]["hint"].as_str().unwrap().contains("went on by itself once"), "{record}");
    let session = record["session_id"].as_str().unwrap();
    let [first, second] = &calls(world)[..] else { panic!("{:?}", calls(world)) };
    assert_eq!(*first, ("the task".to_owned(), format!("--session-id={session}")));
    assert_eq!(*second, ("Continue where you left off".to_owned(), format!("--resume={session}")));
    let granted = |call: &Value| call["argv"].as_array().unwrap().contains(&json!("--allowedTools=Read"));
    assert!(world.dumps("echo", "calls").iter().all(granted), "what is allowed is passed each time");
}

#[test]
fn a_run_whose_time_is_up_goes_on() {
    let mut world = World::new();
    world.agent_with("echo", TWO_PARTS, "timeout: 2\nallowed_tools: [Read]");
    let mut client = Client::new(&world);
    let id = submit(&mut client, json!(1));
    ready(&world);
    let first_deadline = record_on_disk(&world, &id)["deadline_at"].as_f64().unwrap();
    let record = ended(&mut client, &id);
    assert_went_on(&world, &record);
    assert!(record["deadline_at"].as_f64().unwrap() > first_deadline, "each process has its time: {record}");
    assert_eq!(record["result"]["cost_usd"], 0.5, "{record}");
    client.bye();
}

#[test]
fn a_run_that_died_with_its_supervisor_goes_on() {
    let mut world = World::new();
    world.agent_with("echo", TWO_PARTS, "allowed_tools: [Read]");
    let mut client = Client::new(&world);
    let id = submit(&mut client, json!("1"));
    ready(&world);
    cut_off(&world);
    let record = ended(&mut client, &id);
    assert_went_on(&world, &record);
    client.bye();
}

#[test]
fn a_waiting_caller_gets_the_answer_of_a_run_that_went_on() {
    for die in [true, false] {
        let mut world = World::new();
        world.agent_with("echo", TWO_PARTS, "timeout: 3");
        let mut client = Client::new(&world);
        let call = client.call("dispatch", json!({"agent": "echo", "task": "the task", "resume_attempts": 1}));
        ready(&world);
        if die {
            cut_off(&world);
        }
        let answer = said(&client.answer(call));
        assert_eq!((&answer["success"], &answer["result"]), (&json!(true), &json!("the whole")), "{answer}");
        assert_eq!(calls(&world).len(), 2);
        world.no_job_is_left();
        client.bye();
    }
}

#[test]
fn the_setting_counts_where_the_call_does_not_say_and_the_call_outranks_it() {
    for (given, expected) in [(Value::Null, 2), (json!(0), 1)] {
        let mut world = World::new();
        world.agent_with("echo", TWO_PARTS, "");
        world.settings("resume_attempts: 1");
        let mut client = Client::new(&world);
        let id = submit(&mut client, given);
        ready(&world);
        cut_off(&world);
        ended(&mut client, &id);
        assert_eq!(calls(&world).len(), expected);
        client.bye();
    }
}

#[test]
fn it_goes_on_as_often_as_allowed_over_all_supervisors_and_then_fails_with_a_way_on() {
    let world = World::with("dump calls\nsay more\ntouch ready\nsilence");
    let mut client = Client::new(&world);
    let id = submit(&mut client, json!(2));
    for process in 1..=3 {
        until("a process", || (calls(&world).len() == process).then_some(()));
        until("a worker that talks", || world.path("echo").join("ready").exists().then_some(()));
        fs::remove_file(world.path("echo").join("ready")).unwrap();
        cut_off(&world);
        status(&mut client, &id);
    }
    let record = ended(&mut client, &id);
    assert_eq!((&record["status"], &record["resumptions"]), (&json!("failed"), &json!(2)), "{record}");
    let error = record["error"].as_str().unwrap();
    assert!(error.contains("although it was resumed 2 times") && error.contains("dispatch_session("), "{error}");
    assert_eq!(record["result"]["result"], "more", "what there is of an answer: {record}");
    assert_eq!(calls(&world).len(), 3);
    client.bye();
}

#[test]
fn an_adopted_run_may_go_on_as_well() {
    let mut world = World::new();
    world.agent_with("echo", TWO_PARTS, "timeout: 4");
    let mut client = Client::new(&world);
    let id = submit(&mut client, json!(1));
    ready(&world);
    killed(supervisor(&world));
    assert_eq!(status(&mut client, &id)["status"], "running");
    let adopted =
        until("the adoption", || Some(record_on_disk(&world, &id)).filter(|record| record["phase"] == "adopted"));
    assert_eq!(adopted["status"], "running");
    let record = ended(&mut client, &id);
    assert_eq!((&record["result"]["result"], record.get("phase")), (&json!("the whole"), None), "{record}");
    assert_eq!(calls(&world).len(), 2);
    client.bye();
}

/// A process that said nothing has done nothing; one that told of a session may have died before it wrote it.
#[test]
fn without_a_session_the_task_is_given_again() {
    let init = json!({"type": "system", "subtype": "init", "session_id": "7e57ab1e-0000-4000-8000-000000000000"});
    for told in [String::new(), format!("raw {init}\n")] {
        let scene =
            format!("dump calls\non-call 1\nno-init\n{told}touch ready\nsilence\non-call *\nresult the whole\n");
        let world = World::with(&scene);
        let mut client = Client::new(&world);
        let id = submit(&mut client, json!(1));
        ready(&world);
        cut_off(&world);
        let record = ended(&mut client, &id);
        assert_eq!(record["result"]["result"], "the whole", "{record}");
        // One that resumes what is not there is refused before its scene begins.
        let calls = calls(&world);
        let [_, (prompt, session)] = &calls[..] else { panic!("{calls:?}") };
        assert_eq!((prompt.as_str(), session.starts_with("--session-id=")), ("the task", true), "{calls:?}");
        assert_eq!(record["resumptions"], 1, "{record}");
        client.bye();
    }
}

#[test]
fn a_session_that_is_lost_is_not_begun_again() {
    let world = World::with(TWO_PARTS);
    let mut client = Client::new(&world);
    let id = submit(&mut client, json!(3));
    ready(&world);
    fs::remove_dir_all(world.path("home")).unwrap();
    cut_off(&world);
    let record = ended(&mut client, &id);
    assert_eq!(
        (&record["status"], &record["result"]["error_type"]),
        (&json!("failed"), &json!("cli_error")),
        "{record}"
    );
    assert!(record["error"].as_str().unwrap().contains("No conversation found"), "{record}");
    assert_eq!(calls(&world).len(), 1, "what was paid for is not done again unasked");
    client.bye();
}

#[test]
fn what_waits_to_go_on_queues_and_can_be_cancelled() {
    let mut world = World::new();
    world.settings("max_concurrency: 1");
    world.agent_with("echo", TWO_PARTS, "");
    world.agent("other", WAITS);
    let mut client = Client::new(&world);
    let id = submit(&mut client, json!(1));
    ready(&world);
    let (supervisor, worker) = (supervisor(&world), worker(&world));
    let other = super::submit(&mut client, "other");
    signal(supervisor, Signal::STOP);
    killed(worker);
    killed(supervisor);
    until("the other run", || world.path("other").join("ready").exists().then_some(()));
    assert_eq!(status(&mut client, &id)["status"], "running");
    until("its wait", || (record_on_disk(&world, &id)["phase"] == "resuming").then_some(()));
    let cancelled = client.ask("dispatch_cancel", json!({"job_id": id}));
    assert_eq!(cancelled["outcome"], "cancelled_running", "{cancelled}");
    let record = ended(&mut client, &id);
    assert_eq!((&record["status"], record.get("phase")), (&json!("cancelled"), None), "{record}");
    assert_eq!(calls(&world).len(), 1);
    fs::write(world.path("other").join("go"), "").unwrap();
    assert_eq!(ended(&mut client, &other)["status"], "done");
    client.bye();
}

#[test]
fn a_cancel_during_the_end_of_a_process_whose_time_is_up_is_heard() {
    let mut world = World::new();
    world.agent_with("echo", &format!("ignore-term\n{TWO_PARTS}"), "timeout: 1");
    let mut client = Client::new(&world);
    let id = submit(&mut client, json!(3));
    ready(&world);
    let deadline = record_on_disk(&world, &id)["deadline_at"].as_f64().unwrap();
    until("the deadline", || {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
        (now > deadline + 0.2).then_some(())
    });
    client.ask("dispatch_cancel", json!({"job_id": id}));
    assert_eq!(ended(&mut client, &id)["status"], "cancelled");
    until("the supervisor to leave", || world.supervisors().is_empty().then_some(()));
    assert_eq!(calls(&world).len(), 1);
    client.bye();
}

/// Whoever asked for the end died between the mark and the deed.
#[test]
fn the_next_reader_ends_what_a_dead_canceller_left() {
    for supervised in [true, false] {
        let world = World::with(WAITS);
        let mut client = Client::new(&world);
        let id = submit(&mut client, json!(0));
        ready(&world);
        if !supervised {
            killed(supervisor(&world));
        }
        let mut record = record_on_disk(&world, &id);
        record["status"] = json!("cancelled");
        record["phase"] = json!("stopping");
        record["completed_at"] = json!(2.0e9);
        fs::write(record_path(&world, &id), record.to_string()).unwrap();
        assert_eq!(status(&mut client, &id)["status"], "cancelled");
        within(SOON, "its claude to be gone", || world.workers().is_empty().then_some(()));
        until("the supervisor to leave", || world.supervisors().is_empty().then_some(()));
        let settled = status(&mut client, &id);
        assert_eq!((&settled["status"], settled.get("phase")), (&json!("cancelled"), None), "{settled}");
        go(&world);
        client.bye();
    }
}
