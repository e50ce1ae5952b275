//! `init`

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use insta::assert_snapshot;
use serde_json::Value;

use super::{BINARY, World};

fn registered(world: &World) -> Value {
    let file: Value = serde_json::from_str(&world.read("home/.claude.json")).unwrap();
    file["mcpServers"]["agent-dispatch"].clone()
}

#[test]
fn creates_the_config_and_registers() {
    let world = World::with_claude();
    assert_snapshot!(world.run(&["init"]), @"");
    assert_eq!(registered(&world)["command"], BINARY);
    assert_eq!(registered(&world)["args"], serde_json::json!(["serve"]));
    let mode = |name: &str| fs::metadata(world.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("home/.config/agent-dispatch/agents.yaml"), 0o600);
    assert_eq!(mode("home/.config/agent-dispatch"), 0o700);
    // The template is a config with nothing in it.
    assert_eq!(world.json(&["list", "--json"]), (serde_json::json!([]), 0));
}

#[test]
fn can_be_repeated_and_keeps_what_is_there() {
    let world = World::with_claude().config("# mine\nagents: {}\n");
    world.run(&["init"]);
    assert_snapshot!(world.run(&["init"]), @"");
    assert_eq!(world.yaml(), "# mine\nagents: {}\n");
}

#[test]
fn registers_the_link_on_path_rather_than_the_file_behind_it() {
    let world = World::with_claude();
    symlink(BINARY, world.path("bin/agent-dispatch")).unwrap();
    world.run(&["init"]);
    assert_eq!(registered(&world)["command"], world.path("bin/agent-dispatch").to_str().unwrap());
}

#[test]
fn without_claude_it_says_what_to_do() {
    assert_snapshot!(World::new().run(&["init"]), @"");
}

#[test]
fn another_program_of_the_name_is_told_and_kept() {
    let world = World::with_claude();
    let entry = r#"{"mcpServers":{"agent-dispatch":{"type":"stdio","command":"/old/agent-dispatch","args":["serve"]}}}"#;
    fs::write(world.path("home/.claude.json"), entry).unwrap();
    assert_snapshot!(world.run(&["init"]), @"");
    assert_eq!(world.read("home/.claude.json"), entry);
}

#[test]
fn an_entry_that_only_claude_knows_of_is_fine() {
    let world = World::new().with_script("echo 'MCP server agent-dispatch Already Exists somewhere' >&2; exit 1");
    assert_snapshot!(world.run(&["init"]), @"");
}

#[test]
fn a_damaged_file_of_claude_is_left_alone() {
    let world = World::with_claude();
    fs::write(world.path("home/.claude.json"), "{\"projects\": {").unwrap();
    assert_snapshot!(world.run(&["init"]), @"");
    assert_eq!(world.read("home/.claude.json"), "{\"projects\": {");
}

#[test]
fn what_claude_refuses_is_told_with_the_way_by_hand() {
    let world = World::new().with_script("echo 'Invalid scope: user' >&2; exit 1");
    assert_snapshot!(world.run(&["init"]), @"");
}

#[test]
fn a_config_that_cannot_be_created_is_a_failure() {
    let world = World::with_claude();
    fs::write(world.path("home/.config"), "a file").unwrap();
    assert_snapshot!(world.run(&["init"]), @"");
}

#[test]
fn a_broken_config_is_told_with_its_place() {
    let world = World::with_claude().config("agents: {infra: [}\n");
    assert_snapshot!(world.run(&["init"]), @"");
}
