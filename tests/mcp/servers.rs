//! MCP servers that an agent lacked in its last run, as those see it who choose an agent.

use std::fs;

use serde_json::{Value, json};

use crate::support::client::{Client, Era, Wire};
use crate::support::until;
use crate::support::world::World;

const FAILS: &str = "mcp-server pg failed project\nmcp-server mail needs-auth\nmcp-server web needs-auth project\nmcp-server ok connected project\ninit\nresult done [RESOLVED]";
const WELL: &str = "mcp-server pg connected project\nmcp-server mail needs-auth\ninit\nresult done [RESOLVED]";
const KEY: &str = "mcp_servers_failed";

/// What `list_agents` says that an agent lacks.
fn listed(client: &mut Client, agent: &str) -> Value {
    let agents = client.ask("list_agents", json!({}));
    let listed = agents.as_array().unwrap().iter().find(|listed| listed["name"] == agent).unwrap();
    listed.get(KEY).cloned().unwrap_or_default()
}

/// The same without the time; `inspect_agent` says the same.
fn lacked(client: &mut Client, agent: &str) -> Value {
    let mut said = listed(client, agent);
    assert_eq!(client.ask("inspect_agent", json!({"name": agent})).get(KEY).cloned().unwrap_or_default(), said);
    if let Some(said) = said.as_object_mut() {
        let at = said.remove("at").unwrap();
        assert!(at.as_str().unwrap().starts_with("20") && at.as_str().unwrap().ends_with('Z'), "{at}");
    }
    said
}

fn configured(world: &World) {
    fs::write(world.path("echo/.mcp.json"), r#"{"mcpServers": {"pg": {"command": "true"}}}"#).unwrap();
}

#[test]
fn runs_of_every_kind_tell_of_the_servers_that_they_lacked() {
    let mut world = World::with(FAILS);
    world.agent("shop", "result nothing to ask");
    configured(&world);
    let mut client = Client::new(&world);
    let mut tasks = Client::begin(&world, Wire::Pipes, Era::Tasks);
    let one = json!({"agent": "echo", "task": "t"});
    for (tool, arguments) in [
        ("dispatch", one.clone()),
        ("dispatch_session", one.clone()),
        ("dispatch_stream", one.clone()),
        ("dispatch_parallel", json!({"dispatches": [one.clone(), {"agent": "shop", "task": "t"}]})),
        ("dispatch_dialogue", json!({"requester": "shop", "responder": "echo", "topic": "t"})),
        ("dispatch_async", one.clone()),
    ] {
        for by_task in [false, true] {
            world.scene("echo", WELL);
            client.ask("cache_clear", json!({}));
            client.ask("dispatch_session", one.clone());
            assert_eq!(lacked(&mut client, "echo"), json!(null), "before {tool}");
            world.scene("echo", FAILS);
            let caller = if by_task { &mut tasks } else { &mut client };
            caller.ask("cache_clear", json!({}));
            let call = caller.call(tool, arguments.clone());
            caller.answer(call);
            // A task is told of before its run has begun.
            until("what the run told", || (!listed(&mut client, "echo").is_null()).then_some(()));
            let said = lacked(&mut client, "echo");
            assert_eq!(said, json!({"failed": ["pg"], "needs-auth": ["web"]}), "{tool}");
            assert_eq!(lacked(&mut client, "shop"), json!(null));
            until("the end of the runs", || {
                (world.supervisors().is_empty() && world.workers().is_empty()).then_some(())
            });
        }
    }
    client.bye();
    tasks.bye();
}

#[test]
fn another_file_or_another_place_is_not_what_was_told_of() {
    let mut world = World::with(FAILS);
    configured(&world);
    let mut client = Client::new(&world);
    client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
    let told = json!({"failed": ["pg"], "needs-auth": ["web"]});
    assert_eq!(lacked(&mut client, "echo"), told);
    // Whatever an agent of this directory is called; and nothing for its name elsewhere.
    world.entry("twin", &world.path("echo"), "");
    assert_eq!(lacked(&mut client, "twin"), told);
    fs::create_dir(world.path("other")).unwrap();
    client.ask("remove_agent", json!({"name": "echo"}));
    client.ask("add_agent", json!({"name": "echo", "directory": world.path("other")}));
    assert_eq!((lacked(&mut client, "echo"), lacked(&mut client, "twin")), (json!(null), told));
    fs::write(world.path("echo/.mcp.json"), r#"{"mcpServers": {"pg": {"command": "false"}}}"#).unwrap();
    assert_eq!(lacked(&mut client, "twin"), json!(null), "a changed file");
    client.ask("dispatch", json!({"agent": "twin", "task": "t"}));
    assert_eq!(lacked(&mut client, "twin")["failed"], json!(["pg"]));
    fs::remove_file(world.path("echo/.mcp.json")).unwrap();
    assert_eq!(lacked(&mut client, "twin"), json!(null), "a file that is gone");
    client.bye();
}

#[test]
fn what_is_in_the_way_of_the_memory_takes_nothing_from_an_answer() {
    let world = World::with(FAILS);
    configured(&world);
    fs::create_dir_all(world.jobs().join(".known/mcp-servers")).unwrap();
    let mut client = Client::new(&world);
    let said = client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
    assert_eq!(said["success"], true, "{said}");
    assert!(said["hint"].as_str().unwrap().contains("did not start (pg)"), "{said}");
    assert_eq!(lacked(&mut client, "echo"), json!(null));
    fs::remove_dir(world.jobs().join(".known/mcp-servers")).unwrap();
    fs::write(world.jobs().join(".known/mcp-servers"), "no line\n{\"directory\": []}\n\0\0").unwrap();
    client.ask("dispatch_session", json!({"agent": "echo", "task": "t"}));
    assert_eq!(lacked(&mut client, "echo")["failed"], json!(["pg"]));
    client.bye();
}
