//! What a dispatch answers, on every way.

use std::fs;

use serde_json::{Value, json};

use super::{Case, Step, call, change};
use crate::support::world::World;

pub fn cases() -> Vec<Case> {
    vec![
        Case { name: "prompts", world: || World::with(""), steps: prompts() },
        Case { name: "answers", world: scenes, steps: answers() },
        Case { name: "obstacles", world: obstacles_world, steps: obstacles() },
        Case {
            name: "sessions",
            world: || World::with("on-call 1\nresult hello\non-call *\nquote-previous"),
            steps: sessions(),
        },
        Case { name: "cache", world: scenes, steps: cache() },
        Case { name: "references", world: scenes, steps: references() },
        Case { name: "arguments", world: scenes, steps: arguments() },
        Case {
            name: "no cache",
            world: || {
                let mut world = World::with("result fine");
                world.settings("cache: {enabled: false}");
                world
            },
            steps: vec![
                call("once", "dispatch", json!({"agent": "echo", "task": "t"})),
                call("again", "dispatch", json!({"agent": "echo", "task": "t"})),
                call("stats", "cache_stats", json!({})),
                call("clear", "cache_clear", json!({})),
            ],
        },
        Case {
            name: "nested",
            world: || {
                let mut world = World::with("result fine");
                world.env("AGENT_DISPATCH_DEPTH", "3");
                world
            },
            steps: vec![
                call("dispatch", "dispatch", json!({"agent": "echo", "task": "t"})),
                call("session", "dispatch_session", json!({"agent": "echo", "task": "t"})),
                call("stream", "dispatch_stream", json!({"agent": "echo", "task": "t"})),
                call("reference", "dispatch", json!({"agent": "echo", "task": "t", "return_ref": true})),
            ],
        },
        Case {
            name: "no CLI",
            world: || {
                let world = World::with("result fine");
                fs::write(world.path("no-claude"), "").unwrap();
                world
            },
            steps: vec![
                call("dispatch", "dispatch", json!({"agent": "echo", "task": "t"})),
                call("stream", "dispatch_stream", json!({"agent": "echo", "task": "t"})),
            ],
        },
    ]
}

fn dispatch(what: &'static str, mut arguments: Value) -> Step {
    if arguments.get("agent").is_none() {
        arguments["agent"] = json!("echo");
    }
    call(what, "dispatch", arguments)
}

/// The answer repeats the prompt.
fn prompts() -> Vec<Step> {
    vec![
        dispatch("bare", json!({"task": "do it"})),
        dispatch("context", json!({"task": "do it", "context": "facts\nmore"})),
        dispatch("caller", json!({"task": "do it", "caller": "web"})),
        dispatch("goal", json!({"task": "do it", "goal": "ship"})),
        dispatch("everything", json!({"task": "do it", "context": "facts", "caller": "web", "goal": "ship"})),
        dispatch("white space", json!({"task": "  do it\n\n", "context": " "})),
        dispatch("beyond ASCII", json!({"task": "t\u{e9} \u{1f600} \u{2028}"})),
        call(
            "stream",
            "dispatch_stream",
            json!({"agent": "echo", "task": "do it", "context": "facts", "goal": "ship"}),
        ),
        call(
            "session",
            "dispatch_session",
            json!({"agent": "echo", "task": "do it", "context": "facts", "caller": "web"}),
        ),
    ]
}

/// Each agent answers in a way of its own.
const SCENES: [(&str, &str, &str); 27] = [
    ("plain", "cost 0.25\nturns 3\nresult fine", ""),
    ("done", "result all is well\\nSTATUS: done", ""),
    ("partial", "result half of it\\nSTATUS: partial", ""),
    ("blocked", "result nothing\\n**STATUS: blocked**", ""),
    ("reason", "result half\\nSTATUS: partial - no access", ""),
    ("lowercase", "result half\\nstatus: Partial", ""),
    ("early-status", "result STATUS: done\\nand then more", ""),
    ("only-status", "result STATUS: done", ""),
    ("json", "result {\"a\": [1, 2]}", ""),
    ("fenced", "result ```json\\n{\"a\": 1}\\n```\\nSTATUS: done", ""),
    ("no-json", "result not JSON", ""),
    ("null-json", "result null", ""),
    ("denied", "deny Bash\ndeny Write\ndeny Bash\nresult could not", ""),
    ("denied-error", "deny Bash\nerror api 500 boom", ""),
    ("dear", "cost 2.5\nresult fine", "max_budget_usd: 1.0"),
    ("budget", "cost 1.2\nsubtype error_max_budget_usd", "max_budget_usd: 1.0"),
    ("turns", "subtype error_max_turns", ""),
    ("credit", "error credit", ""),
    ("weekly", "error weekly-limit", ""),
    ("session-limit", "error session-limit", ""),
    ("overloaded", "error overloaded", ""),
    ("login", "error oauth", ""),
    ("silent", "no-result\nexit 0", ""),
    ("stderr", "no-init\nstderr Error: something broke\nexit 1", ""),
    ("killed", "say on my way\nsignal KILL", ""),
    ("empty", "result", ""),
    ("slow", "say on my way\nsilence", "timeout: 1"),
];

