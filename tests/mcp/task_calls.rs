//! Calls of several requests as tasks: they answer as the blocking calls do, and are jobs.

use std::collections::BTreeMap;

use agent_dispatch::machines::shorten;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::tasks::{begin, client, completed, ended, get, go, taken_back};
use crate::support::client::{Client, Era, Wire};
use crate::support::processes::{alive, command_line, signal};
use crate::support::until;
use crate::support::world::World;

/// What is each run's own.
const OWN: [&str; 4] = ["session_id", "duration_ms", "total_duration_ms", "ref"];

pub fn item(agent: &str, task: &str) -> Value {
    json!({"agent": agent, "task": task})
}

/// The supervisor of a call.
pub fn conductor(world: &World, task: &str) -> Option<i32> {
    world.supervisors().into_iter().find(|pid| command_line(*pid).contains(task))
}

/// Kills it, once it is there.
pub fn kill_conductor(world: &World, task: &str) {
    let pid = until("the supervisor of the call", || conductor(world, task));
    signal(pid, Signal::KILL);
    until("its end", || (!alive(pid)).then_some(()));
}

/// How often each prompt was paid for.
pub fn paid(world: &World, agent: &str) -> BTreeMap<String, usize> {
    let mut paid = BTreeMap::new();
    for call in world.dumps(agent, "calls") {
        *paid.entry(call["prompt"].as_str().unwrap().to_owned()).or_insert(0) += 1;
    }
    paid
}

