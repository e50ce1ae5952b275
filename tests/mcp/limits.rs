//! Turn limits and spend caps: handed to the CLI, and what its stops become.

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::world::World;

/// Calls two tools, which are two turns, before it answers with the third.
const THREE_TURNS: &str = "dump calls\ntool Read {}\ntool Read {}\nresult done";

fn limits_given(world: &World) -> Vec<Option<String>> {
    let given = |call: &Value| {
        let words = call["argv"].as_array().unwrap().iter().filter_map(Value::as_str);
        words.filter_map(|word| word.strip_prefix("--max-turns=")).next_back().map(str::to_owned)
    };
    world.dumps("echo", "calls").iter().map(given).collect()
}

#[test]
fn the_limit_of_the_call_outranks_the_agents() {
    let mut world = World::new();
    world.agent_with("echo", THREE_TURNS, "max_turns: 5");
    let mut client = Client::new(&world);
    for (tool, given, expected) in [
        ("dispatch", json!(null), Some("5")),
        ("dispatch_session", json!(0), Some("5")),
        ("dispatch_session", json!("-3"), Some("5")),
        ("dispatch_stream", json!(9.0), Some("9")),
        ("dispatch", json!(99_000_000_000_u64), Some("10000")),
    ] {
        let arguments = json!({"agent": "echo", "task": format!("{tool} {given}"), "max_turns": given});
        let said = client.ask(tool, arguments);
        assert_eq!((&said["success"], &said["result"]), (&json!(true), &json!("done")), "{tool} {given}: {said}");
        assert_eq!(limits_given(&world).last().unwrap().as_deref(), expected, "{tool} {given}");
    }
    let job = client.ask("dispatch_async", json!({"agent": "echo", "task": "later", "max_turns": 7}));
    client.ask("dispatch_wait", json!({"job_id": job["job_id"]}));
    assert_eq!(limits_given(&world).last().unwrap().as_deref(), Some("7"));
    client.bye();
    let world = World::with(THREE_TURNS);
    let mut client = Client::new(&world);
    client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
    assert_eq!(limits_given(&world), [None], "nobody set one");
    client.bye();
}

#[test]
fn a_run_that_reaches_its_limit_says_how_to_go_on() {
    let mut world = World::new();
    world.agent_with("echo", "say half of it\ntool Read {}\ntool Read {}\nresult done", "max_turns: 2");
    let mut client = Client::new(&world);
    let said = client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
    assert_eq!((&said["success"], &said["error_type"]), (&json!(false), &json!("budget")), "{said}");
    assert_eq!((&said["result"], said.get("budget_exceeded")), (&json!("half of it"), None), "{said}");
    let call = format!(
        "dispatch_session(agent=\"echo\", task=\"Continue where you left off\", session_id={}, max_turns=4)",
        said["session_id"]
    );
    assert!(said["error"].as_str().unwrap().contains(&call), "{said}");
    // The call as it stands goes through.
    let more = json!({"agent": "echo", "task": "Continue where you left off", "session_id": said["session_id"], "max_turns": 4});
    let said = client.ask("dispatch_session", more);
    assert_eq!((&said["success"], &said["result"]), (&json!(true), &json!("done")), "{said}");
    // A limit is part of what was asked: the answer under one is not that under another.
    let roomy = json!({"agent": "echo", "task": "t", "max_turns": 8});
    assert_eq!(client.ask("dispatch", roomy.clone())["success"], true);
    assert_eq!(client.ask("dispatch", roomy)["cached"], true);
    assert_eq!(client.ask("dispatch", json!({"agent": "echo", "task": "t"}))["error_type"], "budget");
    client.bye();
}

#[test]
fn a_cli_that_knows_no_limit_runs_without_it_and_says_so() {
    let mut world = World::new();
    world.agent_with("echo", "dump calls\nreject-flag --max-turns\nresult ok", "max_turns: 2");
    let mut client = Client::new(&world);
    let said = client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
    assert_eq!((&said["success"], &said["result"]), (&json!(true), &json!("ok")), "{said}");
    assert!(said["hint"].as_str().unwrap().contains("--max-turns"), "{said}");
    assert_eq!(limits_given(&world), [Some("2".to_owned()), None]);
    client.bye();
}

#[test]
fn a_run_over_its_cap_is_stopped_by_the_cli_or_told_afterwards() {
    let mut world = World::new();
    world.agent_with("stopped", "cost 0.5\nsay found it\nresult done", "max_budget_usd: 0.25");
    // This CLI has no cap, so that only the price tells.
    world.agent_with("over", "reject-flag --max-budget-usd\ncost 0.5\nresult done", "max_budget_usd: 0.25");
    world.agent_with("within", "cost 0.25\nresult done", "max_budget_usd: 0.25");
    let mut client = Client::new(&world);
    let mut ask = |agent: &str| client.ask("dispatch", json!({"agent": agent, "task": "t"}));
    let stopped = ask("stopped");
    assert_eq!((&stopped["error_type"], &stopped["budget_exceeded"]), (&json!("budget"), &json!(true)), "{stopped}");
    assert_eq!((&stopped["cost_usd"], &stopped["result"]), (&json!(0.5), &json!("done")), "{stopped}");
    let error = stopped["error"].as_str().unwrap();
    let session = stopped["session_id"].as_str().unwrap();
    assert!(error.contains("max_budget_usd=1)") && error.contains(session), "{stopped}");
    let over = ask("over");
    assert_eq!((&over["success"], &over["budget_exceeded"]), (&json!(true), &json!(true)), "{over}");
    let hint = over["hint"].as_str().unwrap();
    assert!(hint.contains("0.5") && hint.contains("--max-budget-usd"), "{over}");
    assert!(ask("over").get("cached").is_none(), "an answer over its budget is not kept");
    let within = ask("within");
    assert_eq!((&within["success"], within.get("budget_exceeded")), (&json!(true), None), "{within}");
    assert_eq!(ask("within")["cached"], true);
    client.bye();
}
