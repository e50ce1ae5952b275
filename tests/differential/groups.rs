//! Groups.

use serde_json::json;

use super::{Case, call, run};
use crate::support::world::World;

const GROUPS: &str = "
groups:
  shop:
    description: The shop
    shared_context: \"Prices are in cents.\"
    members: [{agent: web, use_for: pages}, {agent: db}, {agent: nobody}]
  empty:
    description: Nobody yet
";

pub fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "groups",
            world,
            steps: vec![
                call("all", "list_groups", json!({})),
                call("one", "inspect_group", json!({"name": "shop"})),
                call("an empty one", "inspect_group", json!({"name": "empty"})),
                call("unknown", "inspect_group", json!({"name": "nothing"})),
                call("no name", "inspect_group", json!({})),
                call("a member", "dispatch", json!({"agent": "web", "task": "t", "group": "shop"})),
                call(
                    "a member with a context",
                    "dispatch",
                    json!({"agent": "web", "task": "t", "group": "shop", "context": "c"}),
                ),
                call("a member again", "dispatch", json!({"agent": "web", "task": "t", "group": "shop"})),
                call("without the group", "dispatch", json!({"agent": "web", "task": "t"})),
                call("no member", "dispatch", json!({"agent": "other", "task": "t", "group": "shop"})),
                call("an unknown group", "dispatch", json!({"agent": "web", "task": "t", "group": "nothing"})),
                call("an empty group", "dispatch", json!({"agent": "web", "task": "t", "group": "empty"})),
                call("nobody in a group", "dispatch", json!({"agent": "nobody", "task": "t", "group": "shop"})),
                run("list on the command line", &["group", "list"]),
                run("inspect on the command line", &["group", "inspect", "shop"]),
                run("inspect nothing on the command line", &["group", "inspect", "nothing"]),
                run("add on the command line", &["group", "add", "new", "--member", "web"]),
                run("add twice on the command line", &["group", "add", "new", "--member", "web"]),
                run("add a bad name on the command line", &["group", "add", "a b"]),
                run("add nobody on the command line", &["group", "add", "other", "--member", "nobody"]),
                run("update on the command line", &["group", "update", "new", "-d", "words"]),
                run("update nothing on the command line", &["group", "update", "new"]),
                run("remove on the command line", &["group", "remove", "new"]),
                run("remove twice on the command line", &["group", "remove", "new"]),
            ],
        },
        Case {
            name: "no groups",
            world: || World::with(""),
            steps: vec![
                call("all", "list_groups", json!({})),
                call("one", "inspect_group", json!({"name": "shop"})),
                call("in a group", "dispatch", json!({"agent": "echo", "task": "t", "group": "shop"})),
            ],
        },
    ]
}

fn world() -> World {
    let mut world = World::new();
    for name in ["web", "db", "other"] {
        world.agent(name, "");
    }
    let text = std::fs::read_to_string(world.config()).unwrap();
    std::fs::write(world.config(), text + GROUPS).unwrap();
    world
}
