//! Tasks: calls that are answered with a job, which any server tells of later.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::client::{Client, Era, Wire, said};
use crate::support::processes::alive;
use crate::support::until;
use crate::support::world::World;

const RUNNING_TOOLS: [&str; 3] = ["dispatch", "dispatch_session", "dispatch_stream"];
/// What `tasks/*` answers for what it does not know (JSON-RPC: invalid params).
const INVALID_PARAMS: i64 = -32_602;
/// A client that did not say that it knows tasks.
const MISSING_CAPABILITY: i64 = -32_021;
const METHOD_NOT_FOUND: i64 = -32_601;

pub fn client(world: &World) -> Client {
    Client::begin(world, Wire::Sockets, Era::Tasks)
}

/// Calls a tool that becomes a task; its id.
pub fn begin(client: &mut Client, tool: &str, arguments: Value) -> String {
    let id = client.call(tool, arguments);
    let answer = client.answer(id);
    let task = &answer["result"];
    assert_eq!((&task["resultType"], &task["status"]), (&json!("task"), &json!("working")), "{answer}");
    assert_eq!(task["ttlMs"], Value::Null, "{answer}");
    assert!(task.as_object().unwrap().contains_key("ttlMs"), "unlimited is said: {answer}");
    assert!(task["pollIntervalMs"].as_u64().is_some_and(|ms| (250..=5_000).contains(&ms)), "{answer}");
    for key in ["createdAt", "lastUpdatedAt"] {
        let at = task[key].as_str().unwrap();
        assert!(at.len() == 24 && at.starts_with("20") && at.ends_with('Z'), "{key}: {at}");
    }
    task["taskId"].as_str().unwrap().to_owned()
}

pub fn ask(client: &mut Client, method: &str, task: &str) -> Value {
    let id = client.request(method, json!({"taskId": task}));
    client.answer(id)
}

pub fn get(client: &mut Client, task: &str) -> Value {
    let answer = ask(client, "tasks/get", task);
    assert_eq!((&answer["result"]["resultType"], &answer["result"]["taskId"]), (&json!("complete"), &json!(task)));
    answer["result"].clone()
}

/// Asks until the task has ended.
pub fn ended(client: &mut Client, task: &str) -> Value {
    until("the end of the task", || Some(get(client, task)).filter(|task| task["status"] != "working"))
}

/// What the tool would have said, of a task that is completed.
pub fn completed(task: &Value) -> Value {
    assert_eq!(task["status"], "completed", "{task}");
    said(task)
}

pub fn go(world: &World, agent: &str) {
    std::fs::write(world.path(agent).join("go"), "").unwrap();
}

#[test]
fn the_answer_of_a_task_is_that_of_the_blocking_call() {
    let world = World::with("cost 0.02\nsay hello\nresult the answer");
    for tool in RUNNING_TOOLS {
        let arguments = |task: &str| json!({"agent": "echo", "task": format!("{tool} {task}")});
        let mut blocking = Client::begin(&world, Wire::Sockets, Era::Stateless);
        let id = blocking.call(tool, arguments("blocking"));
        let plain = blocking.answer(id)["result"].clone();
        blocking.bye();
        let mut client = client(&world);
        let task = begin(&mut client, tool, arguments("task"));
        let ended = ended(&mut client, &task);
        assert_eq!(ended["statusMessage"], "done · $0.02");
        let (mut plain_said, mut task_said) = (said(&json!({"result": plain})), completed(&ended));
        for answer in [&mut plain_said, &mut task_said] {
            // Of each run its own.
            assert!(answer["session_id"].is_string() && answer["duration_ms"].is_number(), "{answer}");
            answer["session_id"] = Value::Null;
            answer["duration_ms"] = Value::Null;
        }
        assert_eq!(task_said, plain_said, "{tool}");
        for key in ["isError", "resultType"] {
            assert_eq!(ended["result"][key], plain[key], "{tool} {key}");
        }
        // As often as one asks, and from any server.
        let again = get(&mut client, &task);
        client.bye();
        let mut other = self::client(&world);
        assert_eq!(get(&mut other, &task)["result"], again["result"]);
        other.bye();
        assert_eq!(world.job_files().iter().filter(|name| name.contains(&task)).count(), 2, "record and folder stay");
    }
}

