//! What stands in the way of a run is said before anything is paid.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::support::client::Client;
use crate::support::world::World;

#[test]
fn a_chain_of_dispatches_ends_at_its_limit() {
    for (depth, limit, passes) in
        [("0", 1, true), ("1", 1, false), ("2", 3, true), ("3", 3, false), ("99999999999", 3, true), ("x", 3, true)]
    {
        let mut world = World::with("dump calls\nresult ok");
        world.settings(&format!("max_dispatch_depth: {limit}"));
        world.env("AGENT_DISPATCH_DEPTH", depth);
        let mut client = Client::new(&world);
        let said = client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
        client.bye();
        if passes {
            assert_eq!(said["success"], true, "{depth}: {said}");
            let expected = depth.parse::<u32>().unwrap_or(0) + 1;
            assert_eq!(world.dumps("echo", "calls")[0]["env"]["AGENT_DISPATCH_DEPTH"], expected.to_string());
        } else {
            assert_eq!(said["error_type"], "recursion", "{depth}: {said}");
            assert!(world.dumps("echo", "calls").is_empty() && world.job_files().is_empty());
        }
    }
}

#[test]
fn a_missing_cli_is_named() {
    for (claude, path) in
        [("/nowhere/claude", "/usr/bin"), ("", "/nowhere"), ("/proc/version", "/usr/bin"), ("/", "/usr/bin")]
    {
        let mut world = World::with("result ok");
        world.env("AGENT_DISPATCH_CLAUDE", claude);
        world.env("PATH", path);
        let mut client = Client::new(&world);
        let said = client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
        assert_eq!(said["error_type"], "not_found", "{claude}: {said}");
        assert!(said["error"].as_str().unwrap().contains("claude"), "{said}");
        client.bye();
        assert!(world.job_files().is_empty());
    }
}

#[test]
fn a_directory_that_cannot_be_used_is_named() {
    let mut world = World::new();
    std::fs::write(world.path("file"), "").unwrap();
    std::fs::create_dir(world.path("closed")).unwrap();
    std::fs::set_permissions(world.path("closed"), std::fs::Permissions::from_mode(0o000)).unwrap();
    std::os::unix::fs::symlink(world.path("nowhere"), world.path("dangling")).unwrap();
    std::os::unix::fs::symlink(world.path("loop"), world.path("loop")).unwrap();
    crate::support::make_fifo(world.path("fifo"));
    for name in ["gone", "file", "closed", "dangling", "loop", "fifo"] {
        world.entry(name, &world.path(name), "");
    }
    let mut client = Client::new(&world);
    for name in ["gone", "file", "closed", "dangling", "loop", "fifo"] {
        let said = client.ask("dispatch", json!({"agent": name, "task": "t"}));
        // Root may enter what is closed to everybody.
        if name == "closed" && rustix::process::geteuid().is_root() {
            assert_eq!(said["success"], true, "{said}");
            continue;
        }
        assert_eq!(said["error_type"], "not_found", "{name}: {said}");
        assert!(said["error"].as_str().unwrap().contains(name), "{name}: {said}");
    }
    client.bye();
}

#[test]
fn claude_sees_nothing_of_the_calling_session() {
    let mut world = World::with("dump calls\nresult ok");
    for name in agent_dispatch::shell::environment::CALLING_SESSION {
        world.env(name, "of the caller");
    }
    world.env("ANTHROPIC_API_KEY", "kept");
    world.env("CLAUDE_CODE_USE_BEDROCK", "kept");
    let mut client = Client::new(&world);
    client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
    client.bye();
    let call = &world.dumps("echo", "calls")[0];
    for name in agent_dispatch::shell::environment::CALLING_SESSION {
        assert_eq!(call["env"].get(name), None, "{name}");
    }
    assert_eq!(
        (&call["env"]["ANTHROPIC_API_KEY"], &call["env"]["CLAUDE_CODE_USE_BEDROCK"]),
        (&json!("kept"), &json!("kept"))
    );
    assert_eq!(call["env"]["MCP_CONNECTION_NONBLOCKING"], "0");
    assert!(call["env"]["AGENT_DISPATCH_JOB"].is_string());
}
