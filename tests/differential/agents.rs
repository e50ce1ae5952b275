//! Agents come, change and go.

use std::fs;

use serde_json::{Value, json};

use super::{Case, Step, call, change};
use crate::support::world::World;

pub fn cases() -> Vec<Case> {
    vec![Case { name: "agents", world: rooms, steps: steps() }]
}

fn rooms() -> World {
    let world = World::new();
    for room in ["one", "two", "three", "four", "five", "six"] {
        fs::create_dir(world.path(room)).unwrap();
    }
    fs::write(world.path("two").join("CLAUDE.md"), "# T\n\nDoes two things.\n").unwrap();
    world
}

fn add(what: &'static str, name: &str, room: &str, more: Value) -> Step {
    let mut arguments = json!({"name": name, "directory": format!("[ROOT]/{room}")});
    for (key, value) in more.as_object().unwrap() {
        arguments[key] = value.clone();
    }
    call(what, "add_agent", arguments)
}

fn update(what: &'static str, mut arguments: Value) -> Step {
    arguments["name"] = json!("full");
    call(what, "update_agent", arguments)
}

fn steps() -> Vec<Step> {
    let full = json!({"description": "d", "timeout": 60, "max_budget_usd": 1.5, "permission_mode": "plan",
        "allowed_tools": "Read, Grep", "disallowed_tools": "Write", "capabilities": "a,b", "risky_capabilities": "c",
        "instructions": "Be brief."});
    let mut steps = vec![
        add("little", "little", "one", json!({})),
        add("described by its own words", "two", "two", json!({})),
        add("everything", "full", "three", full),
        add("the same name", "full", "three", json!({})),
        add("a relative name", "a b", "four", json!({})),
        add("no name", "", "four", json!({})),
        add("a name with a path", "../x", "four", json!({})),
        add("a name with a line", "x\n", "four", json!({})),
        add("no such directory", "x", "none", json!({})),
        add("a negative time", "x", "four", json!({"timeout": -1})),
        add("a negative budget", "x", "four", json!({"max_budget_usd": -1})),
        add("a text for a budget", "x", "four", json!({"max_budget_usd": "much"})),
        add("an unknown mode", "mode", "four", json!({"permission_mode": "yolo"})),
        add("no tools", "none", "five", json!({"allowed_tools": "none"})),
        add("tools of nothing", "commas", "six", json!({"allowed_tools": " , ,"})),
        call("nothing", "add_agent", json!({})),
        call("all", "list_agents", json!({})),
        call("one in full", "inspect_agent", json!({"name": "full"})),
    ];
    steps.extend([
        update("nothing to change", json!({})),
        update("a description", json!({"description": "new"})),
        update("several", json!({"timeout": 90, "model": "haiku", "allowed_tools": "Read", "max_budget_usd": 2})),
        update(
            "cleared",
            json!({"model": "none", "permission_mode": "none", "allowed_tools": "none", "instructions": "none"}),
        ),
        update("no cap", json!({"max_budget_usd": -1})),
        update("a negative time for it", json!({"timeout": -1})),
        update("zeros", json!({"timeout": 0, "max_budget_usd": 0})),
        update("an unknown mode for it", json!({"permission_mode": "yolo"})),
        update(
            "lists cleared",
            json!({"capabilities": "none", "risky_capabilities": "none", "disallowed_tools": "none"}),
        ),
        call("an unknown agent", "update_agent", json!({"name": "nobody", "model": "haiku"})),
        call("no agent", "update_agent", json!({"model": "haiku"})),
        call("as it is then", "inspect_agent", json!({"name": "full"})),
        call("removed", "remove_agent", json!({"name": "full"})),
        call("removed twice", "remove_agent", json!({"name": "full"})),
        call("nothing removed", "remove_agent", json!({})),
        call("who is left", "list_agents", json!({})),
        change("a cap of its own below the settings", |world| {
            let text = fs::read_to_string(world.config()).unwrap();
            fs::write(world.config(), format!("{text}\nsettings:\n  default_max_budget_usd: 1\n")).unwrap();
        }),
        call("everybody still there", "list_agents", json!({})),
    ]);
    steps
}
