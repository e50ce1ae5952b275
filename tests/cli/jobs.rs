//! `jobs`

use insta::assert_snapshot;
use serde_json::json;

use super::{World, ago};

#[test]
fn none() {
    assert_snapshot!(World::new().run(&["jobs"]), @r#"
    exit code: 0
    ----- stdout -----

    ----- stderr -----
    no jobs in [ROOT]/home/.config/agent-dispatch/jobs
    hint: the tool dispatch_async starts one
    "#);
    assert_snapshot!(World::new().run(&["jobs", "--json"]), @r#"
    exit code: 0
    ----- stdout -----
    []
    ----- stderr -----
    "#);
}

/// One of each kind, and what is no record.
fn world() -> World {
    let world = World::new();
    world.record(1, json!({"result": {"success": true, "result": "x", "cost_usd": 0.0421, "outcome": "partial"}}));
    world.record(
        2,
        json!({"status": "failed", "agent": "web", "created_at": ago(400_000.0),
            "result": {"success": false, "result": "", "cost_usd": 1.5, "error_type": "timeout"}}),
    );
    world.record(3, json!({"status": "pending", "created_at": ago(190.0), "task": "line\nbreak"}));
    world.record(
        4,
        json!({"agent": "an-agent-with-a-name-that-does-not-end", "created_at": 1e300, "started_at": -1e300,
            "task": format!("evil \u{1b}[31mred\u{9b}2J {}", "long ".repeat(50)),
            "result": {"cost_usd": 1e300, "outcome": "\u{1b}]0;title\u{7}and more of it"}}),
    );
    let of_another = format!("{:032x}", 5);
    world.record_text(&of_another, &world.read(&format!("home/.config/agent-dispatch/jobs/{:032x}.json", 1)));
    world.record_text(&format!("{:032x}", 6), "{\"id\": ");
    world.record_text("notes", "{}");
    world
}

#[test]
fn a_table_with_bounds() {
    assert_snapshot!(world().run(&["jobs"]), @r#"
    exit code: 0
    ----- stdout -----
    ID                                AGENT                 STATUS               AGE    TOOK   COST     TASK
    [ID]  an-agent-with-a-nam…  done (]0;title and)  [TIME]  -      -        evil  [31mred 2J long long long long long long long long lo…
    [ID]  infra                 pending              3 m    -      -        line break
    [ID]  infra                 done (partial)       3 h    [TIME]  $0.0421  Look around
    [ID]  web                   failed (timeout)     4 d    [TIME]  $1.5000  Look around
    ----- stderr -----
    "#);
}

#[test]
fn as_json_they_are_as_the_tool_answers() {
    let (jobs, code) = world().json(&["jobs", "--json", "--agent", "web"]);
    assert_eq!(code, 0);
    let job = &jobs[0];
    assert_eq!(
        job.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>(),
        [
            "id",
            "agent",
            "status",
            "task",
            "created_at",
            "started_at",
            "completed_at",
            "success",
            "cost_usd",
            "error_type"
        ]
    );
    assert_eq!((job["status"].as_str(), job["error_type"].as_str()), (Some("failed"), Some("timeout")));
}

#[test]
fn filters() {
    let world = world();
    let ids = |arguments: &[&str]| {
        let (jobs, _) = world.json(&[&["jobs", "--json"], arguments].concat());
        let ids =
            jobs.as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().trim_start_matches('0').to_owned());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(ids(&[]), ["4", "3", "1", "2"]);
    assert_eq!(ids(&["--status", "pending"]), ["3"]);
    assert_eq!(ids(&["--agent", "infra"]), ["3", "1"]);
    assert_eq!(ids(&["--agent", "infra", "--limit", "1"]), ["3"]);
    assert_eq!(ids(&["--agent", "nobody"]), [""; 0]);
    assert_snapshot!(world.run(&["jobs", "--agent", "nobody"]), @r#"
    exit code: 0
    ----- stdout -----

    ----- stderr -----
    no job matches; agent-dispatch jobs lists all
    "#);
}

#[test]
fn a_list_that_was_cut_says_so() {
    let shown = world().run(&["jobs", "--limit", "2"]);
    assert!(shown.ends_with("no more than 2 are shown; --limit N shows more"), "{shown}");
}

#[test]
fn wrong_usage() {
    assert_snapshot!(World::new().run(&["jobs", "--status", "finished", "--json"]), @r#"
    exit code: 2
    ----- stdout -----
    {
      "error": "invalid value 'finished' for '--status <STATUS>': one of pending, running, done, failed, cancelled",
      "hint": "agent-dispatch --help shows what can be typed"
    }
    ----- stderr -----
    error: invalid value 'finished' for '--status <STATUS>': one of pending, running, done, failed, cancelled

    For more information, try '--help'.
    "#);
    for limit in ["0", "-1", "1001", "many", "99999999999999999999"] {
        assert_eq!(World::new().output(&["jobs", "--limit", limit]).status.code(), Some(2), "{limit}");
    }
}

#[test]
fn a_directory_that_cannot_be_listed_is_no_empty_list() {
    let world = World::new().env("AGENT_DISPATCH_JOBS_DIR", "/dev/null");
    assert_snapshot!(world.run(&["jobs", "--json"]), @r#"
    exit code: 1
    ----- stdout -----
    {
      "error": "cannot list the jobs in /dev/null: Not a directory (os error 20)",
      "hint": "correct it, or set AGENT_DISPATCH_JOBS_DIR to the directory that holds the jobs"
    }
    ----- stderr -----
    error: cannot list the jobs in /dev/null: Not a directory (os error 20)
    hint: correct it, or set AGENT_DISPATCH_JOBS_DIR to the directory that holds the jobs
    "#);
}

#[test]
fn a_job_of_a_server_that_is_gone() {
    let world = World::with_scene("say Half of it.; wait-file go; result fine");
    let id = world.submit("Take your time");
    world.reaches(&id, "running");
    let (jobs, _) = world.json(&["jobs", "--status", "running", "--json"]);
    assert_eq!(jobs[0]["id"], id);
    std::fs::write(world.path("work/infra/go"), "").unwrap();
    world.run(&["wait", &id]);
    let (jobs, _) = world.json(&["jobs", "--status", "done", "--json"]);
    assert_eq!(jobs[0]["id"], id);
    world.is_quiet();
}
