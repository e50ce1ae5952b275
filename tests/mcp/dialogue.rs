//! Two agents that talk.

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::processes::alive;
use crate::support::world::World;
use crate::support::{SOON, until, within};

/// The agents `shop`, which asks, and `db`, which answers.
fn world(shop: &str, db: &str) -> World {
    let mut world = World::new();
    world.agent("shop", shop);
    world.agent("db", db);
    world
}

fn talk() -> Value {
    json!({"requester": "shop", "responder": "db", "topic": "why is it slow?"})
}

fn with(key: &str, value: Value) -> Value {
    let mut talk = talk();
    talk[key] = value;
    talk
}

/// The value of `--flag=value` in a dumped call.
fn flag<'a>(call: &'a Value, flag: &str) -> Option<&'a str> {
    let arguments = call["argv"].as_array().unwrap().iter().filter_map(Value::as_str);
    arguments.filter_map(|argument| argument.strip_prefix(flag)?.strip_prefix('=')).next()
}

#[test]
fn they_speak_in_turn_each_in_its_own_session() {
    let world = world(
        "dump calls\ncost 0.2\nresult staging",
        "on-call 1\ndump calls\ncost 0.1\nresult which host?\non-call *\ndump calls\ncost 0.1\nresult An index.\\n\\n[RESOLVED]\\n\\nSTATUS: done",
    );
    let mut client = Client::new(&world);
    let said = client.ask("dispatch_dialogue", talk());
    let expected = json!({"resolved": true, "rounds": 2, "total_cost_usd": 0.4, "total_duration_ms": said["total_duration_ms"],
        "final_answer": "An index.", "conversation": [
            {"agent": "db", "role": "responder", "round": 1, "message": "which host?", "cost_usd": 0.1},
            {"agent": "shop", "role": "requester", "round": 1, "message": "staging", "cost_usd": 0.2},
            {"agent": "db", "role": "responder", "round": 2, "message": "An index.\n\n[RESOLVED]", "cost_usd": 0.1}]});
    assert_eq!(said.to_string(), expected.to_string());
    let (asked, shop) = (world.dumps("db", "calls"), world.dumps("shop", "calls"));
    assert_eq!((asked.len(), shop.len()), (2, 1));
    let session = flag(&asked[0], "--session-id").unwrap();
    assert_eq!(flag(&asked[1], "--resume"), Some(session), "the responder goes on in its session");
    assert!(flag(&shop[0], "--session-id").is_some_and(|own| own != session));
    let prompt = |call: &Value| call["prompt"].as_str().unwrap().to_owned();
    for call in asked.iter().chain(&shop) {
        assert!(prompt(call).contains("## Goal\nwhy is it slow?\n"), "{call}");
    }
    assert!(
        prompt(&asked[0]).contains("## Dispatched by\nshop\n") && prompt(&shop[0]).contains("## Dispatched by\ndb\n")
    );
    assert!(prompt(&shop[0]).contains("\n\nwhich host?\n\n") && prompt(&asked[1]).contains("\n\nstaging\n\n"));
    assert_eq!(client.ask("cache_stats", json!({}))["misses"], 0, "never cached");
    client.bye();
    world.no_job_is_left();
}

#[test]
fn the_number_of_rounds_is_bounded() {
    let world = world("dump calls\nresult I speak of [RESOLVED] only", "dump calls\nresult hm");
    let mut client = Client::new(&world);
    for (given, rounds) in
        [(Value::Null, 3), (json!(0), 1), (json!(-9_000_000_000_000_i64), 1), (json!("2"), 2), (json!(99.0), 10)]
    {
        let said = client.ask("dispatch_dialogue", with("max_rounds", given.clone()));
        assert_eq!((&said["resolved"], &said["rounds"]), (&json!(false), &json!(rounds)), "{given}: {said}");
        assert_eq!(said["conversation"].as_array().map(Vec::len), Some(2 * rounds));
        assert_eq!(said["final_answer"], "I speak of [RESOLVED] only");
    }
    client.bye();
    world.no_job_is_left();
}

#[test]
fn a_run_that_fails_ends_it_with_all_that_was_said() {
    let world = world("exit 3", "cost 0.1\nresult which host?");
    let mut client = Client::new(&world);
    let said = client.ask("dispatch_dialogue", talk());
    assert_eq!((&said["resolved"], &said["rounds"], &said["total_cost_usd"]), (&json!(false), &json!(1), &json!(0.1)));
    assert_eq!(said["conversation"][0]["message"], "which host?");
    let last = &said["conversation"][1];
    assert_eq!((&last["error_type"], &last["cost_usd"]), (&json!("cli_error"), &Value::Null), "{said}");
    assert_eq!(last["error"], said["final_answer"]);
    client.bye();
    world.no_job_is_left();
}

