//! Parameters under a name that a tool does not know: refused before anything runs, with the place where they belong. What
//! they were to restrict would otherwise not be restricted.

use agent_dispatch::mcp::tools::ROWS;
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::world::World;

/// What the answer to one more argument says, and that it is the caller's mistake.
fn refused(client: &mut Client, tool: &str, mut arguments: Value, key: &str, value: Value) -> (String, String) {
    arguments[key] = value;
    let id = client.call(tool, arguments);
    let answer = client.answer(id);
    assert_eq!(answer["result"]["isError"], true, "{tool} {key}: {answer}");
    let said: Value = serde_json::from_str(answer["result"]["content"][0]["text"].as_str().unwrap()).unwrap();
    let text = |key: &str| said[key].as_str().unwrap_or_default().to_owned();
    (text("error"), text("hint"))
}

#[test]
fn a_restriction_under_a_wrong_name_is_never_dropped() {
    let world = World::with("dump calls\nresult ok");
    let mut client = Client::new(&world);
    let dispatch = || json!({"agent": "echo", "task": "t"});
    for (key, value, told) in [
        ("max_budget_usd", json!(0.1), "update_agent(name=\"echo\", max_budget_usd=0.1)"),
        ("budget", json!(0.1), "update_agent(name=\"echo\", max_budget_usd=0.1)"),
        ("timeout", json!(10), "'timeout' is called timeout_seconds here"),
        ("timeoutSeconds", json!(10), "'timeoutSeconds' is called timeout_seconds here"),
        ("permission_mode", json!("plan"), "update_agent(name=\"echo\", permission_mode=\"plan\")"),
        ("permissionMode", json!("plan"), "update_agent(name=\"echo\", permission_mode=\"plan\")"),
        ("disallowed_tools", json!(["Bash"]), "update_agent(name=\"echo\", disallowed_tools=[\"Bash\"])"),
        ("deny", json!(["Bash"]), "update_agent(name=\"echo\", disallowed_tools=[\"Bash\"])"),
        ("blocked_tools", json!(["Bash"]), "update_agent(name=\"echo\", disallowed_tools=[\"Bash\"])"),
        ("cost_limit", json!(1), "update_agent(name=\"echo\", max_budget_usd=1)"),
        ("turn_limit", json!(1), "'turn_limit' is called max_turns here"),
        ("allowedTools", json!("Read"), "update_agent(name=\"echo\", allowed_tools=\"Read\")"),
        ("model", json!("haiku"), "update_agent(name=\"echo\", model=\"haiku\")"),
        ("max_turn", json!(1), "'max_turn' is called max_turns here"),
        ("session_id", json!("s"), "session_id is a parameter of dispatch_session"),
        ("wait_for_limit", json!(true), "wait_for_limit is a parameter of dispatch_async"),
        ("xyzzy", json!(1), "dispatch takes agent, task, context,"),
    ] {
        let (error, hint) = refused(&mut client, "dispatch", dispatch(), key, value);
        assert!(error.starts_with(&format!("dispatch does not know the parameter '{key}'")), "{error}");
        assert!(hint.contains(told), "{key}: {hint}");
    }
    // What is missing under its right name may be there under another.
    let (_, hint) = refused(&mut client, "dispatch", json!({"agent": "echo"}), "tasks", json!("t"));
    assert!(hint.contains("'tasks' is called task here"), "{hint}");
    let items = json!([dispatch(), {"agent": "echo", "task": "t", "max_budget_usd": 1}]);
    let (error, hint) = refused(&mut client, "dispatch_parallel", json!({}), "dispatches", items);
    assert!(error.starts_with("dispatches[1] does not know"), "{error}");
    assert!(hint.contains("update_agent(name=\"echo\", max_budget_usd=1)"), "{hint}");
    let (_, hint) = refused(&mut client, "cache_clear", json!({}), "agent", json!("echo"));
    assert!(hint.contains("cache_clear takes no parameters"), "{hint}");
    let (_, hint) = refused(&mut client, "update_agent", json!({"name": "echo"}), "directory", json!("/tmp"));
    assert!(hint.contains("directory is a parameter of add_agent"), "{hint}");
    // `null` is "not given", under any name.
    let mut arguments = dispatch();
    arguments["max_budget_usd"] = Value::Null;
    assert_eq!(world.dumps("echo", "calls").len(), 0, "a mistake costs nothing");
    assert_eq!(client.ask("dispatch", arguments)["success"], true);
    client.bye();
    world.no_job_is_left();
}

#[test]
fn what_other_tools_call_by_another_name_is_translated() {
    let world = World::with("result ok");
    let mut client = Client::new(&world);
    for (tool, key, known) in [
        ("inspect_agent", "agent", "name"),
        ("inspect_agent", "agent_name", "name"),
        ("remove_agent", "agent", "name"),
        ("update_agent", "agent", "name"),
        ("add_agent", "path", "directory"),
        ("inspect_group", "group", "name"),
        ("dispatch", "name", "agent"),
        ("dispatch", "prompt", "task"),
        ("dispatch", "topic", "task"),
        ("dispatch_dialogue", "task", "topic"),
        ("fetch_result", "job_id", "ref"),
        ("fetch_result", "id", "ref"),
        ("dispatch_wait", "id", "job_id"),
        ("dispatch_status", "ref", "job_id"),
        ("dispatch_cancel", "job", "job_id"),
        ("dispatch_parallel", "tasks", "dispatches"),
    ] {
        let (_, hint) = refused(&mut client, tool, json!({}), key, json!("x"));
        assert_eq!(hint, format!("'{key}' is called {known} here"), "{tool}");
    }
    // What is a setting of the agent is none of the call's, whatever it is like.
    let (_, hint) = refused(&mut client, "dispatch", json!({"agent": "echo"}), "instructions", json!("x"));
    assert!(hint.contains("update_agent(name=\"echo\", instructions="), "{hint}");
    client.bye();
}

#[test]
fn every_parameter_of_every_tool_is_found_in_another_spelling() {
    let world = World::with("result ok");
    let mut client = Client::new(&world);
    for row in ROWS {
        for parameter in row.parameters {
            let spelt = parameter.name.to_uppercase();
            let (error, hint) = refused(&mut client, row.name, json!({}), &spelt, json!("x"));
            assert!(error.contains(&format!("'{spelt}'")), "{}: {error}", row.name);
            assert_eq!(hint, format!("'{spelt}' is called {} here", parameter.name), "{}", row.name);
        }
    }
    client.bye();
}

#[test]
fn hostile_names_and_values_give_a_short_answer() {
    let world = World::with("result ok");
    let mut client = Client::new(&world);
    let mut arguments = json!({"agent": "echo".repeat(9_000), "task": "t"});
    for number in 0..1_000 {
        arguments[format!("{number}\u{1b}[31m{}", "x".repeat(500))] = json!("y".repeat(5_000));
    }
    let (error, hint) = refused(&mut client, "dispatch", arguments, "max_budget_usd", json!("9".repeat(100_000)));
    assert!(error.contains("and 996 more") && !error.contains('\u{1b}'), "{error}");
    assert!(error.len() + hint.len() < 3_000, "{} bytes", error.len() + hint.len());
    client.bye();
}