#[test]
fn a_working_task_says_what_it_does() {
    let world = World::with("");
    let file = json!({"file_path": world.path("echo").join("src/x.rs")});
    world.scene("echo", &format!("say First words\\nand more\ntool Edit {file}\nwait-file go\nresult end"));
    let mut client = client(&world);
    let task = begin(&mut client, "dispatch", json!({"agent": "echo", "task": "t"}));
    let working = until("its status", || {
        Some(get(&mut client, &task)).filter(|task| task["statusMessage"] == "turn 2 · Edit src/x.rs")
    });
    assert_eq!(working["status"], "working");
    assert!(working.get("result").is_none() && working["pollIntervalMs"].is_number(), "{working}");
    let record = client.ask("dispatch_status", json!({"job_id": task}));
    assert_eq!(record["activity"], json!({"turn": 2, "doing": "Edit src/x.rs"}), "{record}");
    go(&world, "echo");
    assert_eq!(completed(&ended(&mut client, &task))["result"], "end");
    client.bye();
}

#[test]
fn a_waiting_task_says_its_place_in_the_queue() {
    let mut world = World::with("wait-file go\nresult end");
    world.settings("max_concurrency: 1");
    let mut client = client(&world);
    let dispatch = |client: &mut Client, task: &str| begin(client, "dispatch", json!({"agent": "echo", "task": task}));
    let first = dispatch(&mut client, "first");
    until("the first to run", || (get(&mut client, &first)["statusMessage"] == "echo started").then_some(()));
    let waiting: Vec<String> = ["second", "third"].iter().map(|task| dispatch(&mut client, task)).collect();
    for (ahead, task) in waiting.iter().enumerate() {
        let place = format!("waiting: place {} in the queue", ahead + 1);
        until("its place", || (get(&mut client, task)["statusMessage"] == *place).then_some(()));
        assert_eq!(client.ask("dispatch_status", json!({"job_id": task}))["queue_place"], ahead + 1);
    }
    // The third has never begun.
    assert_eq!(ask(&mut client, "tasks/cancel", &waiting[1])["result"]["resultType"], "complete");
    assert_eq!(get(&mut client, &waiting[1])["status"], "cancelled");
    go(&world, "echo");
    for task in [&first, &waiting[0]] {
        assert_eq!(completed(&ended(&mut client, task))["result"], "end");
    }
    client.bye();
}

#[test]
fn what_needs_no_run_is_answered_at_once() {
    let mut world = World::with("result ok");
    world.entry("gone", &world.path("nowhere"), "");
    let mut client = client(&world);
    let task = begin(&mut client, "dispatch", json!({"agent": "echo", "task": "t"}));
    ended(&mut client, &task);
    // The server that ran it has the answer a moment after the record.
    until("the cache to have it", || (client.ask("cache_stats", json!({}))["size"] == 1).then_some(()));
    let cached = client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
    assert_eq!((&cached["result"], &cached["cached"]), (&json!("ok"), &json!(true)), "{cached}");
    let reference = client.ask("dispatch", json!({"agent": "echo", "task": "t", "return_ref": true}));
    assert_eq!((&reference["summary"], &reference["cached"]), (&json!("ok"), &json!(true)), "{reference}");
    for (arguments, error) in [
        (json!({"agent": "nobody", "task": "t"}), "Available: echo, gone"),
        (json!({"agent": "echo"}), "task is missing"),
        (json!({"agent": "echo", "task": "t", "response_format": "xml"}), "response_format"),
    ] {
        let id = client.call("dispatch", arguments);
        let answer = client.answer(id);
        assert_eq!(answer["result"]["isError"], true, "{answer}");
        assert!(said(&answer)["error"].as_str().unwrap().contains(error), "{answer}");
    }
    let failed = client.ask("dispatch", json!({"agent": "gone", "task": "t"}));
    assert_eq!((&failed["success"], &failed["error_type"]), (&json!(false), &json!("not_found")), "{failed}");
    let unknown = client.ask("dispatch_wait", json!({"job_id": "0".repeat(32)}));
    assert!(unknown["error"].as_str().unwrap().contains("not found"), "{unknown}");
    client.bye();
}