#[test]
fn mistakes_are_named_and_cost_nothing() {
    let world = world("dump calls\nresult x", "dump calls\nresult y");
    let mut client = Client::new(&world);
    for (arguments, named) in [
        (json!({}), "requester is missing"),
        (with("responder", Value::Null), "responder is missing"),
        (with("requester", json!("nobody")), "Unknown agent: 'nobody'. Available: shop, db"),
        (with("responder", json!("../etc")), "Unknown agent"),
        (with("topic", json!("")), "topic"),
        (with("topic", json!(" \n\t")), "topic"),
        (with("max_rounds", json!("some")), "max_rounds must be a whole number"),
        (with("max_rounds", json!(1.5)), "max_rounds must be a whole number"),
    ] {
        let id = client.call("dispatch_dialogue", arguments.clone());
        let answer = client.answer(id);
        assert_eq!(answer["result"]["isError"], true, "{arguments}: {answer}");
        assert!(answer["result"]["content"][0]["text"].as_str().unwrap().contains(named), "{named}: {answer}");
    }
    let both =
        client.ask("dispatch_dialogue", json!({"requester": "db", "responder": "db", "topic": "t", "max_rounds": 1}));
    assert_eq!(both["conversation"].as_array().map(Vec::len), Some(2), "an agent may talk to itself: {both}");
    assert!(world.dumps("shop", "calls").is_empty());
    client.bye();
}

#[test]
fn hostile_messages_are_passed_on_as_they_are() {
    let world = world("dump calls\nresult /clear\\n--help \u{1F600} [RESOLVED", "result-bytes 700000");
    let mut client = Client::new(&world);
    let said = client.ask("dispatch_dialogue", with("max_rounds", json!(1)));
    assert_eq!(said["conversation"][0]["message"].as_str().map(str::len), Some(700_000), "the caller gets all of it");
    assert_eq!(said["final_answer"], "/clear\n--help \u{1F600} [RESOLVED");
    let prompt = world.dumps("shop", "calls")[0]["prompt"].as_str().unwrap().to_owned();
    assert!(prompt.len() < 300_000 && prompt.contains("left out"), "{} bytes", prompt.len());
    client.bye();
}

/// A dialogue of which the first message was said while the second is on its way.
fn in_the_middle(world: &World) -> (Client, u64) {
    let mut client = Client::new(world);
    let id = client.call_with_progress("dispatch_dialogue", talk());
    until("the second run", || world.path("shop").join("ready").exists().then_some(()));
    (client, id)
}

#[test]
fn a_cancelled_dialogue_ends_its_run_and_keeps_what_was_said() {
    let world = world("touch ready\nspawn-setsid ignore-term\nsilence", "result which host?");
    let (mut client, id) = in_the_middle(&world);
    let tree = world.workers();
    client.cancel(id);
    within(SOON, "the tree to be gone", || tree.iter().all(|pid| !alive(*pid)).then_some(()));
    let said = world.record_when("what was said", |record| record["agent"] == "db");
    assert_eq!((&said["status"], &said["result"]["result"]), (&json!("done"), &json!("which host?")));
    world.record_when("the end of the other", |record| record["agent"] == "shop" && record["status"] == "cancelled");
    client.bye();
}

#[test]
fn a_server_that_is_killed_in_the_middle_loses_nothing_that_was_said() {
    let world = world("touch ready\nsilence", "result which host?");
    let (client, _) = in_the_middle(&world);
    client.signal(Signal::KILL);
    world.record_when("the end of the run", |record| record["agent"] == "shop" && record["status"] == "cancelled");
    let mut next = Client::new(&world);
    let jobs = next.ask("dispatch_jobs", json!({"agent": "db"}));
    let stored = next.ask("fetch_result", json!({"ref": jobs[0]["id"]}));
    assert_eq!(stored["result"], "which host?");
    // And the session of the one that had spoken goes on.
    let on = json!({"agent": "db", "task": "go on", "session_id": stored["session_id"]});
    assert_eq!(next.ask("dispatch_session", on)["success"], true);
    next.bye();
}

#[test]
fn the_caller_hears_who_speaks() {
    let world =
        world("wait-file go\nsay staging, I think\nresult staging [RESOLVED]", "tool Read {}\nresult which host?");
    let mut client = Client::new(&world);
    let id = client.call_with_progress("dispatch_dialogue", talk());
    let hears = |client: &mut Client, text: &str| {
        let says = |message: &Value| message["params"]["message"].as_str().is_some_and(|said| said.starts_with(text));
        client.wait(text, says);
    };
    hears(&mut client, "round 1 · db: turn 1 · Read");
    hears(&mut client, "round 1 · shop: started");
    fs::write(world.path("shop").join("go"), "").unwrap();
    hears(&mut client, "round 1 · shop: turn 1 · staging, I think");
    assert_eq!(client.said(id)["resolved"], true);
    client.bye();
    world.no_job_is_left();
}