fn scenes() -> World {
    let mut world = World::new();
    for (name, scene, keys) in SCENES {
        world.agent_with(name, scene, keys);
    }
    world
}

fn answers() -> Vec<Step> {
    let mut steps = Vec::new();
    for (agent, _, _) in SCENES {
        steps.push(call(agent, "dispatch", json!({"agent": agent, "task": "t"})));
        steps.push(Step { what: agent, ..call(agent, "dispatch_stream", json!({"agent": agent, "task": "t"})) });
        steps.push(call(agent, "dispatch_session", json!({"agent": agent, "task": "t", "response_format": "json"})));
    }
    steps
}

fn obstacles_world() -> World {
    let mut world = World::with("result fine");
    world.entry("gone", &world.path("nowhere"), "");
    fs::write(world.path("file"), "").unwrap();
    world.entry("file", &world.path("file"), "");
    let directory = world.path("echo");
    world.entry("flag", &directory, "model: --version");
    world.entry("negative", &directory, "timeout: -1");
    world.entry("nan", &directory, "max_budget_usd: .nan");
    world
}

fn obstacles() -> Vec<Step> {
    let mut steps = vec![call("all", "list_agents", json!({}))];
    for agent in ["gone", "file", "flag", "negative", "nan", "nobody", "", " echo"] {
        steps.push(call(agent, "dispatch", json!({"agent": agent, "task": "t"})));
    }
    steps.push(call("stream of a missing directory", "dispatch_stream", json!({"agent": "gone", "task": "t"})));
    steps.push(call("session of a missing directory", "dispatch_session", json!({"agent": "gone", "task": "t"})));
    steps.push(call("the others still work", "dispatch", json!({"agent": "echo", "task": "t"})));
    steps
}

fn sessions() -> Vec<Step> {
    let session = |what, arguments: Value| {
        let mut arguments = arguments;
        arguments["agent"] = json!("echo");
        call(what, "dispatch_session", arguments)
    };
    vec![
        session("new", json!({"task": "first"})).keep("session", "/session_id"),
        session("resumed", json!({"task": "second", "session_id": "{session}"})),
        session("resumed again", json!({"task": "third", "session_id": "{session}", "context": "c", "goal": "g"})),
        session("unknown", json!({"task": "t", "session_id": "00000000-0000-4000-8000-000000000000"})),
        session("no id", json!({"task": "t", "session_id": "not an id"})),
        session("a flag", json!({"task": "t", "session_id": "--version"})),
        session("null", json!({"task": "t", "session_id": null})),
        session("JSON", json!({"task": "t", "response_format": "json", "session_id": "{session}"})),
    ]
}

fn cache() -> Vec<Step> {
    let ask = |what, arguments: Value| {
        let mut arguments = arguments;
        arguments["task"] = json!("t");
        call(what, "dispatch", arguments)
    };
    vec![
        call("empty", "cache_stats", json!({})),
        ask("first", json!({"agent": "plain"})),
        ask("hit", json!({"agent": "plain"})),
        ask("hit with another time limit", json!({"agent": "plain", "timeout_seconds": 77})),
        ask("another caller", json!({"agent": "plain", "caller": "web"})),
        ask("another context", json!({"agent": "plain", "context": "c"})),
        ask("another goal", json!({"agent": "plain", "goal": "g"})),
        ask("another form", json!({"agent": "plain", "response_format": "json"})),
        ask("hit by reference", json!({"agent": "plain", "return_ref": true})),
        ask("a failure", json!({"agent": "credit"})),
        ask("a failure is not kept", json!({"agent": "credit"})),
        ask("partial", json!({"agent": "partial"})),
        ask("partial is not kept", json!({"agent": "partial"})),
        ask("denied", json!({"agent": "denied"})),
        ask("denied is not kept", json!({"agent": "denied"})),
        ask("too dear", json!({"agent": "dear"})),
        ask("too dear is not kept", json!({"agent": "dear"})),
        call("filled", "cache_stats", json!({})),
        call("change", "update_agent", json!({"name": "plain", "model": "haiku"})),
        ask("after the change", json!({"agent": "plain"})),
        call("clear", "cache_clear", json!({})),
        call("cleared", "cache_stats", json!({})),
        ask("first again", json!({"agent": "plain"})),
    ]
}

