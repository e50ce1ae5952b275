//! `describe`

use std::fs;

use insta::assert_snapshot;

use super::World;

const CONFIG: &str = "\
agents:
  infra:
    directory: '[ROOT]/work/infra'
    description: Servers
    allowed_tools: []
    instructions: |
      Read-only.
      Be brief.
  broken: {timeout: -5, directory: '[ROOT]/work'}
";

#[test]
fn everything_about_an_agent() {
    let world = World::new().config(CONFIG);
    fs::write(world.path("work/infra/CLAUDE.md"), "# Infra\n\nServers \u{1b}[31mof the shop.\n").unwrap();
    fs::write(world.path("work/infra/Dockerfile"), "").unwrap();
    assert_snapshot!(world.run(&["describe", "infra"]), @r#"
    exit code: 0
    ----- stdout -----
    name: infra
    directory: [ROOT]/work/infra
    description: Servers
    timeout: 300 (not set)
    model: (claude's default)
    max_budget_usd: (inherit defaults): none
    permission_mode: (inherit defaults): default
    allowed_tools: []
    disallowed_tools: (inherit defaults): none
    instructions:
      Read-only.
      Be brief.
    healthy: yes
    mcp_servers: none
    stacks: Docker
    dbs: none
    has_claude_md: yes
    has_readme: no
    has_mcp_config: no
    claude_md_preview:
      # Infra

      Servers �[31mof the shop.
    ----- stderr -----
    "#);
    assert_snapshot!(world.run(&["describe", "infra", "--json"]), @r##"
    exit code: 0
    ----- stdout -----
    {
      "name": "infra",
      "directory": "[ROOT]/work/infra",
      "description": "Servers",
      "timeout": 300,
      "allowed_tools": [],
      "effective": {
        "timeout": 300,
        "permission_mode": "default",
        "allowed_tools": [],
        "disallowed_tools": []
      },
      "instructions": "Read-only.\nBe brief.\n",
      "healthy": true,
      "mcp_servers": [],
      "stacks": [
        "Docker"
      ],
      "dbs": [],
      "has_claude_md": true,
      "has_readme": false,
      "has_mcp_config": false,
      "claude_md_preview": "# Infra\n\nServers \u001b[31mof the shop."
    }
    ----- stderr -----
    "##);
}

#[test]
fn an_entry_that_is_invalid() {
    let world = World::new().config(CONFIG);
    assert_snapshot!(world.run(&["describe", "broken"]), @r#"
    exit code: 1
    ----- stdout -----
    name: broken
    healthy: no
    error: agents.broken.timeout: expected a whole number of seconds, 0 or more, found -5 (agents.yaml line 9, column 21)
    ----- stderr -----
    "#);
}

#[test]
fn an_agent_that_is_not_there() {
    let world = World::new().config(CONFIG);
    assert_snapshot!(world.run(&["describe", "infar"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: Unknown agent: 'infar'. Available: infra, broken
    hint: agent-dispatch list shows all agents
    "#);
    assert_snapshot!(world.run(&["describe", "infar", "--json"]), @r#"
    exit code: 1
    ----- stdout -----
    {
      "error": "Unknown agent: 'infar'. Available: infra, broken",
      "hint": "agent-dispatch list shows all agents"
    }
    ----- stderr -----
    error: Unknown agent: 'infar'. Available: infra, broken
    hint: agent-dispatch list shows all agents
    "#);
}

#[test]
fn no_name() {
    assert_snapshot!(World::new().run(&["describe"]), @r#"
    exit code: 2
    ----- stdout -----

    ----- stderr -----
    error: the following required arguments were not provided:
      <NAME>

    Usage: agent-dispatch describe <NAME>

    For more information, try '--help'.
    "#);
}