#[test]
fn a_failed_dispatch_is_a_completed_task() {
    let mut world = World::with("no-result\nexit 3");
    world.agent_with("slow", "say half\nsilence", "timeout: 1");
    let mut client = client(&world);
    for (agent, error_type) in [("echo", "cli_error"), ("slow", "timeout")] {
        let task = begin(&mut client, "dispatch", json!({"agent": agent, "task": "t"}));
        let ended = ended(&mut client, &task);
        let answer = completed(&ended);
        assert_eq!((&answer["success"], &answer["error_type"]), (&json!(false), &json!(error_type)), "{answer}");
        assert_eq!(ended["result"]["isError"], false, "{ended}");
        assert!(ended["statusMessage"].as_str().is_some_and(|message| !message.is_empty()), "{ended}");
    }
    client.bye();
}

#[test]
fn a_reference_is_what_was_asked_for() {
    let world = World::with("result 0123456789");
    let mut client = client(&world);
    let arguments = json!({"agent": "echo", "task": "t", "return_ref": true, "summary_chars": 4});
    let task = begin(&mut client, "dispatch", arguments);
    let reference = completed(&ended(&mut client, &task));
    assert_eq!((&reference["ref"], &reference["summary"]), (&json!(task), &json!("0123")), "{reference}");
    assert_eq!(client.ask("fetch_result", json!({"ref": task}))["result"], "0123456789");
    client.bye();
}

#[test]
fn waiting_for_a_job_is_a_task_of_the_same_id() {
    let world = World::with("wait-file go\nresult end");
    let mut client = client(&world);
    let job = client.ask("dispatch_async", json!({"agent": "echo", "task": "t"}));
    let job = job["job_id"].as_str().unwrap().to_owned();
    assert_eq!(begin(&mut client, "dispatch_wait", json!({"job_id": job, "timeout_seconds": 1})), job);
    assert_eq!(get(&mut client, &job)["status"], "working");
    go(&world, "echo");
    let record = completed(&ended(&mut client, &job));
    assert_eq!((&record["id"], &record["status"]), (&json!(job), &json!("done")), "{record}");
    assert_eq!(client.ask("dispatch_wait", json!({"job_id": job})), record, "one that has ended is told at once");
    client.bye();
}

#[test]
fn a_task_outlives_its_server_and_any_other_tells_of_it() {
    let world = World::with("touch began\nwait-file go\nresult end");
    for signal in [Signal::KILL, Signal::TERM, Signal::INT] {
        let mut client = client(&world);
        let task = begin(&mut client, "dispatch", json!({"agent": "echo", "task": format!("{signal:?}")}));
        // Killed as soon as the id has left it, whether or not the run has begun.
        client.signal(signal);
        client.ended();
        let mut next = self::client(&world);
        assert_eq!(get(&mut next, &task)["status"], "working");
        go(&world, "echo");
        assert_eq!(completed(&ended(&mut next, &task))["result"], "end");
        std::fs::remove_file(world.path("echo").join("go")).unwrap();
        next.bye();
    }
}

#[test]
fn cancelling_ends_the_run_and_may_be_repeated() {
    let world = World::with("spawn-setsid pid=out ignore-term\ntouch began\nsilence");
    let mut client = client(&world);
    let task = begin(&mut client, "dispatch", json!({"agent": "echo", "task": "t"}));
    until("the run", || world.path("echo").join("began").exists().then_some(()));
    let workers = world.workers();
    assert!(workers.len() >= 2, "{workers:?}");
    for _ in 0..2 {
        let answer = ask(&mut client, "tasks/cancel", &task);
        assert_eq!(answer["result"]["resultType"], "complete", "{answer}");
        assert!(workers.iter().all(|pid| !alive(*pid)), "nothing is left of it");
        let cancelled = get(&mut client, &task);
        assert_eq!(cancelled["status"], "cancelled", "{cancelled}");
        assert!(cancelled["statusMessage"].as_str().unwrap().contains("dispatch_session("), "{cancelled}");
    }
    // An end is an end.
    world.scene("echo", "result ok");
    let done = begin(&mut client, "dispatch", json!({"agent": "echo", "task": "u"}));
    ended(&mut client, &done);
    assert_eq!(ask(&mut client, "tasks/cancel", &done)["result"]["resultType"], "complete");
    assert_eq!(completed(&get(&mut client, &done))["result"], "ok");
    client.bye();
}