fn references() -> Vec<Step> {
    let by = |what, arguments: Value| {
        let mut arguments = arguments;
        arguments["task"] = json!("t");
        arguments["return_ref"] = json!(true);
        call(what, "dispatch", arguments)
    };
    vec![
        by("plain", json!({"agent": "plain"})).keep("ref", "/ref"),
        by("short", json!({"agent": "done", "summary_chars": 3})),
        by("no summary", json!({"agent": "done", "summary_chars": 0, "caller": "a"})),
        by("negative summary", json!({"agent": "done", "summary_chars": -5, "caller": "b"})),
        by("huge summary", json!({"agent": "done", "summary_chars": 10_000_000, "caller": "c"})),
        by("partial", json!({"agent": "partial"})),
        by("JSON", json!({"agent": "json", "response_format": "json"})),
        by("denied", json!({"agent": "denied"})),
        by("too dear", json!({"agent": "dear"})),
        by("a failure", json!({"agent": "credit"})).keep("failed", "/ref"),
        by("out of time", json!({"agent": "slow"})),
        call("fetched", "fetch_result", json!({"ref": "{ref}"})),
        call("fetched in part", "fetch_result", json!({"ref": "{ref}", "max_chars": 2})),
        call("fetched whole", "fetch_result", json!({"ref": "{ref}", "max_chars": 4})),
        call("fetched with a negative bound", "fetch_result", json!({"ref": "{ref}", "max_chars": -1})),
        call("a fetched failure", "fetch_result", json!({"ref": "{failed}"})),
        call("no such reference", "fetch_result", json!({"ref": "f".repeat(32)})),
        call("no reference", "fetch_result", json!({"ref": "../x"})),
        call("an empty reference", "fetch_result", json!({"ref": ""})),
        call("nothing", "fetch_result", json!({})),
        call("their status", "dispatch_status", json!({"job_id": "{ref}"})),
        call("their list", "dispatch_jobs", json!({})),
    ]
}

fn arguments() -> Vec<Step> {
    vec![
        dispatch("no task", json!({"agent": "plain"})),
        call("no agent", "dispatch", json!({"task": "t"})),
        dispatch("empty task", json!({"agent": "plain", "task": ""})),
        dispatch("blank task", json!({"agent": "plain", "task": " \n"})),
        dispatch("a number as text", json!({"agent": "plain", "task": "1", "timeout_seconds": "30"})),
        dispatch("a whole float", json!({"agent": "plain", "task": "2", "timeout_seconds": 30.0})),
        dispatch("null", json!({"agent": "plain", "task": "3", "context": null, "timeout_seconds": null})),
        dispatch("a fraction", json!({"agent": "plain", "task": "4", "timeout_seconds": 30.5})),
        dispatch("no number", json!({"agent": "plain", "task": "5", "timeout_seconds": "soon"})),
        dispatch("unknown key", json!({"agent": "plain", "task": "6", "temperature": 1})),
        dispatch("a negative limit", json!({"agent": "plain", "task": "7", "timeout_seconds": -5})),
        dispatch("a huge limit", json!({"agent": "plain", "task": "8", "timeout_seconds": 1_000_000_000})),
        dispatch("a limit that is raised", json!({"agent": "slow", "task": "9", "timeout_seconds": 0})),
        dispatch("an unknown form", json!({"agent": "plain", "task": "10", "response_format": "xml"})),
        dispatch("a form in capitals", json!({"agent": "json", "task": "11", "response_format": "JSON"})),
        dispatch("a task of another kind", json!({"agent": "plain", "task": 12})),
        dispatch("an array as a task", json!({"agent": "plain", "task": ["a"]})),
        dispatch("a flag as text", json!({"agent": "plain", "task": "13", "return_ref": "true"})),
        dispatch("an unknown group", json!({"agent": "plain", "task": "14", "group": "shop"})),
        dispatch("a NUL", json!({"agent": "plain", "task": "a\u{0}b"})),
        dispatch("a task like a flag", json!({"agent": "plain", "task": "--help"})),
        change("nothing", |_| {}),
        call("an unknown tool", "dispatch_all", json!({})),
    ]
}
