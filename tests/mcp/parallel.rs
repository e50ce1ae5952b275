//! Several requests in one call.

use std::fs;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::client::{Client, Era, Wire};
use crate::support::processes::alive;
use crate::support::world::World;
use crate::support::{SOON, until, within};

const PROGRESS: &str = "notifications/progress";

fn item(agent: &str, task: &str) -> Value {
    json!({"agent": agent, "task": task})
}

fn parallel(client: &mut Client, items: Value) -> Value {
    client.ask("dispatch_parallel", json!({"dispatches": items}))
}

/// What the tool answered, which must be a mistake of the caller.
fn mistake(client: &mut Client, arguments: Value) -> String {
    let id = client.call("dispatch_parallel", arguments.clone());
    let answer = client.answer(id);
    assert_eq!(answer["result"]["isError"], true, "{arguments}: {answer}");
    let text = answer["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.len() < 2_000, "{} bytes", text.len());
    serde_json::from_str::<Value>(text).unwrap()["error"].as_str().unwrap().to_owned()
}

#[test]
fn answers_come_in_input_order_with_failures_in_their_place() {
    for (wire, era) in [(Wire::Pipes, Era::Handshake), (Wire::Sockets, Era::Stateless)] {
        let mut world = World::with("sleep 100\nresult slow");
        world.agent("fast", "result fast");
        world.agent("broken", "error api 500 broken");
        world.entry("gone", &world.path("nowhere"), "");
        let mut client = Client::begin(&world, wire, era);
        let items = json!([item("echo", "t"), item("broken", "t"), item("gone", "t"), item("fast", "t")]);
        for given in [items.clone(), json!(items.to_string()), json!(json!(items.to_string()).to_string())] {
            let said = parallel(&mut client, given);
            let told = |index: usize| (&said[index]["agent"], &said[index]["success"], &said[index]["error_type"]);
            assert_eq!(said.as_array().map(Vec::len), Some(4), "{said}");
            assert_eq!(told(0), (&json!("echo"), &json!(true), &Value::Null));
            assert_eq!(told(1), (&json!("broken"), &json!(false), &json!("cli_error")));
            assert_eq!(told(2), (&json!("gone"), &json!(false), &json!("not_found")));
            assert_eq!(told(3), (&json!("fast"), &json!(true), &Value::Null));
            assert_eq!((&said[0]["result"], &said[3]["result"]), (&json!("slow"), &json!("fast")));
        }
        client.bye();
        world.no_job_is_left();
    }
}

#[test]
fn one_bad_item_rejects_the_call_before_anything_runs() {
    let mut world = World::with("dump calls\nresult ok");
    world.groups("  shop: {members: [{agent: other}]}\n  bad: 5\n");
    let mut client = Client::new(&world);
    let good = || item("echo", "t");
    let with = |key: &str, value: Value| {
        let mut item = good();
        item[key] = value;
        json!({"dispatches": [good(), item]})
    };
    for (arguments, named) in [
        (json!({}), "dispatches is missing"),
        (json!({"dispatches": null}), "dispatches is missing"),
        (json!({"dispatches": []}), "at least one"),
        (json!({"dispatches": "[]"}), "at least one"),
        (json!({"dispatches": "[{"}), "line 1"),
        (json!({"dispatches": good()}), "array of objects"),
        (json!({"dispatches": good().to_string()}), "array of objects"),
        (json!({"dispatches": 7}), "array of objects"),
        (json!({"dispatches": "x".repeat(100_000)}), "array of objects"),
        (json!({"dispatches": format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))}), "array of objects"),
        (json!({"dispatches": [good(), 7]}), "dispatches[1]"),
        (json!({"dispatches": [good(), [good()]]}), "dispatches[1]"),
        (json!({"dispatches": [good(), null]}), "dispatches[1]"),
        (json!({"dispatches": [good(), "x".repeat(100_000)]}), "dispatches[1]"),
        (with("agent", json!(null)), "dispatches[1]: agent is missing"),
        (with("task", json!(null)), "dispatches[1]: task is missing"),
        (with("task", json!(" \n")), "dispatches[1]"),
        (with("agent", json!("nobody")), "dispatches[1]: Unknown agent: 'nobody'. Available: echo"),
        (with("agent", json!("x".repeat(100_000))), "dispatches[1]: Unknown agent"),
        (with("group", json!("nowhere")), "dispatches[1]: Unknown group: 'nowhere'. Available: shop, bad"),
        (with("group", json!("shop")), "dispatches[1]: agent 'echo' is not a member of group 'shop'. Members: other"),
        (with("group", json!("bad")), "dispatches[1]: group 'bad' is disabled"),
        (with("timeout_seconds", json!("soon")), "dispatches[1]: timeout_seconds"),
        (with("summary_chars", json!([1])), "dispatches[1]: summary_chars"),
        (with("return_ref", json!("perhaps")), "dispatches[1]: return_ref"),
        (with("response_format", json!("xml")), "dispatches[1]: response_format"),
        (json!({"dispatches": [good()], "aggregate": "nobody"}), "aggregate: Unknown agent: 'nobody'"),
        (json!({"dispatches": vec![good(); 101]}), "101, at most 100"),
        (json!({"dispatches": vec![json!(1); 200_000]}), "200000, at most 100"),
    ] {
        let error = mistake(&mut client, arguments);
        assert!(error.contains(named), "{named}: {error}");
    }
    assert!(world.dumps("echo", "calls").is_empty(), "nothing ran");
    client.bye();
    world.no_job_is_left();
}

