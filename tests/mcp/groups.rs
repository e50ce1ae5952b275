//! Groups: who belongs to them, and what `group=` does.

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::world::World;

const GROUPS: &str = "  shop:\n    description: db first\n    shared_context: |\n      The host is shop-7.\n    members: [{agent: echo, use_for: deploy}, {agent: nobody}]\n  bare:\n    members: [{agent: echo}]\n  empty: {}\n  bad: 5\n";

fn world() -> World {
    let mut world = World::with("dump calls\nresult ok");
    world.agent("other", "dump calls\nresult ok");
    world.groups(GROUPS);
    world
}

fn in_group(agent: &str, group: &str) -> Value {
    json!({"agent": agent, "task": "t", "group": group})
}

#[test]
fn groups_are_listed_and_inspected() {
    let world = world();
    let mut client = Client::new(&world);
    let groups = client.ask("list_groups", json!({}));
    let members =
        json!([{"agent": "echo", "use_for": "deploy", "healthy": true}, {"agent": "nobody", "unknown": true}]);
    assert_eq!(
        groups[0],
        json!({"name": "shop", "description": "db first", "shared_context_present": true, "member_count": 2, "members": members})
    );
    assert_eq!((&groups[2]["member_count"], &groups[3]["healthy"]), (&json!(0), &json!(false)), "{groups}");
    let shop = client.ask("inspect_group", json!({"name": "shop"}));
    assert_eq!(shop["shared_context"], "The host is shop-7.\n");
    assert_eq!(shop["members"][0]["directory"], world.path("echo").to_str().unwrap());
    for name in ["nowhere", "", "../x"] {
        let said = client.ask("inspect_group", json!({"name": name}));
        assert!(said["error"].as_str().unwrap().contains("Available: shop, bare, empty, bad"), "{said}");
    }
    client.bye();
    let world = World::with("result ok");
    let mut client = Client::new(&world);
    assert!(client.ask("list_groups", json!({}))["error"].as_str().unwrap().contains("group add"));
    client.bye();
}

#[test]
fn what_the_group_knows_comes_before_the_context() {
    let world = world();
    let mut client = Client::new(&world);
    let mut asked = |arguments: Value| {
        assert_eq!(client.ask("dispatch", arguments.clone())["success"], true, "{arguments}");
        world.dumps("echo", "calls").last().unwrap()["prompt"].as_str().unwrap().to_owned()
    };
    let label = "Shared context of the group 'shop':\nThe host is shop-7.";
    assert_eq!(asked(in_group("echo", "shop")), format!("Context:\n{label}\n\nTask:\nt"));
    let full = json!({"agent": "echo", "task": "t", "group": "shop", "context": "c", "caller": "me"});
    assert_eq!(asked(full), format!("## Dispatched by\nme\n\n## Context\n{label}\n\nc\n\n## Task\nt"));
    assert_eq!(asked(in_group("echo", "bare")), "t");
    assert_eq!(asked(json!({"agent": "echo", "task": "t", "group": null})), "t");
    let job = client.ask("dispatch_async", json!({"agent": "echo", "task": "t", "group": "shop", "context": "c"}));
    let record = client.ask("dispatch_wait", json!({"job_id": job["job_id"]}));
    assert_eq!((&record["status"], &record["context"]), (&json!("done"), &json!(format!("{label}\n\nc"))));
    client.bye();
}

#[test]
fn a_group_is_part_of_what_is_cached_by_being_part_of_the_context() {
    let mut world = world();
    let mut client = Client::new(&world);
    let cached = |client: &mut Client, arguments: Value| client.ask("dispatch", arguments).get("cached").is_some();
    assert!(!cached(&mut client, in_group("echo", "shop")));
    assert!(cached(&mut client, in_group("echo", "shop")));
    assert!(!cached(&mut client, json!({"agent": "echo", "task": "t"})));
    assert!(cached(&mut client, in_group("echo", "bare")), "a group that knows nothing changes nothing");
    world.groups(&GROUPS.replace("shop-7", "shop-8"));
    assert!(!cached(&mut client, in_group("echo", "shop")), "the group knows something else");
    client.bye();
}

#[test]
fn mistakes_are_found_in_the_order_of_the_contract() {
    let world = world();
    let mut client = Client::new(&world);
    for tool in ["dispatch", "dispatch_async"] {
        for (agent, group, named) in [
            ("stranger", "nowhere", "Unknown agent: 'stranger'"),
            ("other", "nowhere", "Unknown group: 'nowhere'. Available: shop, bare, empty, bad"),
            ("other", "shop", "agent 'other' is not a member of group 'shop'. Members: echo, nobody"),
            ("other", "empty", "group add-member empty other"),
            ("echo", "bad", "group 'bad' is disabled"),
        ] {
            let id = client.call(tool, in_group(agent, group));
            let answer = client.answer(id);
            assert_eq!(answer["result"]["isError"], true, "{answer}");
            assert!(answer["result"]["content"][0]["text"].as_str().unwrap().contains(named), "{named}: {answer}");
        }
    }
    assert!(world.dumps("other", "calls").is_empty() && world.dumps("echo", "calls").is_empty());
    client.bye();
    world.no_job_is_left();
}

#[test]
fn every_tool_that_runs_one_request_takes_a_group() {
    let world = world();
    let mut client = Client::new(&world);
    for tool in ["dispatch", "dispatch_session", "dispatch_stream"] {
        let said = client.ask(tool, in_group("echo", "shop"));
        assert_eq!(said["success"], true, "{tool}: {said}");
        let calls = world.dumps("echo", "calls");
        let prompt = calls.last().unwrap()["prompt"].as_str().unwrap();
        assert!(prompt.contains("The host is shop-7."), "{tool}: {prompt}");
        let said = client.ask(tool, in_group("other", "shop"));
        assert!(said["error"].as_str().unwrap().contains("member"), "{tool}: {said}");
    }
    assert_eq!(world.dumps("echo", "calls").len(), 3);
    client.bye();
}
