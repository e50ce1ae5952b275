//! `demo`

use std::process::Stdio;

use insta::assert_snapshot;

use super::{World, interrupt, is_empty, shown, until};

#[test]
fn shows_the_main_job_and_leaves_nothing_behind() {
    let world = World::new();
    assert_snapshot!(world.run(&["demo"]), @"");
    assert!(is_empty(&world.path("tmp")));
    assert!(is_empty(&world.path("home")));
    assert_eq!(world.processes(), Vec::<String>::new());
}

#[test]
fn with_claude_it_offers_the_real_thing_and_does_not_start_it() {
    let world = World::with_claude().env("FAKE_CLAUDE_SCENE", "touch ../../claude-was-run");
    let text = String::from_utf8(world.output(&["demo"]).stdout).unwrap();
    assert_snapshot!(text.split_once("Claude Code is here").unwrap().1, @"");
    assert!(!world.path("claude-was-run").exists());
}

#[test]
fn ctrl_c_leaves_nothing_behind() {
    let world = World::new();
    let child = world.command(&["demo"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("an agent to run", || world.processes().iter().any(|line| line.contains("simulated-agent")).then_some(()));
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(is_empty(&world.path("tmp")));
    assert_eq!(world.processes(), Vec::<String>::new());
}

#[test]
fn no_place_for_temporary_files() {
    let world = World::new().env("TMPDIR", "/dev/null/tmp");
    assert_snapshot!(world.run(&["demo"]), @"");
}

#[test]
fn a_real_run_where_it_is_asked_for() {
    let world = World::with_claude().env("FAKE_CLAUDE_SCENE", "cost 0.02; say Looking.; result It is {cwd}.");
    assert_snapshot!(world.run(&["demo", "--real", "infra"]), @"");
    assert!(is_empty(&world.path("tmp")));
    assert_eq!(world.jobs(), Vec::<String>::new());
}

#[test]
fn a_real_run_that_fails() {
    let world = World::with_claude().env("FAKE_CLAUDE_SCENE", "error no-key");
    let output = world.output(&["demo", "--real", "infra"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(shown(&output).contains("hint: agent-dispatch doctor"));
    assert!(is_empty(&world.path("tmp")));
}

#[test]
fn a_real_run_needs_claude_and_a_directory() {
    assert_snapshot!(World::new().run(&["demo", "--real", "infra"]), @"");
    assert_snapshot!(World::with_claude().run(&["demo", "--real", "nowhere"]), @"");
    assert_snapshot!(World::with_claude().run(&["demo", "--real"]), @"");
}
