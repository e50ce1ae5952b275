//! Several requests in one call, two agents that talk, and groups.

use serde_json::{Value, json};

use super::{Case, Step, call, run};
use crate::support::world::World;

pub fn cases() -> Vec<Case> {
    vec![
        Case { name: "parallel", world: several, steps: parallel() },
        Case { name: "aggregate", world: several, steps: aggregate() },
        Case { name: "dialogue", world: talkers, steps: dialogue() },
        Case { name: "groups", world: grouped, steps: groups() },
        Case { name: "no groups", world: || World::with("result fine"), steps: no_groups() },
        Case { name: "group commands", world: grouped, steps: commands() },
    ]
}

fn several() -> World {
    let mut world = World::new();
    for (name, scene, keys) in [
        ("plain", "cost 0.25\nturns 3\nresult fine", ""),
        ("partial", "result half of it\\nSTATUS: partial", ""),
        ("blocked", "result nothing\\nSTATUS: blocked", ""),
        ("json", "result {\"a\": [1, 2]}", ""),
        ("denied", "deny Bash\nresult could not", ""),
        ("dear", "cost 2.5\nresult fine", "max_budget_usd: 1.0"),
        ("credit", "error credit", ""),
        ("chief", "cost 0.5\nresult the summary", ""),
        ("reader", "", ""),
    ] {
        world.agent_with(name, scene, keys);
    }
    world.entry("gone", &world.path("nowhere"), "");
    world
}

fn item(agent: &str, task: &str) -> Value {
    json!({"agent": agent, "task": task})
}

/// The items as the older implementation takes them, which is as text.
fn text(what: &'static str, items: Value) -> Step {
    call(what, "dispatch_parallel", json!({"dispatches": items.to_string()}))
}

fn parallel() -> Vec<Step> {
    let with = |key: &str, value: Value| {
        let mut item = item("plain", "with");
        item[key] = value;
        json!([item])
    };
    vec![
        text("one", json!([item("plain", "t")])),
        text("the same", json!([item("plain", "t"), item("plain", "u")])),
        text(
            "all kinds",
            json!([
                item("credit", "t"),
                item("partial", "t"),
                item("gone", "t"),
                item("denied", "t"),
                item("dear", "t"),
                item("blocked", "t")
            ]),
        ),
        text("JSON", json!([{"agent": "json", "task": "t", "response_format": "json"}])),
        text(
            "by reference",
            json!([{"agent": "plain", "task": "r", "return_ref": true, "summary_chars": 2},
                {"agent": "credit", "task": "r", "return_ref": true}, item("plain", "s")]),
        )
        .keep("ref", "/0/ref"),
        call("the reference", "fetch_result", json!({"ref": "{ref}"})),
        text(
            "everything",
            json!([{"agent": "plain", "task": "e", "context": "c", "caller": "me", "goal": "g",
            "response_format": "", "return_ref": false, "summary_chars": 9, "timeout_seconds": 60, "group": ""}]),
        ),
        text("a number as text", with("timeout_seconds", json!("60"))),
        text("no number", with("timeout_seconds", json!("soon"))),
        text("a list for a number", with("summary_chars", json!([1]))),
        text("an unknown key", with("temperature", json!(1))),
        text("an unknown group", with("group", json!("shop"))),
        text("no task", json!([{"agent": "plain"}])),
        text("no agent", json!([item("plain", "n"), {"task": "t"}])),
        text("an unknown agent", json!([item("plain", "n"), item("nobody", "n")])),
        text("no object", json!([1])),
        text("no list", item("plain", "t")),
        text("nothing", json!([])),
        call("no JSON", "dispatch_parallel", json!({"dispatches": "[{"})),
        call("not given", "dispatch_parallel", json!({})),
        text("too many", Value::Array(vec![item("plain", "m"); 101])),
        call("a real list", "dispatch_parallel", json!({"dispatches": [item("plain", "l")]})),
        call("in the cache", "cache_stats", json!({})),
    ]
}

fn aggregate() -> Vec<Step> {
    let by = |what, agent: &str, items: Value| {
        call(what, "dispatch_parallel", json!({"dispatches": items.to_string(), "aggregate": agent}))
    };
    vec![
        by("one", "chief", json!([item("plain", "t")])),
        by("all kinds", "chief", json!([item("plain", "t"), item("credit", "t"), item("partial", "t")])),
        by("all fail", "chief", json!([item("credit", "t"), item("gone", "t")])),
        by("it fails", "credit", json!([item("plain", "t")])),
        by("it is gone", "gone", json!([item("plain", "t")])),
        by("by reference", "chief", json!([{"agent": "plain", "task": "r", "return_ref": true}])),
        by("an unknown one", "nobody", json!([item("plain", "t")])),
        by("none", "", json!([item("plain", "t")])),
    ]
}

fn talkers() -> World {
    let mut world = World::new();
    for (name, scene) in [
        ("asks", "cost 0.25\nresult and then?"),
        ("tells", "cost 0.5\nresult like this"),
        ("solves", "cost 0.5\nresult like this.\\n\\n[RESOLVED]"),
        ("marks", "result [RESOLVED]"),
        ("states", "result like this. [RESOLVED]\\nSTATUS: done"),
        ("quotes", "result I end with [RESOLVED] later"),
        ("small", "result done [resolved]"),
        ("denied", "deny Bash\nresult could not"),
        ("unpaid", "without total_cost_usd\nresult free"),
        ("credit", "error credit"),
    ] {
        world.agent(name, scene);
    }
    world.entry("gone", &world.path("nowhere"), "");
    world
}

