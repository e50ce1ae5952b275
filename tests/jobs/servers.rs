//! MCP servers that an agent lacked, told by whoever takes a run over.

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{ended, go, status, supervisor, works};
use crate::support::client::Client;
use crate::support::processes::{alive, signal};
use crate::support::until;
use crate::support::world::World;

/// Tells of its servers when nobody reads any more.
const TELLS_LATE: &str = "touch ready\nwait-file go\nmcp-server pg failed project\ninit\nsay hello\ntouch said";

fn world(end: &str) -> World {
    let world = World::with(&format!("{TELLS_LATE}\n{end}"));
    fs::write(world.path("echo/.mcp.json"), "{// servers\n}").unwrap();
    world
}

/// A run that told of its servers, and whose supervisor died before it could read that.
fn unread(world: &World, client: &mut Client) -> String {
    let id = works(world, client);
    let dies = supervisor(world);
    signal(dies, Signal::STOP);
    go(world);
    until("what it says", || world.path("echo").join("said").exists().then_some(()));
    signal(dies, Signal::KILL);
    until("a death", || (!alive(dies)).then_some(()));
    assert_eq!(lacked(client), Value::Null, "nobody has read it");
    id
}

fn lacked(client: &mut Client) -> Value {
    client.ask("list_agents", json!({}))[0]["mcp_servers_failed"]["failed"].clone()
}

#[test]
fn an_adopted_run_tells_of_them_and_of_a_broken_file() {
    let world = world("wait-file more\nresult done");
    let mut client = Client::new(&world);
    let id = unread(&world, &mut client);
    assert_eq!(status(&mut client, &id)["status"], "running");
    until("the adopter to read it", || (lacked(&mut client) == json!(["pg"])).then_some(()));
    fs::write(world.path("echo/more"), "").unwrap();
    let record = ended(&mut client, &id);
    let hint = record["result"]["hint"].as_str().unwrap_or_else(|| panic!("{record}"));
    assert!(hint.contains("passed over .mcp.json") && hint.contains("did not start (pg)"), "{hint}");
    client.bye();
}

#[test]
fn an_adopted_run_tells_nothing_of_a_file_that_was_changed_meanwhile() {
    let world = world("wait-file more\nresult done");
    let mut client = Client::new(&world);
    let id = works(&world, &mut client);
    let dies = supervisor(&world);
    signal(dies, Signal::STOP);
    // A file that was written a second after the run began, at the earliest.
    let record = client.ask("dispatch_status", json!({"job_id": id}));
    let began = record["started_at"].as_f64().unwrap();
    until("a later second", || {
        fs::write(world.path("echo/.mcp.json"), r#"{"mcpServers": {}}"#).unwrap();
        let written = fs::metadata(world.path("echo/.mcp.json")).unwrap().modified().unwrap();
        let written = written.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
        (written.floor() > began.floor()).then_some(())
    });
    go(&world);
    until("what it says", || world.path("echo").join("said").exists().then_some(()));
    signal(dies, Signal::KILL);
    until("a death", || (!alive(dies)).then_some(()));
    assert_eq!(status(&mut client, &id)["status"], "running");
    fs::write(world.path("echo/more"), "").unwrap();
    let record = ended(&mut client, &id);
    assert!(record["result"]["hint"].as_str().unwrap().contains("did not start (pg)"), "{record}");
    assert_eq!(lacked(&mut client), Value::Null);
    client.bye();
}

#[test]
fn a_run_that_is_cancelled_without_a_supervisor_tells_of_them() {
    for journal in ["true", "false"] {
        let mut world = world("silence");
        world.settings(&format!("usage_log: {journal}"));
        let mut client = Client::new(&world);
        let id = unread(&world, &mut client);
        assert_eq!(client.ask("dispatch_cancel", json!({"job_id": id}))["outcome"], "cancelled_running");
        assert_eq!(lacked(&mut client), json!(["pg"]), "usage_log: {journal}");
        client.bye();
    }
}
