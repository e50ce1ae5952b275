//! `claude mcp` (chapter 11).

use std::fs;

use serde_json::{Value, json};

use super::{Done, World};

const ENTRY: &str =
    r#"{"type":"stdio","command":"sh","args":["-c","true"],"env":{"A":"1"},"timeout":5000,"alwaysLoad":true,"zzz":1}"#;

fn mcp(world: &World, args: &[&str]) -> Done {
    world.run(&[&["mcp"], args].concat(), "")
}

fn config(world: &World) -> Value {
    serde_json::from_str(&fs::read_to_string(world.path("home/.claude.json")).unwrap()).unwrap()
}

#[test]
fn a_server_is_added_shown_and_removed() {
    let world = World::new();
    fs::write(world.path("home/.claude.json"), "{\"theme\":\"dark\"}").unwrap();
    let added = mcp(&world, &["add-json", "good", ENTRY, "--scope", "user"]);
    assert_eq!((added.code(), added.stdout().as_str()), (Some(0), "Added stdio MCP server good to user config\n"));
    let entry =
        json!({"type":"stdio","command":"sh","args":["-c","true"],"env":{"A":"1"},"timeout":5000,"alwaysLoad":true});
    assert_eq!(config(&world), json!({"theme":"dark","mcpServers":{"good":entry}}));

    let again = mcp(&world, &["add-json", "good", ENTRY, "-s", "user"]);
    assert_eq!((again.code(), again.stderr.as_str()), (Some(1), "MCP server good already exists in user config\n"));
    assert_eq!(mcp(&world, &["list"]).stdout(), "Checking MCP server health…\n\ngood: sh -c true - ✔ Connected\n");
    assert_eq!(
        mcp(&world, &["get", "good"]).stdout(),
        "good:\n  Scope: User config (available in all your projects)\n  Status: ✔ Connected\n  Type: stdio\n  Command: sh\n  Args: -c \
         true\n  Environment:\n    A=1\n  Timeout: 5000ms\n\nTo remove this server, run: claude mcp remove good -s user\n"
    );
    let unknown = mcp(&world, &["get", "nope"]);
    assert_eq!(
        (unknown.code(), unknown.stderr.as_str()),
        (Some(1), "No MCP server named \"nope\". Configured servers: good\n")
    );

    let removed = mcp(&world, &["remove", "good", "--scope=user"]);
    assert!(removed.stdout().starts_with("Removed MCP server good from user config\nFile modified: "));
    assert_eq!(config(&world), json!({"theme":"dark","mcpServers":{}}));
    let gone = mcp(&world, &["remove", "good", "--scope", "user"]);
    assert_eq!((gone.code(), gone.stderr.as_str()), (Some(1), "No MCP server named \"good\" in user scope\n"));
    assert!(mcp(&world, &["list"]).stdout().starts_with("No MCP servers configured."));
}

#[test]
fn scopes_have_their_places() {
    let world = World::new();
    assert_eq!(mcp(&world, &["add-json", "here", ENTRY]).code(), Some(0));
    let work = fs::canonicalize(world.path("work")).unwrap();
    assert!(config(&world)["projects"][work.to_str().unwrap()]["mcpServers"]["here"].is_object());
    assert_eq!(mcp(&world, &["add-json", "shared", ENTRY, "-s", "project"]).code(), Some(0));
    assert!(fs::read_to_string(world.path("work/.mcp.json")).unwrap().contains("shared"));
    assert!(mcp(&world, &["list"]).stdout().contains("shared: sh -c true - ⏸ Pending approval"));
    let quoted = mcp(&world, &["remove", "here"]);
    assert!(quoted.stdout().starts_with("Removed MCP server \"here\" from local config\n"));
    let elsewhere = World::new();
    let dir = elsewhere.path("conf").to_str().unwrap().to_owned();
    let elsewhere = elsewhere.env("CLAUDE_CONFIG_DIR", &dir);
    mcp(&elsewhere, &["add-json", "x", ENTRY, "-s", "user"]);
    assert!(elsewhere.path("conf/.claude.json").is_file());
}

#[test]
fn bad_entries_are_refused() {
    let world = World::new();
    for (args, says) in [
        (
            &["add-json", "x y", ENTRY][..],
            "Invalid name x y. Names can only contain letters, numbers, hyphens, and underscores.\n",
        ),
        (&["add-json", "x", "{}"], "Invalid configuration: : Invalid input\n"),
        (&["add-json", "x", "nonsense"], "Invalid configuration: : Invalid input\n"),
        (&["add-json", "x", ENTRY, "-s", "bogus"], "Invalid scope: bogus. Must be one of: local, user, project,"),
    ] {
        let done = mcp(&world, args);
        assert_eq!((done.code(), done.stdout().as_str()), (Some(1), ""));
        assert!(done.stderr.starts_with(says), "{}", done.stderr);
    }
    assert!(!world.path("home/.claude.json").exists());
}

/// The file is replaced, the old one is kept beside it, and the command fails although it says that it added.
#[test]
fn a_corrupt_configuration_is_replaced() {
    let world = World::new();
    fs::write(world.path("home/.claude.json"), "{ not json").unwrap();
    let done = mcp(&world, &["add-json", "good", ENTRY, "-s", "user"]);
    assert_eq!((done.code(), done.stdout().as_str()), (Some(1), "Added stdio MCP server good to user config\n"));
    assert!(done.stderr.starts_with("Configuration error in "));
    assert!(config(&world)["mcpServers"]["good"].is_object());
    let kept = fs::read_dir(world.path("home"))
        .unwrap()
        .flatten()
        .any(|e| fs::read_to_string(e.path()).is_ok_and(|t| t == "{ not json"));
    assert!(kept);
}