fn dialogue() -> Vec<Step> {
    let talk = |what, requester: &str, responder: &str| {
        let arguments = json!({"requester": requester, "responder": responder, "topic": "why?", "max_rounds": 2});
        call(what, "dispatch_dialogue", arguments)
    };
    let rounds = |what, rounds: Value| {
        let arguments = json!({"requester": "asks", "responder": "tells", "topic": "why?", "max_rounds": rounds});
        call(what, "dispatch_dialogue", arguments)
    };
    vec![
        talk("to the last round", "asks", "tells"),
        talk("resolved at once", "asks", "solves"),
        talk("resolved by the one who asks", "solves", "tells"),
        talk("only the mark", "asks", "marks"),
        talk("with a status", "asks", "states"),
        talk("quoted", "asks", "quotes"),
        talk("in small letters", "asks", "small"),
        talk("denied", "asks", "denied"),
        talk("without a cost", "asks", "unpaid"),
        talk("with itself", "tells", "tells"),
        talk("a failure at once", "asks", "credit"),
        talk("a failure then", "credit", "tells"),
        talk("somebody is gone", "asks", "gone"),
        talk("an unknown requester", "nobody", "tells"),
        talk("an unknown responder", "asks", "nobody"),
        rounds("no rounds", json!(0)),
        rounds("negative rounds", json!(-3)),
        rounds("many rounds", json!(99)),
        rounds("rounds as text", json!("1")),
        rounds("rounds of another kind", json!("many")),
        call("rounds not given", "dispatch_dialogue", json!({"requester": "asks", "responder": "tells", "topic": "t"})),
        call("no topic", "dispatch_dialogue", json!({"requester": "asks", "responder": "tells"})),
        call("an empty topic", "dispatch_dialogue", json!({"requester": "asks", "responder": "solves", "topic": ""})),
        call("nothing is cached", "cache_stats", json!({})),
    ]
}

fn grouped() -> World {
    let mut world = World::with("cost 0.25\nresult fine");
    world.agent("other", "result fine");
    world.entry("gone", &world.path("nowhere"), "description: Gone");
    world.groups(
        "  shop:\n    description: db first\n    shared_context: The host is shop-7.\n    members: [{agent: echo, use_for: deploy}, {agent: gone}, {agent: nobody}]\n  bare:\n    members: [{agent: echo}]\n  empty: {}\n",
    );
    world
}

fn groups() -> Vec<Step> {
    let ask =
        |what, agent: &str, group: &str| call(what, "dispatch", json!({"agent": agent, "task": "t", "group": group}));
    vec![
        call("all", "list_groups", json!({})),
        call("one", "inspect_group", json!({"name": "shop"})),
        call("a bare one", "inspect_group", json!({"name": "bare"})),
        call("an empty one", "inspect_group", json!({"name": "empty"})),
        call("an unknown one", "inspect_group", json!({"name": "nowhere"})),
        call("none", "inspect_group", json!({})),
        ask("a member", "echo", "shop"),
        ask("a member again", "echo", "shop"),
        ask("without the group", "echo", ""),
        ask("in a bare one", "echo", "bare"),
        ask("a stranger", "other", "shop"),
        ask("in an empty one", "other", "empty"),
        ask("in an unknown one", "other", "nowhere"),
        ask("an unknown agent in an unknown one", "nobody", "nowhere"),
        call("in the background", "dispatch_async", json!({"agent": "echo", "task": "b", "group": "bare"})),
        call("a stranger in the background", "dispatch_async", json!({"agent": "other", "task": "b", "group": "shop"})),
        text("at once", json!([{"agent": "echo", "task": "p", "group": "shop"}])),
        text("a stranger at once", json!([{"agent": "other", "task": "p", "group": "shop"}])),
    ]
}

fn no_groups() -> Vec<Step> {
    vec![
        call("all", "list_groups", json!({})),
        call("one", "inspect_group", json!({"name": "x"})),
        call("dispatch", "dispatch", json!({"agent": "echo", "task": "t", "group": "x"})),
        run("list", &["group", "list"]),
    ]
}

fn commands() -> Vec<Step> {
    vec![
        run("list", &["group", "list"]),
        run("inspect", &["group", "inspect", "shop"]),
        run("inspect nowhere", &["group", "inspect", "nowhere"]),
        run(
            "add",
            &["group", "add", "new", "-d", "d", "--shared-context", "s", "--member", "echo", "--member", "other"],
        ),
        run("add twice", &["group", "add", "new"]),
        run("add a stranger", &["group", "add", "x", "--member", "stranger"]),
        run("add a bad name", &["group", "add", "a b"]),
        run("add an empty one", &["group", "add", "hollow"]),
        run("add without anything", &["group", "add"]),
        run("update", &["group", "update", "new", "--shared-context", "t"]),
        run("update to nothing", &["group", "update", "new", "-d", ""]),
        run("update nothing", &["group", "update", "new"]),
        run("update nowhere", &["group", "update", "nowhere", "-d", "d"]),
        call("as it is then", "inspect_group", json!({"name": "new"})),
        run("remove", &["group", "remove", "new"]),
        run("remove twice", &["group", "remove", "new"]),
        call("who is left", "list_groups", json!({})),
    ]
}
