//! `doctor`. Servers of other tests and sessions run on the same machine: what it says of them is left out.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use serde_json::Value;

use super::World;

/// What it says, without servers and without the verdict, which counts them.
fn without_servers(world: &World, arguments: &[&str]) -> String {
    let text = String::from_utf8(world.output(arguments).stdout).unwrap();
    text.split("Running servers").next().unwrap().to_owned()
}

/// The findings as `section status message`, without those of servers.
fn findings(report: &Value) -> Vec<String> {
    let text = |check: &Value, key: &str| check[key].as_str().unwrap().to_owned();
    let checks = report["checks"].as_array().unwrap().iter().filter(|check| check["section"] != "servers");
    checks.map(|check| format!("{} {} {}", text(check, "section"), text(check, "status"), text(check, "message"))).collect()
}

fn sound() -> World {
    let world = World::with_claude();
    assert!(world.output(&["init"]).status.success());
    assert!(world.output(&["add", "infra", "infra"]).status.success());
    world
}

#[test]
fn a_sound_installation_passes() {
    let world = sound();
    let output = world.output(&["doctor"]);
    assert_eq!(output.status.code(), Some(0));
    assert_snapshot!(without_servers(&world, &["doctor"]), @"");
    let (report, code) = world.json(&["doctor", "--json"]);
    assert_eq!((code, &report["schema_version"], &report["issues"]), (0, &Value::from(1), &Value::from(0)));
    if report["status"] == "ok" {
        let text = String::from_utf8(world.output(&["doctor", "--strict"]).stdout).unwrap();
        assert!(text.ends_with("All checks passed.\n") || text.contains("Running servers\n  warning"), "{text}");
    }
}

#[test]
fn a_fresh_machine_fails_with_remedies() {
    let world = World::new();
    assert_eq!(world.output(&["doctor"]).status.code(), Some(1));
    assert_snapshot!(without_servers(&world, &["doctor"]), @"");
}

#[test]
fn every_finding_in_config_and_agents() {
    let world = World::with_claude().config(
        "agents:\n  infra: {directory: '[ROOT]/work/infra', timeuot: 5, permission_mode: yolo, allowed_tools: [Read], \
         disallowed_tools: [Read]}\n  gone: {directory: '[ROOT]/gone'}\n  broken: {directory: '[ROOT]/work', timeout: x}\n  \
         infra: {directory: '[ROOT]/work/infra', timeuot: 5, permission_mode: yolo, allowed_tools: [Read], \
         disallowed_tools: [Read]}\n",
    );
    let config = world.path("home/.config/agent-dispatch");
    fs::set_permissions(config.join("agents.yaml"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(&config, fs::Permissions::from_mode(0o777)).unwrap();
    assert_snapshot!(without_servers(&world, &["doctor"]), @"");
}

#[test]
fn warnings_fail_only_when_strict() {
    let world = sound();
    let yaml = world.yaml();
    let world = world.config(&format!("{yaml}colour: blue\n"));
    assert_eq!(world.output(&["doctor"]).status.code(), Some(0));
    assert_eq!(world.output(&["doctor", "--strict"]).status.code(), Some(1));
}

#[test]
fn a_broken_config_is_a_finding() {
    let world = sound().config("agents: [1, 2\n");
    let (report, code) = world.json(&["doctor", "--json"]);
    assert_eq!((code, &report["status"]), (1, &Value::from("failure")));
    assert_snapshot!(findings(&report).join("\n"), @"");
}

#[test]
fn registrations_that_do_not_work() {
    let world = sound();
    let register = |entry: &str| {
        let file = format!("{{\"mcpServers\":{{\"agent-dispatch\":{entry}}}}}");
        fs::write(world.path("home/.claude.json"), file).unwrap();
        let (report, _) = world.json(&["doctor", "--json"]);
        findings(&report).into_iter().find(|line| line.starts_with("registration")).unwrap()
    };
    let script = world.path("bin/agent-dispatch");
    fs::write(&script, "#!/bin/sh\necho agent-dispatch, version 0.16.0\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let found = [
        register(r#"{"command": "/nowhere/agent-dispatch", "args": ["serve"]}"#),
        register(r#"{"command": "/usr/bin/true", "args": ["serve"]}"#),
        register(r#"{"command": "/usr/bin/false", "args": ["serve"]}"#),
        register(r#"{"command": "agent-dispatch", "args": ["serve"]}"#),
        register(r#"{"command": "agent-dispatch", "args": []}"#),
        register("7"),
    ];
    assert_snapshot!(found.join("\n"), @"");
    fs::write(world.path("home/.claude.json"), "not json").unwrap();
    assert_snapshot!(findings(&world.json(&["doctor", "--json"]).0)[2..4].join("\n"), @"");
}

#[test]
fn a_claude_that_fails() {
    let world = World::new().with_script("echo 'node: not found' >&2; exit 127");
    assert_snapshot!(findings(&world.json(&["doctor", "--json"]).0)[1], @"");
}

#[test]
fn a_claude_that_hangs_is_not_waited_for() {
    let world = World::new().with_script("sleep 600");
    let began = Instant::now();
    assert_snapshot!(findings(&world.json(&["doctor", "--json"]).0)[1], @"");
    assert!(began.elapsed() < Duration::from_secs(30));
    assert_eq!(world.processes(), Vec::<String>::new());
}

#[test]
fn a_place_for_jobs_that_is_none() {
    let world = sound().env("AGENT_DISPATCH_JOBS_DIR", "/dev/null/jobs");
    assert_snapshot!(findings(&world.json(&["doctor", "--json"]).0).pop().unwrap(), @"");
}

#[test]
fn running_servers_are_found() {
    let world = sound();
    let mut server = world.command(&["serve"]).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let wanted = format!("process {}: version {}", server.id(), env!("CARGO_PKG_VERSION"));
    let (report, _) = world.json(&["doctor", "--json"]);
    let found = report["checks"].as_array().unwrap().iter().any(|check| check["message"] == wanted.as_str());
    drop(server.stdin.take());
    assert!(server.wait().unwrap().success());
    assert!(found, "{report:#}");
}