#[test]
fn unknown_and_forged_ids_are_the_protocols_error() {
    let world = World::with("result ok");
    std::fs::write(world.path("secret.json"), "{}").unwrap();
    let mut client = client(&world);
    let task = begin(&mut client, "dispatch", json!({"agent": "echo", "task": "t"}));
    ended(&mut client, &task);
    let forged = [
        "0".repeat(32),
        String::new(),
        "../secret".to_owned(),
        format!("{task}\n"),
        task.to_uppercase(),
        format!("{task}.json"),
        "a".repeat(1_000_000),
        "\u{0}".to_owned(),
    ];
    for method in ["tasks/get", "tasks/cancel", "tasks/update"] {
        for id in &forged {
            let request = client.request(method, json!({"taskId": id, "inputResponses": {}}));
            let answer = client.answer(request);
            assert_eq!(answer["error"]["code"], INVALID_PARAMS, "{method} {id:.40}: {answer}");
            assert!(answer.to_string().len() < 1_000, "{method} {id:.40}");
        }
        for params in [json!({}), json!({"taskId": 7}), json!({"taskId": null}), json!({"taskId": ["x"]})] {
            let request = client.request(method, params.clone());
            let code = client.answer(request)["error"]["code"].as_i64();
            assert_eq!(code, Some(INVALID_PARAMS), "{method} {params}");
        }
    }
    let request =
        client.request("tasks/update", json!({"taskId": task, "inputResponses": {"a": {"action": "accept"}}}));
    let answer = client.answer(request);
    assert_eq!(answer["error"]["code"], INVALID_PARAMS, "{answer}");
    assert!(answer["error"]["message"].as_str().unwrap().contains("asked for no input"), "{answer}");
    client.bye();
}

#[test]
fn only_clients_that_know_tasks_get_them() {
    let world = World::with("result ok");
    for (era, code) in [(Era::Stateless, MISSING_CAPABILITY), (Era::Handshake, MISSING_CAPABILITY)] {
        let mut client = Client::begin(&world, Wire::Sockets, era);
        assert_eq!(client.ask("dispatch", json!({"agent": "echo", "task": format!("{era:?}")}))["result"], "ok");
        let answer = ask(&mut client, "tasks/get", &"0".repeat(32));
        assert_eq!(answer["error"]["code"], code, "{era:?}: {answer}");
        client.bye();
    }
    for (era, declared) in [(Era::Stateless, false), (Era::Tasks, true)] {
        let mut client = Client::begin(&world, Wire::Sockets, era);
        let id = client.request("server/discover", json!({}));
        let answer = client.answer(id);
        let capability = &answer["result"]["capabilities"]["extensions"]["io.modelcontextprotocol/tasks"];
        assert_eq!(capability.is_object(), declared, "{answer}");
        for method in ["tasks/list", "tasks/result"] {
            assert_eq!(ask(&mut client, method, "x")["error"]["code"], METHOD_NOT_FOUND, "{method}");
        }
        client.bye();
    }
}

