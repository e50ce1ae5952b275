//! Jobs as their callers see them: the tools, the files, and what survives whose death.
//! Replay one: `cargo test --test suite jobs::recovery`.

mod answers;
mod background;
mod broken;
mod cancelling;
mod failpoints;
mod foreign;
mod hardship;
mod kill_loop;
mod recovery;
mod reference;
mod resumption;
mod servers;
mod waiting;

use std::fs::{self, File};
use std::path::PathBuf;

use agent_dispatch::machines::ids::{JobId, SessionRef};
use agent_dispatch::machines::plan::{Format, RunPlan, SessionPlan};
use agent_dispatch::shell::record::Record;
use agent_dispatch::shell::store::Store;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::client::{Client, said};
use crate::support::processes::{alive, signal};
use crate::support::until;
use crate::support::world::World;

/// A run that waits for the file `go` and then answers.
const WAITS: &str = "dump calls\nsay working\ntouch ready\nwait-file go\nresult the answer";
/// As [`WAITS`], with processes that no signal to its group reaches.
const TREE: &str = "dump calls\nspawn-in-group pid=in ignore-term\nspawn-setsid pid=out ignore-term\ntouch ready\nwait-file go\nresult the answer";

fn submit(client: &mut Client, agent: &str) -> String {
    let said = client.ask("dispatch_async", json!({"agent": agent, "task": "t"}));
    said["job_id"].as_str().unwrap_or_else(|| panic!("{said}")).to_owned()
}

/// A submitted job whose claude works.
fn works(world: &World, client: &mut Client) -> String {
    let id = submit(client, "echo");
    ready(world);
    id
}

/// A job whose claude works on and whose supervisor is dead.
fn works_alone(world: &World, client: &mut Client) -> String {
    let id = works(world, client);
    let dead = supervisor(world);
    signal(dead, Signal::KILL);
    until("its death", || (!alive(dead)).then_some(()));
    id
}

fn ready(world: &World) {
    until("the run", || world.path("echo").join("ready").exists().then_some(()));
}

fn go(world: &World) {
    fs::write(world.path("echo").join("go"), "").unwrap();
}

fn status(client: &mut Client, id: &str) -> Value {
    client.ask("dispatch_status", json!({"job_id": id}))
}

/// The record when it is terminal.
fn ended(client: &mut Client, id: &str) -> Value {
    let record = client.ask("dispatch_wait", json!({"job_id": id, "timeout_seconds": 50}));
    assert_eq!(record.get("timed_out_waiting"), None, "{record}");
    record
}

/// The arguments with which a tool is asked for this job.
fn of_job(tool: &str, id: &str) -> Value {
    if tool == "fetch_result" { json!({"ref": id}) } else { json!({"job_id": id}) }
}

/// What is wrong with a call that must be wrong.
fn mistake(client: &mut Client, tool: &str, arguments: Value) -> String {
    let id = client.call(tool, arguments.clone());
    let answer = client.answer(id);
    assert_eq!(answer["result"]["isError"], true, "{tool} {arguments}: {answer}");
    let said = said(&answer);
    let keys: Vec<&str> = keys(&said);
    assert!(keys == ["error"] || keys == ["error", "hint"], "{said}");
    said["error"].as_str().unwrap().to_owned()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap_or_else(|| panic!("{value}")).keys().map(String::as_str).collect()
}

fn record_path(world: &World, id: &str) -> PathBuf {
    world.jobs().join(format!("{id}.json"))
}

fn supervisor(world: &World) -> i32 {
    let [pid] = world.supervisors()[..] else { panic!("{:?}", world.supervisors()) };
    pid
}

/// The only claude: the worker that leads its group and was started first.
fn worker(world: &World) -> i32 {
    let lowest = world.workers().into_iter().min();
    lowest.unwrap_or_else(|| panic!("no worker"))
}

/// A job as a server leaves it that is killed before the supervisor begins: everything is written, and `File` is the
/// job's lock. While it is held a supervisor seems to live.
fn planted(world: &World, session: u8) -> (String, File) {
    let session = SessionRef::from_uuid_bytes([session; 16]);
    let plan = RunPlan {
        agent: "echo".into(),
        directory: world.path("echo").to_str().unwrap().into(),
        task: "t".into(),
        context: None,
        caller: None,
        goal: None,
        format: Format::Text,
        prompt: "t".into(),
        session: SessionPlan::Fresh { id: session.clone() },
        model: None,
        permission_mode: None,
        allowed_tools: vec![],
        disallowed_tools: vec![],
        system_prompt: None,
        max_budget_usd: None,
        response_schema: None,
        wait_for_limit: false,
        max_turns: None,
        timeout_seconds: 60,
        resume_attempts: 0,
        max_concurrency: 5,
        depth: 1,
        caller_job: None,
        wait_for_mcp: true,
        usage_log: None,
    };
    let id = JobId::from_bytes(*uuid::Uuid::new_v4().as_bytes());
    let record = Record { session_id: Some(session.to_string()), ..Record::pending(id, "echo", "t") };
    let lock = Store::new(world.jobs()).create(&record, &plan, b"t").unwrap();
    (id.to_string(), lock)
}

/// Writes a record of the older implementation: indented, without a folder.
fn write_old(world: &World, id: &str, change: Value) -> PathBuf {
    let mut record = json!({"id": id, "agent": "echo", "task": "an old task", "status": "done", "created_at": 1000.5});
    for (key, value) in change.as_object().unwrap() {
        record[key] = value.clone();
    }
    fs::create_dir_all(world.jobs()).unwrap();
    let path = record_path(world, id);
    // In one step, as it does: a reader may come at any time.
    let temporary = path.with_extension("tmp");
    fs::write(&temporary, serde_json::to_vec_pretty(&record).unwrap()).unwrap();
    fs::rename(temporary, &path).unwrap();
    path
}

/// An id that is easily told from others.
fn numbered(number: usize) -> String {
    format!("{number:032x}")
}