#[test]
fn more_than_a_hundred_items_where_the_limit_of_runs_allows_it() {
    let mut world = World::with("result {prompt}");
    world.settings("max_concurrency: 6");
    let mut client = Client::new(&world);
    let items: Vec<Value> = (0..120).map(|n| item("echo", &format!("task {n}"))).collect();
    let id = client.call("dispatch_parallel", json!({"dispatches": items}));
    let said = client.said_at_length(id);
    let results: Vec<&str> = said.as_array().unwrap().iter().filter_map(|said| said["result"].as_str()).collect();
    assert_eq!(results, (0..120).map(|n| format!("task {n}")).collect::<Vec<_>>());
    assert!(mistake(&mut client, json!({"dispatches": vec![item("echo", "t"); 121]})).contains("at most 120"));
    // While the server is there: one that leaves stops tidying up after some tenths of a second.
    world.no_job_is_left();
    client.bye();
}

#[test]
fn what_each_item_asks_for_reaches_its_agent() {
    let mut world = World::with("dump calls\nresult {\"a\": 1}");
    world.groups("  shop: {shared_context: The host is shop-7., members: [{agent: echo}]}\n");
    let mut client = Client::new(&world);
    let items = json!([
        {"agent": "echo", "task": 7, "context": "c", "caller": "me", "goal": "g", "group": "shop",
         "response_format": "json", "timeout_seconds": "20", "summary_chars": null},
        {"agent": "echo", "task": "by reference", "return_ref": "true", "summary_chars": 3.0},
    ]);
    let said = parallel(&mut client, items);
    assert_eq!(said[0]["parsed_result"], json!({"a": 1}), "{said}");
    assert_eq!((&said[1]["size"], &said[1]["summary"]), (&json!(8), &json!("{\"a")), "{said}");
    let stored = client.ask("fetch_result", json!({"ref": said[1]["ref"]}));
    assert_eq!(stored["result"], "{\"a\": 1}");
    let prompts: Vec<String> =
        world.dumps("echo", "calls").iter().map(|call| call["prompt"].as_str().unwrap().to_owned()).collect();
    let first = prompts.iter().find(|prompt| prompt.contains("## Goal\ng")).unwrap();
    for part in [
        "## Dispatched by\nme",
        "## Context\nShared context of the group 'shop':\nThe host is shop-7.\n\nc",
        "## Task\n7",
    ] {
        assert!(first.contains(part), "{part}: {first}");
    }
    client.bye();
    assert_eq!(world.records().len(), 1, "only what was left there stays");
}

#[test]
fn identical_items_share_one_run_and_the_cache() {
    let world = World::with("dump calls\nsleep 100\nresult once");
    let mut client = Client::new(&world);
    let items = json!([item("echo", "t"), item("echo", "t"), item("echo", "t")]);
    let said = parallel(&mut client, items.clone());
    let paid = |said: &Value| said.as_array().unwrap().iter().filter(|said| said.get("cached").is_none()).count();
    assert_eq!((paid(&said), world.dumps("echo", "calls").len()), (1, 1), "{said}");
    assert_eq!(paid(&parallel(&mut client, items)), 0);
    assert_eq!(client.ask("dispatch", item("echo", "t"))["cached"], true);
    assert_eq!(world.dumps("echo", "calls").len(), 1);
    client.bye();
    world.no_job_is_left();
}

