//! The verbs that only programs type.

use std::os::unix::fs::symlink;
use std::process::Command;

use insta::assert_snapshot;

use super::{World, shown};
use crate::support::{BINARY, once};

#[test]
fn serve_leaves_when_its_client_does() {
    assert_snapshot!(World::new().run(&["serve"]), @r#"
    exit code: 0
    ----- stdout -----

    ----- stderr -----
    "#);
}

#[test]
fn supervise_never_prints() {
    let world = World::new();
    for id in ["../../etc/passwd", "", "0123456789abcdef0123456789abcdef"] {
        let output = world.output(&["supervise", world.path("jobs").to_str().unwrap(), id]);
        assert!(output.stdout.is_empty(), "{id}");
        assert!(!output.status.success(), "{id}");
    }
}

#[test]
fn the_simulated_agent_only_plays_in_the_demo() {
    let world = World::new();
    symlink(BINARY, world.path("bin/simulated-agent")).unwrap();
    let agent = once(Command::new(world.path("bin/simulated-agent"))).args(["-p", "--session-id=x"]).output().unwrap();
    assert_snapshot!(shown(&agent), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: the simulated agent only plays in `agent-dispatch demo`
    "#);
}
