//! Who is there.

use std::fs;

use serde_json::json;

use super::{Case, call, change, run};
use crate::support::world::World;

const FULL: &str = "description: Servers and deployment\ntimeout: 60\nmodel: sonnet\nmax_budget_usd: 1.5\n\
                    permission_mode: plan\nallowed_tools: [Read, Grep]\ndisallowed_tools: []\n\
                    capabilities: [docker_logs]\nrisky_capabilities: [restart]\ninstructions: Read only.";

pub fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "discovery",
            world: furnished,
            steps: vec![
                call("all", "list_agents", json!({})),
                call("in full", "inspect_agent", json!({"name": "infra"})),
                call("few lines", "inspect_agent", json!({"name": "infra", "preview_lines": 2})),
                call("no lines", "inspect_agent", json!({"name": "infra", "preview_lines": 0})),
                call("too many lines", "inspect_agent", json!({"name": "infra", "preview_lines": 5000})),
                call("fewer than none", "inspect_agent", json!({"name": "infra", "preview_lines": -3})),
                call("bare", "inspect_agent", json!({"name": "bare"})),
                call("without directory", "inspect_agent", json!({"name": "gone"})),
                call("unknown", "inspect_agent", json!({"name": "nobody"})),
                call("no name", "inspect_agent", json!({})),
                call("name of another kind", "inspect_agent", json!({"name": 7})),
            ],
        },
        Case {
            name: "nobody",
            world: World::new,
            steps: vec![
                call("all", "list_agents", json!({})),
                call("one", "inspect_agent", json!({"name": "x"})),
                call("dispatch", "dispatch", json!({"agent": "x", "task": "t"})),
                call("session", "dispatch_session", json!({"agent": "x", "task": "t"})),
                call("stream", "dispatch_stream", json!({"agent": "x", "task": "t"})),
                call("async", "dispatch_async", json!({"agent": "x", "task": "t"})),
                call("jobs", "dispatch_jobs", json!({})),
                call("cache", "cache_stats", json!({})),
                run("jobs on the command line", &["jobs", "--json"]),
                run("stats on the command line", &["stats", "--json"]),
                run("list on the command line", &["list"]),
            ],
        },
        Case {
            name: "broken file",
            world: World::new,
            steps: vec![
                change("bad YAML", |world| fs::write(world.config(), "agents: [\n").unwrap()),
                call("all", "list_agents", json!({})),
                call("one", "inspect_agent", json!({"name": "x"})),
                call("dispatch", "dispatch", json!({"agent": "x", "task": "t"})),
                call("add", "add_agent", json!({"name": "x", "directory": "[ROOT]"})),
                call("jobs", "dispatch_jobs", json!({})),
                call("status", "dispatch_status", json!({"job_id": "0".repeat(32)})),
                run("list", &["list"]),
                run("describe", &["describe", "x"]),
                run("stats", &["stats", "--json"]),
                change("wrong type", |world| fs::write(world.config(), "agents: 7\n").unwrap()),
                call("all of a wrong type", "list_agents", json!({})),
                change("no UTF-8", |world| fs::write(world.config(), b"agents: {\xff: 1}\n").unwrap()),
                call("all without UTF-8", "list_agents", json!({})),
            ],
        },
        Case {
            name: "what is typical",
            world: || World::with("cost 0.25\nturns 2\nresult fine\\nSTATUS: done"),
            steps: vec![
                call("before", "list_agents", json!({})),
                call("one", "dispatch", json!({"agent": "echo", "task": "1"})),
                call("the same", "dispatch", json!({"agent": "echo", "task": "1"})),
                call("two", "dispatch_session", json!({"agent": "echo", "task": "2", "caller": "me"})),
                call("too few", "inspect_agent", json!({"name": "echo"})),
                call("three", "dispatch_stream", json!({"agent": "echo", "task": "3"})),
                call("short", "list_agents", json!({})),
                call("in full", "inspect_agent", json!({"name": "echo"})),
                run("stats", &["stats", "--json"]),
                run("stats of one", &["stats", "--agent", "echo", "--days", "1", "--json"]),
                run("stats of nobody", &["stats", "--agent", "nobody", "--json"]),
                run("days that cannot be", &["stats", "--days", "x"]),
            ],
        },
        Case {
            name: "nothing recorded",
            world: || {
                let mut world = World::with("result fine");
                world.settings("usage_log: false");
                world
            },
            steps: vec![
                call("one", "dispatch_session", json!({"agent": "echo", "task": "1"})),
                call("two", "dispatch_session", json!({"agent": "echo", "task": "2"})),
                call("three", "dispatch_session", json!({"agent": "echo", "task": "3"})),
                call("in full", "inspect_agent", json!({"name": "echo"})),
                run("stats", &["stats", "--json"]),
            ],
        },
    ]
}

fn furnished() -> World {
    let mut world = World::new();
    world.agent_with("infra", "result fine", FULL);
    for (name, text) in [
        ("CLAUDE.md", "# Infra\n\nRuns the servers.\nAnd deploys them.\n\nThird.\n"),
        ("README.md", "# Readme\n\nA line that is longer than twenty characters.\n"),
        ("Dockerfile", "FROM scratch\n"),
        ("compose.yaml", "services: {}\n"),
        ("Cargo.toml", "[package]\n"),
        ("pyproject.toml", "[project]\nname = \"x\"\n"),
        ("package.json", "{}"),
        ("schema.prisma", ""),
        (".mcp.json", "{\"mcpServers\": {\"one\": {}, \"two\": {}}}"),
    ] {
        fs::write(world.path("infra").join(name), text).unwrap();
    }
    fs::create_dir(world.path("infra").join("migrations")).unwrap();
    world.agent("bare", "");
    world.entry("gone", &world.path("nowhere"), "description: Gone");
    world
}