#[test]
fn an_agent_puts_the_answers_together() {
    let mut world = World::with("result all well");
    world.agent("half", "result half of it\\n\\nSTATUS: partial");
    world.agent("broken", "say reading\nerror api 500 broken");
    world.agent("chief", "dump calls\nresult the summary");
    world.agent("ill", "exit 3");
    let mut client = Client::new(&world);
    let items = json!([item("echo", "t"), item("half", "t"), item("broken", "t"),
        {"agent": "echo", "task": "u", "return_ref": true, "summary_chars": 3}]);
    let id = client.call("dispatch_parallel", json!({"dispatches": items, "aggregate": "chief"}));
    let said = client.said(id);
    assert_eq!(said.as_object().unwrap().keys().collect::<Vec<_>>(), ["individual_results", "aggregated"]);
    assert_eq!(said["individual_results"].as_array().map(Vec::len), Some(4));
    assert_eq!((&said["aggregated"]["agent"], &said["aggregated"]["result"]), (&json!("chief"), &json!("the summary")));
    let calls = world.dumps("chief", "calls");
    let prompt = calls[0]["prompt"].as_str().unwrap();
    for part in [
        "## Dispatched by\ndispatch_parallel",
        "## Agent: echo [OK]\nall well\n",
        "## Agent: half [OK, agent reports PARTIAL]\nhalf of it\n",
        "## Agent: broken [FAILED]\n",
        "## Agent: echo [OK, preview of 8 chars]\nall\n",
    ] {
        assert!(prompt.contains(part), "{part}: {prompt}");
    }
    let said = client.ask("dispatch_parallel", json!({"dispatches": [item("echo", "t")], "aggregate": "ill"}));
    assert_eq!(said["individual_results"][0]["success"], true);
    assert_eq!(said["aggregated"]["success"], false, "{said}");
    client.bye();
    assert_eq!(world.records().len(), 1, "only the reference stays");
}

#[test]
fn the_caller_hears_which_item_does_what_and_how_many_are_done() {
    let mut world = World::with("say working\nresult one");
    world.agent("other", "wait-file go\ntool Bash {}\nresult two");
    world.agent("chief", "result all");
    let mut client = Client::new(&world);
    let arguments = json!({"dispatches": [item("echo", "t"), item("other", "t")], "aggregate": "chief"});
    let id = client.call_with_progress("dispatch_parallel", arguments);
    let hears = |client: &mut Client, text: &str| {
        let says = |message: &Value| message["params"]["message"].as_str().is_some_and(|said| said.starts_with(text));
        client.wait(text, |message| message["method"] == PROGRESS && says(message));
    };
    hears(&mut client, "0/2 done · #1 echo: turn 1 · working");
    hears(&mut client, "1/2 done · #1 echo: answered");
    fs::write(world.path("other").join("go"), "").unwrap();
    hears(&mut client, "1/2 done · #2 other: turn 1 · Bash");
    hears(&mut client, "2/2 done · #2 other: answered");
    hears(&mut client, "2/2 done · aggregate chief: started");
    assert_eq!(client.said(id)["aggregated"]["result"], "all");
    client.bye();
}

#[test]
fn a_cancelled_call_ends_all_of_its_runs_and_starts_no_more() {
    let mut world = World::with("dump calls\nspawn-setsid ignore-term\nsilence");
    world.settings("max_concurrency: 2");
    world.agent("next", "result next");
    let mut client = Client::new(&world);
    let items: Vec<Value> = (0..20).map(|n| item("echo", &format!("t{n}"))).collect();
    let id = client.call("dispatch_parallel", json!({"dispatches": items}));
    until("two runs", || (world.dumps("echo", "calls").len() == 2).then_some(()));
    until("their trees", || (world.workers().len() >= 4).then_some(()));
    let tree = world.workers();
    client.cancel(id);
    within(SOON, "the trees to be gone", || tree.iter().all(|pid| !alive(*pid)).then_some(()));
    // An item that was just being submitted is written down and given a supervisor, which then finds its caller gone.
    until("the end of all that was submitted", || {
        world.records().iter().all(|record| record["status"] == "cancelled").then_some(())
    });
    until("the supervisors to leave", || world.supervisors().is_empty().then_some(()));
    assert_eq!(world.dumps("echo", "calls").len(), 2, "nothing else ever ran");
    assert!(client.wait_within(Duration::ZERO, |message| message["id"] == id).is_none());
    assert_eq!(client.ask("dispatch", item("next", "t"))["result"], "next", "and the server goes on");
    client.bye();
}

#[test]
fn a_server_that_is_killed_loses_no_answer_that_was_there() {
    let mut world = World::with("touch ready\nsilence");
    world.agent("first", "result there already");
    let mut client = Client::new(&world);
    client.call("dispatch_parallel", json!({"dispatches": [item("first", "t"), item("echo", "t")]}));
    world.record_when("the first answer", |record| record["agent"] == "first" && record["status"] == "done");
    until("the other run", || world.path("echo").join("ready").exists().then_some(()));
    client.signal(Signal::KILL);
    world.record_when("the end of the other", |record| record["agent"] == "echo" && record["status"] == "cancelled");
    within(SOON, "all processes to be gone", || world.workers().is_empty().then_some(()));
    let mut next = Client::new(&world);
    let jobs = next.ask("dispatch_jobs", json!({"agent": "first"}));
    assert_eq!(next.ask("fetch_result", json!({"ref": jobs[0]["id"]}))["result"], "there already");
    next.bye();
}
