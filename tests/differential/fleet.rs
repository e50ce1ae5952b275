//! Several agents in one call.

use serde_json::{Value, json};

use super::{Case, Step, call};
use crate::support::world::World;

pub fn cases() -> Vec<Case> {
    vec![Case { name: "parallel", world, steps: parallel() }, Case { name: "dialogue", world, steps: dialogue() }]
}

fn world() -> World {
    let mut world = World::new();
    world.agent("a", "cost 0.25\nturns 2\nresult from a");
    world.agent("b", "cost 0.5\nresult from b\\nSTATUS: partial");
    world.agent("json", "result {\"a\": 1}");
    world.agent("bad", "error credit");
    world.agent_with("slow", "silence", "timeout: 1");
    world.agent("echo", "");
    world.agent("agrees", "cost 0.125\nresult agreed [RESOLVED]");
    world.agent("quotes", "result you said [RESOLVED] too early");
    world.agent("turns-around", "cost 0.25\non-call 1\nresult not yet\non-call *\nresult now it is\\n[RESOLVED]");
    world.entry("gone", &world.path("nowhere"), "");
    world
}

fn items(what: &'static str, items: Value, more: Value) -> Step {
    // As text, the only form that the older implementation takes.
    let mut arguments = json!({"dispatches": items.to_string()});
    for (key, value) in more.as_object().unwrap() {
        arguments[key] = value.clone();
    }
    call(what, "dispatch_parallel", arguments)
}

fn parallel() -> Vec<Step> {
    let both = json!([{"agent": "a", "task": "1"}, {"agent": "b", "task": "2"}]);
    let many = Value::from(vec![json!({"agent": "a", "task": "t"}); 101]);
    vec![
        items("two", both.clone(), json!({})),
        items("again", both.clone(), json!({})),
        items("one that fails", json!([{"agent": "bad", "task": "1"}, {"agent": "a", "task": "3"}]), json!({})),
        items("one that is gone", json!([{"agent": "gone", "task": "1"}, {"agent": "a", "task": "3"}]), json!({})),
        items("one that is slow", json!([{"agent": "slow", "task": "1"}]), json!({})),
        items(
            "every field",
            json!([{"agent": "json", "task": "t", "context": "c", "caller": "me", "goal": "g",
            "response_format": "json", "return_ref": true, "summary_chars": 3, "timeout_seconds": 30}]),
            json!({}),
        ),
        items("aggregated", both.clone(), json!({"aggregate": "echo"})),
        items(
            "aggregated with failures",
            json!([{"agent": "bad", "task": "1"}, {"agent": "a", "task": "9"}]),
            json!({"aggregate": "echo"}),
        ),
        items("aggregated by nobody", both.clone(), json!({"aggregate": "nobody"})),
        items("aggregated by one that fails", both, json!({"aggregate": "bad"})),
        items("none", json!([]), json!({})),
        items("no list", json!({"agent": "a", "task": "t"}), json!({})),
        items("not objects", json!([1]), json!({})),
        items(
            "an unknown agent",
            json!([{"agent": "a", "task": "never"}, {"agent": "nobody", "task": "t"}]),
            json!({}),
        ),
        items("an item without a task", json!([{"agent": "a"}]), json!({})),
        items("an item without an agent", json!([{"task": "t"}]), json!({})),
        items("an item with an empty task", json!([{"agent": "a", "task": ""}]), json!({})),
        items("an item with an unknown group", json!([{"agent": "a", "task": "t", "group": "x"}]), json!({})),
        items("an item with a bad number", json!([{"agent": "a", "task": "t", "timeout_seconds": "soon"}]), json!({})),
        items("too many", many, json!({})),
        call("no JSON", "dispatch_parallel", json!({"dispatches": "[{"})),
        call("an empty text", "dispatch_parallel", json!({"dispatches": ""})),
        call("nothing", "dispatch_parallel", json!({})),
        call("a real array", "dispatch_parallel", json!({"dispatches": [{"agent": "a", "task": "array"}]})),
        call("the cache", "cache_stats", json!({})),
    ]
}

fn dialogue() -> Vec<Step> {
    let talk = |what, requester: &str, responder: &str, rounds: Value| {
        let mut arguments = json!({"requester": requester, "responder": responder, "topic": "the topic"});
        if !rounds.is_null() {
            arguments["max_rounds"] = rounds;
        }
        call(what, "dispatch_dialogue", arguments)
    };
    vec![
        talk("resolved by the responder", "a", "agrees", Value::Null),
        talk("resolved by the requester", "agrees", "a", Value::Null),
        talk("quoted only", "a", "quotes", json!(1)),
        talk("resolved in the second round", "a", "turns-around", Value::Null),
        talk("never resolved", "a", "b", json!(2)),
        talk("no rounds", "a", "b", json!(0)),
        talk("a negative number of rounds", "a", "b", json!(-4)),
        talk("the responder fails", "a", "bad", Value::Null),
        talk("the requester fails", "bad", "a", Value::Null),
        talk("the responder is gone", "a", "gone", Value::Null),
        talk("with itself", "a", "a", json!(1)),
        talk("unknown requester", "nobody", "a", Value::Null),
        talk("unknown responder", "a", "nobody", Value::Null),
        talk("rounds that are none", "a", "b", json!("many")),
        call("no topic", "dispatch_dialogue", json!({"requester": "a", "responder": "b"})),
        call("an empty topic", "dispatch_dialogue", json!({"requester": "a", "responder": "b", "topic": ""})),
    ]
}
