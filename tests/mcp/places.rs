//! Where a server and those that it starts have their files.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::support::client::Client;
use crate::support::until;
use crate::support::world::World;

#[test]
fn a_server_without_a_place_answers_every_call_with_the_reason() {
    let mut world = World::with("result ok");
    world.env("AGENT_DISPATCH_JOBS_DIR", "${CLAUDE_PROJECT_DIR}/.jobs");
    let mut client = Client::new(&world);
    for (tool, arguments) in [
        ("list_agents", json!({})),
        ("dispatch", json!({"agent": "echo", "task": "t"})),
        ("dispatch_async", json!({"agent": "echo", "task": "t"})),
        ("dispatch_jobs", json!({})),
        ("add_agent", json!({"name": "x", "directory": "/"})),
    ] {
        let said = client.ask(tool, arguments);
        let text = said.to_string();
        assert!(text.contains("AGENT_DISPATCH_JOBS_DIR") && text.contains("CLAUDE_PROJECT_DIR is not set"), "{said}");
        assert!(said["hint"].as_str().is_some_and(|hint| hint.contains("set CLAUDE_PROJECT_DIR")), "{said}");
    }
    client.bye();
    let made =
        fs::read_dir(world.path("")).unwrap().flatten().any(|entry| entry.file_name() == "${CLAUDE_PROJECT_DIR}");
    assert!(!made, "no directory of that name");
}

#[test]
fn what_a_child_inherits_is_a_full_path() {
    let mut world = World::with("dump calls\nresult ok");
    world.env("AGENT_DISPATCH_CONFIG", "agents.yaml");
    world.env("AGENT_DISPATCH_JOBS_DIR", "./$JOBS");
    world.env("AGENT_DISPATCH_USAGE_LOG", "~/usage.jsonl");
    world.env("AGENT_DISPATCH_CLAUDE", "tools/claude");
    world.env("JOBS", "jobs");
    fs::create_dir(world.path("tools")).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_fake-claude"), world.path("tools/claude")).unwrap();
    let mut client = Client::new(&world);
    let said = client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
    client.bye();
    assert_eq!(said["success"], true, "{said}");
    let environment = &world.dumps("echo", "calls")[0]["env"];
    for (name, path) in [
        ("AGENT_DISPATCH_CONFIG", "agents.yaml"),
        ("AGENT_DISPATCH_JOBS_DIR", "./jobs"),
        ("AGENT_DISPATCH_USAGE_LOG", "home/usage.jsonl"),
        ("AGENT_DISPATCH_CLAUDE", "tools/claude"),
    ] {
        assert_eq!(environment[name], world.path(path).to_str().unwrap(), "{name}");
    }
    assert!(world.path("home/usage.jsonl").exists() && world.path("jobs").is_dir());
}

#[test]
fn a_wrong_variable_is_no_reason_to_install_anything() {
    let mut world = World::with("result ok");
    world.env("AGENT_DISPATCH_CLAUDE", "npx @anthropic-ai/claude-code");
    let mut client = Client::new(&world);
    let said = client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
    client.bye();
    let error = said["error"].as_str().unwrap();
    assert_eq!(said["error_type"], "not_found", "{said}");
    assert!(error.contains("AGENT_DISPATCH_CLAUDE is \"npx @anthropic-ai/claude-code\""), "{error}");
    assert!(error.contains("command with arguments") && !error.contains("install"), "{error}");
}

#[test]
fn a_script_that_the_system_cannot_run_is_called_that() {
    let mut world = World::with("result ok");
    let script = world.path("claude");
    fs::write(&script, "exec fake-claude\n").unwrap();
    fs::set_permissions(&script, Permissions::from_mode(0o755)).unwrap();
    world.env("AGENT_DISPATCH_CLAUDE", script);
    let mut client = Client::new(&world);
    let said = client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
    client.bye();
    assert_eq!(said["error_type"], "not_found", "{said}");
    assert!(said["error"].as_str().unwrap().contains("without a first line such as #!/bin/sh"), "{said}");
    assert_eq!(said.get("session_id"), None, "{said}");
}

#[test]
fn open_directories_of_ours_are_closed_by_a_server_and_others_are_not() {
    let mode = |world: &World, name: &str| fs::metadata(world.path(name)).unwrap().permissions().mode() & 0o777;
    let open =
        |world: &World, name: &str| fs::set_permissions(world.path(name), Permissions::from_mode(0o755)).unwrap();
    let mut world = World::with("result ok");
    fs::create_dir_all(world.path("c/agent-dispatch/jobs")).unwrap();
    fs::copy(world.config(), world.path("c/agent-dispatch/agents.yaml")).unwrap();
    world.env("AGENT_DISPATCH_CONFIG", world.path("c/agent-dispatch/agents.yaml"));
    world.env("AGENT_DISPATCH_JOBS_DIR", world.path("c/agent-dispatch/jobs"));
    for name in ["c", "c/agent-dispatch", "c/agent-dispatch/jobs"] {
        open(&world, name);
    }
    let client = Client::new(&world);
    until("the directories to be closed", || (mode(&world, "c/agent-dispatch/jobs") == 0o700).then_some(()));
    client.bye();
    assert_eq!((mode(&world, "c/agent-dispatch"), mode(&world, "c")), (0o700, 0o755));
    let world = World::with("result ok");
    fs::create_dir(world.jobs()).unwrap();
    open(&world, "jobs");
    let mut client = Client::new(&world);
    let said = client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
    client.bye();
    assert_eq!((&said["success"], mode(&world, "jobs")), (&json!(true), 0o755), "somebody named it otherwise");
}
