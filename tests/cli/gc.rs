//! `gc`

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

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
    assert_snapshot!(world.run(&["gc", "--dry-run"]), @"");
    let (answer, code) = world.json(&["gc", "--dry-run", "--json"]);
    let ids = [40, 8].map(|number| format!("{number:032x}"));
    assert_eq!(
        (answer, code),
        (json!({"dry_run": true, "purged": 0, "would_purge": 2, "job_ids": ids, "max_age_days": 7.0}), 0)
    );
    assert_eq!(left(&world).len(), 6);
    assert_snapshot!(world.run(&["gc"]), @"");
    assert_eq!(left(&world), ["1", "2", "3", &"f".repeat(32)]);
}

#[test]
fn other_ages() {
    let world = world();
    assert_eq!(world.json(&["gc", "--days", "39.5", "--json"]), (json!({"purged": 1, "max_age_days": 39.5}), 0));
    assert_eq!(world.json(&["gc", "--all", "--json"]), (json!({"purged": 3, "max_age_days": 0.0}), 0));
    assert_eq!(left(&world), ["2", &"f".repeat(32)]);
    assert_snapshot!(world.run(&["gc", "--all"]), @"");
}

#[test]
fn a_job_with_its_folder() {
    let world = World::with_scene("result fine");
    let id = world.submit("How is it?");
    world.run(&["wait", &id]);
    world.is_quiet();
    assert_eq!(world.jobs().len(), 2);
    assert_snapshot!(world.run(&["gc", "--all"]), @"");
    assert_eq!(world.jobs(), Vec::<String>::new());
}

#[test]
fn nothing_there() {
    assert_snapshot!(World::new().run(&["gc"]), @"");
    assert_eq!(World::new().json(&["gc", "--json"]), (json!({"purged": 0, "max_age_days": 7.0}), 0));
}

#[test]
fn what_cannot_be_removed_is_told() {
    if rustix::process::geteuid().is_root() {
        // Permissions do not hold root back.
        return;
    }
    let world = world();
    let jobs = world.path("home/.config/agent-dispatch/jobs");
    fs::set_permissions(&jobs, Permissions::from_mode(0o500)).unwrap();
    assert_snapshot!(world.run(&["gc"]), @"");
    fs::set_permissions(&jobs, Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn wrong_usage() {
    assert_snapshot!(World::new().run(&["gc", "--days", "0", "--json"]), @"");
    for days in ["-1", "NaN", "inf", "soon", ""] {
        assert_eq!(World::new().output(&["gc", "--days", days]).status.code(), Some(2), "{days}");
    }
    assert_eq!(World::new().output(&["gc", "--days", "3", "--all"]).status.code(), Some(2));
    let world = World::new().env("AGENT_DISPATCH_JOBS_DIR", "/dev/null");
    assert_eq!(world.output(&["gc"]).status.code(), Some(1));
}