#[test]
fn identical_requests_share_one_task() {
    let world = World::with("dump calls\nwait-file go\nresult once");
    let mut client = client(&world);
    let arguments = json!({"agent": "echo", "task": "t"});
    let ids: Vec<u64> = (0..5).map(|_| client.call("dispatch", arguments.clone())).collect();
    let tasks: Vec<Value> = ids.into_iter().map(|id| client.answer(id)["result"]["taskId"].clone()).collect();
    assert!(tasks[0].is_string() && tasks.iter().all(|task| *task == tasks[0]), "{tasks:?}");
    // Another form of the answer waits for it, and is told where the answer is.
    let reference = client.call("dispatch", json!({"agent": "echo", "task": "t", "return_ref": true}));
    go(&world, "echo");
    assert_eq!(client.said(reference)["summary"], "once");
    assert_eq!(completed(&ended(&mut client, tasks[0].as_str().unwrap()))["result"], "once");
    assert_eq!(world.dumps("echo", "calls").len(), 1);
    // One paid, and everybody who joined says so, whether it waited or was told of the task.
    until("a line for each", || {
        let lines = world.usage();
        (lines.len() == 6 && lines.iter().filter(|line| line["cached"] == true).count() == 5).then_some(())
    });
    client.bye();
}

/// Has a client take calls back right after it made them; nothing may be left of any.
pub(super) fn taken_back(tool: &str, arguments: impl Iterator<Item = Value>) {
    let world = World::with("touch began\nsilence");
    let mut client = client(&world);
    for arguments in arguments {
        let id = client.call(tool, arguments);
        client.cancel(id);
        // Whoever is faster: an answer that left names a task, whose end is asked for.
        if let Some(answer) = client.wait_within(std::time::Duration::from_millis(50), |message| message["id"] == id) {
            let task = answer["result"]["taskId"].as_str().unwrap().to_owned();
            ask(&mut client, "tasks/cancel", &task);
        }
    }
    until("no run to be left", || {
        let open = |record: &Value| record["status"] == "running" || record["status"] == "pending";
        (!world.records().iter().any(open) && world.workers().is_empty()).then_some(())
    });
    client.bye();
}

#[test]
fn a_call_that_is_taken_back_before_its_task_is_known_leaves_no_run() {
    taken_back("dispatch", (0..20).map(|round| json!({"agent": "echo", "task": format!("t{round}")})));
}

/// What Claude Code (2.1.332) shows its model of a task's result, in characters.
const SHOWN_CHARS: usize = 100_000;

#[test]
fn a_client_that_cuts_a_long_result_still_has_what_stands_beside_the_text() {
    let mut world = World::with("cost 0.02\nsay hello\nresult the answer");
    world.agent("long", "cost 0.02\nresult-bytes 200000");
    let mut client = client(&world);
    let short = begin(&mut client, "dispatch", json!({"agent": "echo", "task": "t"}));
    let long = begin(&mut client, "dispatch", json!({"agent": "long", "task": "t"}));
    let items = json!([{"agent": "long", "task": "1"}, {"agent": "long", "task": "2"}]);
    let both = begin(&mut client, "dispatch_parallel", json!({"dispatches": items}));
    let mut text = |task: &str| {
        let ended = ended(&mut client, task);
        let text = ended["result"]["content"][0]["text"].as_str().unwrap().to_owned();
        assert!(ended["result"]["structuredContent"].is_object());
        assert!(text.encode_utf16().count() < SHOWN_CHARS, "{} characters", text.len());
        text
    };
    assert!(text(&short).ends_with(",\"result\":\"the answer\"}"));
    let told: Value = serde_json::from_str(&text(&long)).unwrap();
    let rest = format!("[cut here: {} of 200000 characters; the whole: fetch_result(ref=\"{long}\")]", {
        let result = told["result"].as_str().unwrap();
        result.split_once("\n[cut").unwrap().0.chars().count()
    });
    assert!(told["result"].as_str().unwrap().ends_with(&rest), "{rest}");
    assert!(told["session_id"].is_string() && told["cost_usd"] == 0.02, "{told}");
    let parts: Value = serde_json::from_str(&text(&both)).unwrap();
    for part in parts.as_array().unwrap() {
        assert!(part["session_id"].is_string() && part["result"].as_str().unwrap().contains(&both), "{part}");
    }
    // What the note says can be done.
    let whole = client.ask("fetch_result", json!({"ref": long}));
    assert_eq!(whole["result"].as_str().unwrap().chars().count(), 200_000);
    let whole = client.ask("fetch_result", json!({"ref": both}));
    assert!(whole["result"].as_str().unwrap().len() > 400_000, "the whole call");
    client.bye();
}
