//! What callers are told of failures: names that are true, and ways out that are there.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::until;
use crate::support::world::World;

fn dispatched(world: &World) -> Value {
    let mut client = Client::new(world);
    let said = client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
    client.bye();
    said
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn text<'a>(said: &'a Value, key: &str) -> &'a str {
    said[key].as_str().unwrap_or_else(|| panic!("{key} in {said}"))
}

#[test]
fn a_run_that_never_had_a_session_names_none() {
    let world = World::with("no-init\nstderr Error: cannot load native module\nexit 1");
    let said = dispatched(&world);
    assert_eq!((&said["error_type"], said.get("session_id")), (&json!("cli_error"), None), "{said}");
    let error = text(&said, "error");
    assert!(error.contains("cannot load native module") && !error.contains("dispatch_session("), "{error}");
    // The record of a job says so as well.
    let mut client = Client::new(&world);
    let id = client.ask("dispatch_async", json!({"agent": "echo", "task": "t"}))["job_id"].clone();
    let record = client.ask("dispatch_wait", json!({"job_id": id}));
    assert!(record.get("session_id").is_none() && record["result"].get("session_id").is_none(), "{record}");
    client.bye();
}

#[test]
fn a_session_that_is_not_there_is_not_offered_once_more() {
    let world = World::with("result x");
    let mut client = Client::new(&world);
    let session = "b84b8383-4898-41ac-a04c-7d677868437e";
    let said = client.ask("dispatch_session", json!({"agent": "echo", "task": "t", "session_id": session}));
    assert!(said.get("session_id").is_none() && text(&said, "error").contains("dispatch(agent=\"echo\""), "{said}");
    client.bye();
}

#[test]
fn a_job_that_is_cancelled_has_the_session_that_began() {
    let mut world = World::with("sleep 100000");
    world.agent("next", "result next");
    world.agent("mute", "no-init\nsilence");
    world.settings("max_concurrency: 2");
    let mut client = Client::new(&world);
    let submit = |client: &mut Client, agent: &str| {
        client.ask("dispatch_async", json!({"agent": agent, "task": "t"}))["job_id"].clone()
    };
    let (runs, mute, waits) = (submit(&mut client, "echo"), submit(&mut client, "mute"), submit(&mut client, "next"));
    let stdout = |id: &Value| fs::read(world.jobs().join(id.as_str().unwrap()).join("stdout"));
    until("the run to tell of its session", || stdout(&runs).is_ok_and(|text| !text.is_empty()).then_some(()));
    until("the mute one to start", || stdout(&mute).is_ok().then_some(()));
    for (id, began) in [(&waits, false), (&mute, false), (&runs, true)] {
        client.ask("dispatch_cancel", json!({"job_id": id}));
        let record = client.ask("dispatch_wait", json!({"job_id": id}));
        assert_eq!(record["status"], "cancelled", "{record}");
        assert_eq!(record.get("session_id").is_some(), began, "{record}");
        assert_eq!(text(&record, "error").contains("dispatch_session("), began, "{record}");
    }
    client.bye();
}

#[test]
fn a_run_that_somebody_else_cancels_is_called_cancelled() {
    let world = World::with("sleep 100000");
    let mut client = Client::new(&world);
    let call = client.call("dispatch", json!({"agent": "echo", "task": "t"}));
    let record = world.record_when("a run", |record| record["status"] == "running");
    let mut other = Client::new(&world);
    other.ask("dispatch_cancel", json!({"job_id": record["id"]}));
    other.bye();
    let said = client.said(call);
    assert_eq!((&said["success"], &said["error_type"]), (&json!(false), &json!("cancelled")), "{said}");
    client.bye();
}

/// Money and a rate per minute are no pause for all who wait for the account's limit.
#[test]
fn refusals_that_do_not_end_by_waiting_pause_nobody() {
    for (scene, paused) in [
        ("error api 429 Insufficient balance. Please recharge.", false),
        ("error api 429 This request would exceed your rate limit of 40,000 input tokens per minute", false),
        ("error session-limit", true),
    ] {
        let world = World::with(scene);
        let said = dispatched(&world);
        let kind = if paused { "usage_limit" } else { "cli_error" };
        assert_eq!(said["error_type"], kind, "{said}");
        assert_eq!(world.jobs().join(".slots/paused_until").exists(), paused, "{scene}");
    }
}

