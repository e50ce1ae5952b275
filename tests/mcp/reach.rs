//! What a run nobody watches is denied, the mode it is in, and whose sessions it may go on with.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::world::World;

/// The values of an option in one call.
fn values(call: &Value, option: &str) -> Vec<String> {
    let given = call["argv"].as_array().unwrap().iter().filter_map(Value::as_str);
    given.filter_map(|word| Some(word.strip_prefix(option)?.strip_prefix('=')?.to_owned())).collect()
}

fn last_call(world: &World, agent: &str) -> Value {
    world.dumps(agent, "calls").pop().unwrap()
}

fn dispatch(world: &World, agent: &str) -> Value {
    let mut client = Client::new(world);
    let said = client.ask("dispatch", json!({"agent": agent, "task": "t"}));
    client.bye();
    assert_eq!(said["success"], true, "{said}");
    last_call(world, agent)
}

#[test]
fn what_reaches_past_a_run_is_denied_and_can_be_given_back() {
    let scene = "dump calls\nresult ok";
    let mut world = World::with(scene);
    world.agent_with(
        "own",
        scene,
        "disallowed_tools: [Write, CronCreate]\nunattended_tools: [SendMessage, CronCreate]",
    );
    world.agent_with("none", scene, "unattended_tools: []");
    let call = dispatch(&world, "echo");
    let withheld =
        ["SendMessage", "ListAgents", "CronCreate", "CronDelete", "ScheduleWakeup", "EnterWorktree", "ReportFindings"];
    assert_eq!(values(&call, "--disallowedTools"), withheld);
    assert_eq!(values(&call, "--settings"), [r#"{"crossSessionInbound":"refuse"}"#]);
    assert_eq!(values(&call, "--permission-prompts"), ["none"]);
    let own = dispatch(&world, "own");
    assert_eq!(
        values(&own, "--disallowedTools"),
        ["Write", "CronCreate", "ListAgents", "CronDelete", "ScheduleWakeup", "EnterWorktree", "ReportFindings"]
    );
    // For all agents that do not say.
    world.settings("unattended_tools: [ListAgents]");
    assert_eq!(values(&dispatch(&world, "echo"), "--disallowedTools").len(), withheld.len() - 1);
    assert_eq!(values(&dispatch(&world, "none"), "--disallowedTools"), withheld);
}

#[test]
fn an_answer_with_a_tool_is_not_that_without_it() {
    let mut world = World::with("dump calls\nresult ok");
    let mut client = Client::new(&world);
    let request = json!({"agent": "echo", "task": "t"});
    assert!(client.ask("dispatch", request.clone()).get("cached").is_none());
    assert_eq!(client.ask("dispatch", request.clone())["cached"], true);
    world.settings("unattended_tools: [ScheduleWakeup]");
    assert!(client.ask("dispatch", request).get("cached").is_none());
    client.bye();
}

#[test]
fn the_permission_mode_is_ours_unless_the_settings_of_claude_say_one() {
    let mut world = World::with("dump calls\nresult ok");
    world.agent_with("manual", "dump calls\nresult ok", "permission_mode: manual");
    let mode = |world: &World, agent: &str| values(&dispatch(world, agent), "--permission-mode");
    assert_eq!(mode(&world, "echo"), ["default"]);
    assert_eq!(mode(&world, "manual"), ["default"], "the name that every version takes");
    let write = |path: &str, text: &str| {
        let path = world.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let says = |mode: &str| json!({"permissions": {"defaultMode": mode}}).to_string();
    write("home/.claude/settings.json", &says("acceptEdits"));
    assert!(mode(&world, "echo").is_empty(), "claude follows its own settings");
    write("echo/.claude/settings.json", &says("auto"));
    assert_eq!(mode(&world, "echo"), ["default"], "a project does not give itself that one");
    write("echo/.claude/settings.local.json", &says("plan"));
    assert!(mode(&world, "echo").is_empty());
    assert_eq!(mode(&world, "manual"), ["default"], "the agent's own comes first");
    world.settings("default_permission_mode: dontAsk");
    assert_eq!(mode(&world, "echo"), ["dontAsk"]);
}

/// Two agents, and a session of the first whose record is gone.
fn two_agents() -> (World, Client, Value) {
    let mut world = World::new();
    world.agent("alpha", "dump calls\nresult ok");
    world.agent("beta", "dump calls\nresult ok");
    let mut client = Client::new(&world);
    let said = client.ask("dispatch", json!({"agent": "alpha", "task": "t"}));
    let session = said["session_id"].clone();
    world.no_job_is_left();
    (world, client, session)
}

#[test]
fn another_agents_session_is_refused_before_anything_is_paid() {
    let (world, mut client, session) = two_agents();
    let call = json!({"agent": "beta", "task": "t", "session_id": session});
    let said = client.ask("dispatch_session", call);
    assert_eq!((&said["success"], &said["error_type"]), (&json!(false), &json!("cli_error")), "{said}");
    let way = format!("dispatch_session(agent=\"alpha\", task=…, session_id={session})");
    assert!(said["error"].as_str().unwrap().contains(&way), "{said}");
    assert_eq!(said.get("session_id"), None, "it is not this agent's to go on with: {said}");
    assert!(world.dumps("beta", "calls").is_empty(), "nothing was paid");
    let own = client.ask("dispatch_session", json!({"agent": "alpha", "task": "more", "session_id": session}));
    assert_eq!(own["success"], true, "{own}");
    client.bye();
    let known = world.jobs().join(".known/session-owners");
    assert_eq!(fs::metadata(&known).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(known.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::read_to_string(&known).unwrap().matches(session.as_str().unwrap()).count(), 1, "noted once");
}

#[test]
fn a_session_goes_on_where_its_agent_was_moved_to_and_under_another_name() {
    let (mut world, mut client, session) = two_agents();
    let alpha = world.path("alpha");
    world.entry("renamed", &alpha, "");
    let said = client.ask("dispatch_session", json!({"agent": "renamed", "task": "t", "session_id": session}));
    assert_eq!(said["success"], true, "{said}");
    client.bye();
    // The same agent in another directory. Whether the CLI finds the session there is the CLI's to say.
    let moved = World::new();
    fs::create_dir_all(moved.jobs()).unwrap();
    fs::create_dir(moved.jobs().join(".known")).unwrap();
    fs::copy(world.jobs().join(".known/session-owners"), moved.jobs().join(".known/session-owners")).unwrap();
    let mut moved = moved;
    moved.agent("alpha", "dump calls\nresult ok");
    let mut client = Client::new(&moved);
    let said = client.ask("dispatch_session", json!({"agent": "alpha", "task": "t", "session_id": session}));
    assert!(!said["error"].as_str().unwrap_or_default().contains("belongs to agent"), "{said}");
    client.bye();
}

#[test]
fn sessions_of_the_records_of_before_are_known_too() {
    let mut world = World::with("dump calls\nresult ok");
    world.agent("other", "dump calls\nresult ok");
    let (id, session) = ("0123456789abcdef0123456789abcdef", "44c1d7c7-0000-4000-8000-00000000000a");
    let record = json!({"id": id, "agent": "other", "task": "t", "status": "done", "created_at": 1.0,
        "completed_at": 2.0, "result": {"success": true, "result": "x", "session_id": session}});
    fs::create_dir_all(world.jobs()).unwrap();
    fs::write(world.jobs().join(format!("{id}.json")), record.to_string()).unwrap();
    let mut client = Client::new(&world);
    let known = world.jobs().join(".known/session-owners-imported");
    crate::support::until("the records are read", || known.exists().then_some(()));
    let said = client.ask("dispatch_session", json!({"agent": "echo", "task": "t", "session_id": session}));
    assert!(said["error"].as_str().unwrap().contains("belongs to agent 'other'"), "{said}");
    // One that nobody is known to have begun is the caller's affair.
    let by_hand = "99c1d7c7-0000-4000-8000-00000000000a";
    let said = client.ask("dispatch_session", json!({"agent": "echo", "task": "t", "session_id": by_hand}));
    assert!(!said["error"].as_str().unwrap_or_default().contains("belongs to agent"), "{said}");
    client.bye();
}

#[test]
fn a_flag_that_a_program_refused_is_not_tried_again_until_it_changes() {
    let mut world = World::with("dump calls\nreject-flag --permission-prompts\nreject-flag --settings\nresult ok");
    let claude = world.path("claude");
    fs::copy(env!("CARGO_BIN_EXE_fake-claude"), &claude).unwrap();
    world.env("AGENT_DISPATCH_CLAUDE", &claude);
    let starts = |world: &World, task: &str| {
        let before = world.dumps("echo", "calls").len();
        let mut client = Client::new(world);
        let said = client.ask("dispatch", json!({"agent": "echo", "task": task}));
        client.bye();
        assert_eq!((&said["success"], said.get("hint")), (&json!(true), None), "nothing is lost without them: {said}");
        world.dumps("echo", "calls").len() - before
    };
    assert_eq!(starts(&world, "one"), 3, "one for each flag, and the run");
    assert_eq!(starts(&world, "two"), 1, "the program is known");
    let file = fs::File::options().append(true).open(&claude).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1)).unwrap();
    drop(file);
    assert_eq!(starts(&world, "three"), 3, "an updated one is asked anew");
}
