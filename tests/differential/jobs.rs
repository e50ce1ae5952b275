//! Jobs.

use std::fs;

use serde_json::json;

use super::{Case, Step, call, change, run};
use crate::support::until;
use crate::support::world::World;

const NONE: &str = "0123456789abcdef0123456789abcdef";

pub fn cases() -> Vec<Case> {
    vec![
        Case { name: "jobs", world: quick, steps: life() },
        Case {
            name: "a job that runs",
            world: || World::with("say working\ntouch ready\nwait-file go\nresult the answer"),
            steps: running(),
        },
        Case { name: "a full house", world: crowded, steps: waiting() },
        Case { name: "ids", world: quick, steps: ids() },
        Case { name: "old jobs", world: || World::new(), steps: collected() },
    ]
}

fn quick() -> World {
    let mut world = World::new();
    world.agent(
        "quick",
        "cost 0.25\nturns 2\nsay looking\ntool Bash {\"command\": \"ls\"}\nresult quick answer\\nSTATUS: partial",
    );
    world.agent("bad", "error credit");
    world.agent_with("slow", "silence", "timeout: 1");
    world.entry("gone", &world.path("nowhere"), "");
    world
}

fn submit(what: &'static str, agent: &str, name: &'static str) -> Step {
    let arguments =
        json!({"agent": agent, "task": format!("task of {agent}"), "context": "c", "caller": "me", "goal": "g"});
    call(what, "dispatch_async", arguments).keep(name, "/job_id")
}

fn wait(what: &'static str, name: &str) -> Step {
    call(what, "dispatch_wait", json!({"job_id": name, "timeout_seconds": 50}))
}

fn life() -> Vec<Step> {
    vec![
        submit("good", "quick", "good"),
        wait("its end", "{good}"),
        submit("bad", "bad", "bad"),
        wait("the bad end", "{bad}"),
        submit("slow", "slow", "slow"),
        wait("the late end", "{slow}"),
        call("unknown", "dispatch_async", json!({"agent": "nobody", "task": "t"})),
        call("no task", "dispatch_async", json!({"agent": "quick"})),
        call("status", "dispatch_status", json!({"job_id": "{good}"})),
        call("result", "fetch_result", json!({"ref": "{good}"})),
        call("part of it", "fetch_result", json!({"ref": "{good}", "max_chars": 5})),
        call("result of the bad one", "fetch_result", json!({"ref": "{bad}"})),
        call("cancelled too late", "dispatch_cancel", json!({"job_id": "{good}"})),
        call("waited for too late", "dispatch_wait", json!({"job_id": "{good}", "timeout_seconds": 1})),
        call("those of one agent", "dispatch_jobs", json!({"agent": "quick"})),
        call("those of nobody", "dispatch_jobs", json!({"agent": "nobody"})),
        call("those that are done", "dispatch_jobs", json!({"status": "done"})),
        call("those that are pending", "dispatch_jobs", json!({"status": "pending"})),
        call("a status that is none", "dispatch_jobs", json!({"status": "finished"})),
        call("at least one", "dispatch_jobs", json!({"limit": 0, "status": "done"})),
        call("at most a thousand", "dispatch_jobs", json!({"limit": 100_000, "status": "done"})),
        run("one on the command line", &["job", "{good}", "--json"]),
        run("the same as text", &["job", "{good}"]),
        run("the list on the command line", &["jobs", "--agent", "quick", "--json"]),
        run("a wrong status on the command line", &["jobs", "--status", "finished", "--json"]),
        run("cancelled on the command line", &["cancel", "{good}"]),
        call("gone", "dispatch_async", json!({"agent": "gone", "task": "t"})),
        call("empty task", "dispatch_async", json!({"agent": "quick", "task": ""})),
    ]
}

fn running() -> Vec<Step> {
    vec![
        submit("submitted", "echo", "job"),
        change("it runs", |world| until("the run", || world.path("echo").join("ready").exists().then_some(()))),
        call("waited for in vain", "dispatch_wait", json!({"job_id": "{job}", "timeout_seconds": 2})),
        call("status", "dispatch_status", json!({"job_id": "{job}"})),
        call("no result yet", "fetch_result", json!({"ref": "{job}"})),
        call("in the list", "dispatch_jobs", json!({"status": "running"})),
        call("cancelled", "dispatch_cancel", json!({"job_id": "{job}"})),
        change("it may end", |world| fs::write(world.path("echo").join("go"), "").unwrap()),
        wait("its end", "{job}"),
    ]
}