fn without_own(value: &mut Value) {
    match value {
        // An advice names the session, and a path the world.
        Value::String(text) => {
            let ids = text.split(|c: char| !c.is_ascii_hexdigit() && c != '-').filter(|word| word.len() == 36);
            let ids = ids.map(str::to_owned).collect::<Vec<_>>();
            ids.iter().for_each(|id| *text = text.replace(id, "ID"));
            if let Some((before, after)) = text.split_once("/.tmp") {
                *text = format!("{before}{}", &after[after.find('/').unwrap()..]);
            }
        }
        Value::Object(object) => {
            for (key, value) in object {
                if OWN.contains(&key.as_str()) {
                    assert!(!value.is_null(), "{key}");
                    *value = Value::Null;
                }
                without_own(value);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(without_own),
        _ => {}
    }
}

/// A result without what is each run's own; its text with the keys in the order in which a task tells them.
fn told(result: &Value) -> (String, Value, Value) {
    let mut text: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
    let mut structured = result["structuredContent"].clone();
    without_own(&mut text);
    without_own(&mut structured);
    (shorten::result_last(text).to_string(), structured, result["isError"].clone())
}

fn fleet() -> World {
    let mut world = World::with("cost 0.02\nresult the answer");
    world.agent("json", "result {\"a\": 1.10, \"b\": [1e-7]}");
    world.agent("broken", "error api 500 broken");
    world.agent("sum", "cost 0.01\nresult {prompt}");
    world.agent("left", "cost 0.03\nsay something\nresult left says {call}");
    world.agent("right", "on-call 1\nresult right asks\non-call *\nresult fine [RESOLVED]");
    world.entry("gone", &world.path("nowhere"), "");
    world.groups("  shop: {shared_context: The host is shop-7., members: [{agent: sum}]}\n");
    world
}

//= F-6
#[test]
fn the_answer_is_that_of_the_blocking_call() {
    let items = json!([item("echo", "t"), item("broken", "t"), item("gone", "t"), item("echo", "t"),
        {"agent": "json", "task": "t", "response_format": "json"},
        {"agent": "sum", "task": "t", "group": "shop", "context": "c", "goal": "g", "return_ref": true, "summary_chars": 9}]);
    for (tool, arguments) in [
        ("dispatch_parallel", json!({"dispatches": items})),
        ("dispatch_parallel", json!({"dispatches": items, "aggregate": "sum"})),
        ("dispatch_parallel", json!({"dispatches": [item("echo", "t")], "aggregate": "broken"})),
        ("dispatch_dialogue", json!({"requester": "right", "responder": "left", "topic": "t"})),
        ("dispatch_dialogue", json!({"requester": "echo", "responder": "left", "topic": "t", "max_rounds": 2})),
        ("dispatch_dialogue", json!({"requester": "broken", "responder": "left", "topic": "t"})),
    ] {
        let worlds = [fleet(), fleet()];
        let mut blocking = Client::begin(&worlds[0], Wire::Sockets, Era::Stateless);
        let id = blocking.call(tool, arguments.clone());
        let plain = blocking.answer(id)["result"].clone();
        blocking.bye();
        let mut client = client(&worlds[1]);
        let task = begin(&mut client, tool, arguments.clone());
        let ended = ended(&mut client, &task);
        completed(&ended);
        assert_eq!(told(&ended["result"]), told(&plain), "{tool} {arguments}");
        // As often as one asks, and from any server.
        client.bye();
        let mut other = self::client(&worlds[1]);
        assert_eq!(get(&mut other, &task)["result"], ended["result"]);
        if let Some(reference) = ended["result"]["structuredContent"]["result"][5]["ref"].as_str() {
            assert!(other.ask("fetch_result", json!({"ref": reference}))["result"].is_string());
        }
        other.bye();
        let [plain, task] = worlds.each_ref().map(|world| {
            let mut lines = world.usage();
            lines.iter_mut().for_each(|line| line.as_object_mut().unwrap().retain(|key, _| key != "t" && key != "ms"));
            let mut lines: Vec<String> = lines.iter().map(mask).collect();
            lines.sort();
            lines
        });
        assert_eq!(task, plain, "the same lines of usage: {tool} {arguments}");
    }
}

/// A line of the usage journal without the id of its job.
fn mask(line: &Value) -> String {
    let mut line = line.clone();
    if line.get("job").is_some() {
        line["job"] = json!("id");
    }
    line.to_string()
}

#[test]
fn it_is_a_job_like_others() {
    let world = World::with("cost 0.25\nsay working\nwait-file go\nresult end");
    let mut client = client(&world);
    let arguments = json!({"dispatches": [item("echo", "one"), item("echo", "two\nlines")]});
    let task = begin(&mut client, "dispatch_parallel", arguments.clone());
    let working = until("its status", || {
        Some(get(&mut client, &task)).filter(|task| task["statusMessage"].as_str().unwrap().starts_with("0/2 done · #"))
    });
    assert_eq!(working["status"], "working");
    let record = client.ask("dispatch_status", json!({"job_id": task}));
    assert_eq!((&record["agent"], &record["task"]), (&json!("echo"), &json!("#1 echo: one; #2 echo: two lines")));
    let jobs = until("its parts", || {
        Some(client.ask("dispatch_jobs", json!({}))).filter(|jobs| jobs.as_array().unwrap().len() == 3)
    });
    let parts = jobs.as_array().unwrap().iter().filter(|job| job["part_of"] == *task).count();
    assert_eq!(parts, 2, "{jobs}");
    // A wait for it is the same task.
    assert_eq!(begin(&mut client, "dispatch_wait", json!({"job_id": task})), task);
    go(&world, "echo");
    let plain = completed(&ended(&mut client, &task));
    let record = client.ask("dispatch_wait", json!({"job_id": task}));
    let answer = &record["result"];
    assert_eq!(
        (&record["status"], &answer["success"], &answer["cost_usd"]),
        (&json!("done"), &json!(true), &json!(0.5))
    );
    assert_eq!(serde_json::from_str::<Value>(answer["result"].as_str().unwrap()).unwrap(), plain);
    assert_eq!(client.ask("fetch_result", json!({"ref": task}))["result"], answer["result"]);
    // What it brought is in the cache of the server that lives, and answered at once then.
    until("the cache", || (client.ask("cache_stats", json!({}))["size"] == 2).then_some(()));
    let cached = client.ask("dispatch_parallel", arguments);
    assert!(cached.as_array().unwrap().iter().all(|answer| answer["cached"] == true), "{cached}");
    let stats = client.ask("cache_stats", json!({}));
    assert_eq!((&stats["hits"], &stats["misses"]), (&json!(2), &json!(2)), "{stats}");
    client.bye();
}

#[test]
fn what_the_cache_has_is_not_paid_for_again() {
    let mut world = World::with("dump calls\nresult {prompt}");
    world.agent("sum", "dump calls\nresult all");
    let mut client = client(&world);
    let first = begin(&mut client, "dispatch", item("echo", "known"));
    ended(&mut client, &first);
    until("the cache", || (client.ask("cache_stats", json!({}))["size"] == 1).then_some(()));
    let arguments = json!({"dispatches": [item("echo", "known"), item("echo", "new")], "aggregate": "sum"});
    let task = begin(&mut client, "dispatch_parallel", arguments.clone());
    let answer = completed(&ended(&mut client, &task));
    let cached: Vec<&Value> =
        answer["individual_results"].as_array().unwrap().iter().map(|answer| &answer["cached"]).collect();
    assert_eq!(cached, [&json!(true), &Value::Null], "{answer}");
    assert_eq!(paid(&world, "echo").values().copied().collect::<Vec<_>>(), [1, 1]);
    until("the cache", || (client.ask("cache_stats", json!({}))["size"] == 3).then_some(()));
    let again = client.ask("dispatch_parallel", arguments);
    assert_eq!(again["aggregated"]["cached"], true, "{again}");
    assert_eq!(world.dumps("sum", "calls").len(), 1);
    // A changed agent is asked again, whatever a call brings that began before.
    world.scene("echo", "dump calls\nwait-file go\nresult {prompt}");
    let task = begin(&mut client, "dispatch_parallel", json!({"dispatches": [item("echo", "late")]}));
    client.ask("cache_clear", json!({}));
    go(&world, "echo");
    ended(&mut client, &task);
    assert_eq!(client.ask("cache_stats", json!({}))["size"], 0);
    client.bye();
}

#[test]
fn a_call_that_is_taken_back_before_its_task_is_known_leaves_no_run() {
    let items = |round| (0..3).map(|n| item("echo", &format!("task {round} {n}"))).collect::<Vec<Value>>();
    taken_back("dispatch_parallel", (0..10).map(|round| json!({"dispatches": items(round)})));
}

#[test]
fn mistakes_are_told_at_once() {
    let world = World::with("result ok");
    let mut client = client(&world);
    for (tool, arguments, error) in [
        ("dispatch_parallel", json!({"dispatches": [item("nobody", "t")]}), "Available: echo"),
        ("dispatch_parallel", json!({"dispatches": []}), "at least one"),
        ("dispatch_dialogue", json!({"requester": "echo", "responder": "nobody", "topic": "t"}), "Available: echo"),
        ("dispatch_dialogue", json!({"requester": "echo", "responder": "echo", "topic": " "}), "topic is empty"),
    ] {
        let id = client.call(tool, arguments);
        let answer = client.answer(id);
        assert_eq!(answer["result"]["isError"], true, "{answer}");
        assert!(answer["result"]["content"][0]["text"].as_str().unwrap().contains(error), "{answer}");
    }
    assert!(world.records().is_empty());
    client.bye();
}
