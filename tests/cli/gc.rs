//! `gc`

use std::fs;

use insta::assert_snapshot;
use serde_json::json;

use super::{World, ago};

const DAY: f64 = 86_400.0;

/// Jobs that ended three hours, 8 and 40 days ago, one that runs, and what is no record.
fn world() -> World {
    let world = World::new();
    world.record(1, json!({}));
    for (number, days) in [(8, 8.0), (40, 40.0)] {
        world.record(number, json!({"created_at": ago(days * DAY), "completed_at": ago(days * DAY - 60.0)}));
    }
    world.record(2, json!({"status": "running", "completed_at": null}));
    world.record(3, json!({"completed_at": ago(-DAY)}));
    world.record_text(&"f".repeat(32), "not JSON");
    world
}

fn left(world: &World) -> Vec<String> {
    let mut names = world.jobs();
    names.sort();
    names.iter().map(|name| name.trim_start_matches('0').trim_end_matches(".json").to_owned()).collect()
}

#[test]
fn seven_days_unless_told_otherwise() {
    let world = world();
    assert_snapshot!(world.run(&["gc", "--dry-run"]), @r#"
    exit code: 0
    ----- stdout -----
    ID                                AGENT  STATUS  AGE   TOOK   COST  TASK
    [ID]  infra  done    40 d  [TIME]  -     Look around
    [ID]  infra  done    8 d   [TIME]  -     Look around
    ----- stderr -----
    would remove 2 jobs that ended more than 7 days ago
    "#);
    let (answer, code) = world.json(&["gc", "--dry-run", "--json"]);
    let ids = [40, 8].map(|number| format!("{number:032x}"));
    assert_eq!(
        (answer, code),
        (json!({"dry_run": true, "purged": 0, "would_purge": 2, "job_ids": ids, "max_age_days": 7.0}), 0)
    );
    assert_eq!(left(&world).len(), 6);
    assert_snapshot!(world.run(&["gc"]), @r#"
    exit code: 0
    ----- stdout -----
    removed 2 jobs that ended more than 7 days ago
    ----- stderr -----
    "#);
    assert_eq!(left(&world), ["1", "2", "3", &"f".repeat(32)]);
}

#[test]
fn other_ages() {
    let world = world();
    assert_eq!(world.json(&["gc", "--days", "39.5", "--json"]), (json!({"purged": 1, "max_age_days": 39.5}), 0));
    assert_eq!(world.json(&["gc", "--all", "--json"]), (json!({"purged": 3, "max_age_days": 0.0}), 0));
    assert_eq!(left(&world), ["2", &"f".repeat(32)]);
    assert_snapshot!(world.run(&["gc", "--all"]), @r#"
    exit code: 0
    ----- stdout -----
    removed 0 finished jobs
    ----- stderr -----
    "#);
}

#[test]
fn a_job_with_its_folder() {
    let world = World::with_scene("result fine");
    let id = world.submit("How is it?");
    world.run(&["wait", &id]);
    world.is_quiet();
    assert_eq!(world.jobs().len(), 2);
    assert_snapshot!(world.run(&["gc", "--all"]), @r#"
    exit code: 0
    ----- stdout -----
    removed 1 finished job
    ----- stderr -----
    "#);
    assert_eq!(world.jobs(), Vec::<String>::new());
}

#[test]
fn nothing_there() {
    assert_snapshot!(World::new().run(&["gc"]), @r#"
    exit code: 0
    ----- stdout -----
    removed 0 jobs that ended more than 7 days ago
    ----- stderr -----
    "#);
    assert_eq!(World::new().json(&["gc", "--json"]), (json!({"purged": 0, "max_age_days": 7.0}), 0));
}

#[test]
fn what_cannot_be_removed_is_told() {
    let world = world();
    // Where the lock of these records would be.
    fs::create_dir(world.path("home/.config/agent-dispatch/jobs/.jobs.lock")).unwrap();
    assert_snapshot!(world.run(&["gc"]), @r#"
    exit code: 1
    ----- stdout -----
    removed 0 jobs that ended more than 7 days ago
    ----- stderr -----
    error: 2 of 2 jobs that ended more than 7 days ago could not be removed
    hint: AGENT_DISPATCH_LOG=warn says why
    "#);
    assert_eq!(left(&world).len(), 6);
}

#[test]
fn wrong_usage() {
    assert_snapshot!(World::new().run(&["gc", "--days", "0", "--json"]), @r#"
    exit code: 2
    ----- stdout -----
    {
      "error": "invalid value '0' for '--days <N>': must be more than 0; --all is for every age",
      "hint": "agent-dispatch --help shows what can be typed"
    }
    ----- stderr -----
    error: invalid value '0' for '--days <N>': must be more than 0; --all is for every age

    For more information, try '--help'.
    "#);
    for days in ["-1", "NaN", "inf", "soon", ""] {
        assert_eq!(World::new().output(&["gc", "--days", days]).status.code(), Some(2), "{days}");
    }
    assert_eq!(World::new().output(&["gc", "--days", "3", "--all"]).status.code(), Some(2));
    let world = World::new().env("AGENT_DISPATCH_JOBS_DIR", "/dev/null");
    assert_eq!(world.output(&["gc"]).status.code(), Some(1));
}