fn crowded() -> World {
    let mut world = World::with("touch ready\nwait-file go\nresult the answer");
    world.settings("max_concurrency: 1");
    world
}

fn waiting() -> Vec<Step> {
    vec![
        submit("first", "echo", "first"),
        change("it runs", |world| until("the run", || world.path("echo").join("ready").exists().then_some(()))),
        submit("second", "echo", "second"),
        call("the second waits", "dispatch_status", json!({"job_id": "{second}"})),
        call("the second is cancelled", "dispatch_cancel", json!({"job_id": "{second}"})),
        call("its status", "dispatch_status", json!({"job_id": "{second}"})),
        call("its result", "fetch_result", json!({"ref": "{second}"})),
        call("in the list", "dispatch_jobs", json!({"status": "cancelled"})),
        call("cancelled again", "dispatch_cancel", json!({"job_id": "{second}"})),
        change("the first may end", |world| fs::write(world.path("echo").join("go"), "").unwrap()),
        wait("the first ends", "{first}"),
    ]
}

fn ids() -> Vec<Step> {
    let mut steps = Vec::new();
    for id in ["", "x", "../../etc/passwd", "0123456789ABCDEF0123456789ABCDEF", "0123456789abcdef0123456789abcde", NONE]
    {
        steps.push(call("status of no job", "dispatch_status", json!({"job_id": id})));
        steps.push(call("waiting for no job", "dispatch_wait", json!({"job_id": id, "timeout_seconds": 1})));
        steps.push(call("cancelling no job", "dispatch_cancel", json!({"job_id": id})));
    }
    steps.push(call("no id", "dispatch_status", json!({})));
    steps.push(call("waiting for nothing", "dispatch_wait", json!({})));
    steps.push(call("cancelling nothing", "dispatch_cancel", json!({})));
    steps.push(call("a limit that is none", "dispatch_jobs", json!({"limit": "many"})));
    steps.push(run("no such job on the command line", &["job", NONE, "--json"]));
    steps.push(run("cancelling it on the command line", &["cancel", NONE]));
    steps.push(run("no id on the command line", &["job", "x"]));
    steps
}

fn collected() -> Vec<Step> {
    vec![
        change("an old job, one that runs, one that is broken, one under a wrong name", |world| {
            fs::create_dir_all(world.jobs()).unwrap();
            let job = |number: u32, status: &str| {
                json!({"id": format!("{number:032x}"), "agent": "a", "task": "t", "status": status, "created_at": 1000.0,
                    "started_at": 1000.5, "completed_at": 1001.0,
                    "result": {"agent": "a", "success": true, "result": "r", "cost_usd": 0.5}})
            };
            let write = |number: u32, text: String| {
                fs::write(world.jobs().join(format!("{number:032x}.json")), text).unwrap();
            };
            write(1, job(1, "done").to_string());
            write(2, job(2, "failed").to_string());
            write(3, "{\"id\":".to_owned());
            write(4, job(5, "done").to_string());
        }),
        call("the broken one", "dispatch_status", json!({"job_id": format!("{:032x}", 3)})),
        call("the one under a wrong name", "dispatch_status", json!({"job_id": format!("{:032x}", 4)})),
        call("all", "dispatch_jobs", json!({})),
        call("what would go", "dispatch_gc", json!({"dry_run": true})),
        call("nothing so old", "dispatch_gc", json!({"max_age_days": 1e9})),
        call("no age", "dispatch_gc", json!({"max_age_days": 0})),
        call("a negative age", "dispatch_gc", json!({"max_age_days": -1})),
        call("an age that is none", "dispatch_gc", json!({"max_age_days": "old"})),
        run("what would go, on the command line", &["gc", "--dry-run"]),
        run("a negative age on the command line", &["gc", "--days", "-1"]),
        call("they go", "dispatch_gc", json!({})),
        call("none is left", "dispatch_jobs", json!({})),
        run("all on the command line", &["gc", "--all"]),
    ]
}