#[test]
fn a_rule_that_denies_what_is_granted_is_named_with_its_file() {
    let asks = json!({"permissions": {"ask": ["Bash(git push:*)"]}}).to_string();
    for place in ["echo/.claude/settings.json", "echo/.claude/settings.local.json", "home/.claude/settings.json"] {
        let mut world = World::new();
        world.agent_with("echo", "deny Bash\nresult done", "allowed_tools: [Bash]");
        write(&world.path(place), &asks);
        let said = dispatched(&world);
        let hint = text(&said, "hint");
        let named = format!("the `ask` rule \"Bash(git push:*)\" in \"{}\"", world.path(place).display());
        assert!(hint.contains(&named) && !hint.contains("update_agent"), "{hint}");
    }
}

/// In a linked worktree, also in a folder of it, the local settings of the main checkout count.
#[test]
fn a_rule_of_the_main_checkout_is_named() {
    let mut world = World::new();
    world.agent_with("echo", "deny Bash\nresult done", "permission_mode: bypassPermissions");
    world.env("IS_SANDBOX", "1");
    let main = fs::canonicalize(world.path("")).unwrap().join("main");
    write(&main.join(".git/worktrees/echo/commondir"), "../..\n");
    write(&world.path("echo/.git"), &format!("gitdir: {}\n", main.join(".git/worktrees/echo").display()));
    let settings = main.join(".claude/settings.local.json");
    write(&settings, &json!({"permissions": {"deny": ["Bash(rm:*)"]}}).to_string());
    let said = dispatched(&world);
    let hint = text(&said, "hint");
    assert!(hint.contains(&format!("\"Bash(rm:*)\" in \"{}\"", settings.display())), "{hint}");
}

#[test]
fn a_call_that_a_hook_put_off_waits_in_its_session() {
    let world = World::with("on-call 1\nsay looks around\ndefer Bash {\"command\":\"make\"}\non-call *\nresult made");
    write(&world.path("echo/.claude/settings.json"), &json!({"hooks": {"PreToolUse": [{"hooks": []}]}}).to_string());
    let mut client = Client::new(&world);
    let said = client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
    assert_eq!((&said["error_type"], &said["denied_tools"]), (&json!("permission"), &json!(["Bash"])), "{said}");
    assert_eq!(said["result"], "looks around");
    let error = text(&said, "error");
    let file = world.path("echo/.claude/settings.json");
    assert!(error.contains("\"Bash\"") && error.contains(&format!("{}", file.display())), "{error}");
    let session = text(&said, "session_id");
    assert!(error.contains(&format!("session_id=\"{session}\"")) && !error.contains("dispatch("), "{error}");
    let task = "Continue where you left off";
    let said = client.ask("dispatch_session", json!({"agent": "echo", "task": task, "session_id": session}));
    assert_eq!(said["result"], "made", "{said}");
    client.bye();
}

#[test]
fn a_broken_mcp_json_and_servers_that_failed_are_told() {
    let world = World::with("mcp-server pg failed project\nmcp-server slow pending project\ninit\nresult done");
    write(&world.path("echo/.mcp.json"), "{\n  // servers\n  \"mcpServers\": {\"pg\": {\"command\": \"true\"}, }\n}\n");
    let said = dispatched(&world);
    let hint = text(&said, "hint");
    assert!(hint.contains("JSON has no comments (line 2") && hint.contains("did not start (pg)"), "{hint}");
    assert_eq!(said["success"], true, "{said}");
    let mut client = Client::new(&world);
    let agents = client.ask("list_agents", json!({}));
    assert!(text(&agents[0], "mcp_config_error").contains("JSON has no comments"), "{agents}");
    let agent = client.ask("inspect_agent", json!({"name": "echo"}));
    assert!(text(&agent, "mcp_config_error").contains("JSON has no comments"), "{agent}");
    client.bye();
    // A sound one is no news.
    write(&world.path("echo/.mcp.json"), r#"{"mcpServers": {"pg": {"command": "true"}}}"#);
    world.scene("echo", "mcp-server pg connected project\ninit\nresult done");
    assert_eq!(dispatched(&world).get("hint"), None);
}
