//! `list`

use insta::assert_snapshot;

use super::World;

const MIXED: &str = "\
agents:
  infra: {directory: '[ROOT]/work/infra', description: Servers, timeout: 60}
  home: {directory: '~', description: \"evil \\e[31mred\\e[0m\\nsecond line\"}
  gone: {directory: '[ROOT]/work/gone'}
  broken: {directory: '[ROOT]/work', timeout: -5}
";

#[test]
fn none() {
    assert_snapshot!(World::new().run(&["list"]), @r#"
    exit code: 0
    ----- stdout -----

    ----- stderr -----
    no agents in [ROOT]/home/.config/agent-dispatch/agents.yaml
    hint: agent-dispatch add NAME DIR makes a project directory an agent
    "#);
    assert_snapshot!(World::new().run(&["list", "--json"]), @r#"
    exit code: 0
    ----- stdout -----
    []
    ----- stderr -----
    "#);
}

#[test]
fn healthy_and_other_agents() {
    let world = World::new().config(MIXED);
    assert_snapshot!(world.run(&["list"]), @r#"
    exit code: 0
    ----- stdout -----
    infra   [ROOT]/work/infra           Servers
            timeout 60; model (claude's default); max_budget_usd (inherit defaults): none; permission_mode (inherit defaults); allowed_tools (inherit defaults): none; disallowed_tools (inherit defaults): none
    home    ~                                    evil  [31mred [0m second line
            timeout 300 (not set); model (claude's default); max_budget_usd (inherit defaults): none; permission_mode (inherit defaults); allowed_tools (inherit defaults): none; disallowed_tools (inherit defaults): none
    gone    [ROOT]/work/gone (missing)
            timeout 300 (not set); model (claude's default); max_budget_usd (inherit defaults): none; permission_mode (inherit defaults); allowed_tools (inherit defaults): none; disallowed_tools (inherit defaults): none
    broken  (disabled)                           agents.broken.timeout: expected a whole number of seconds, 0 or more, found -5 (agents.yaml line 5, column 56)
    ----- stderr -----
    "#);
    assert_snapshot!(world.run(&["list", "--json"]), @r#"
    exit code: 0
    ----- stdout -----
    [
      {
        "name": "infra",
        "directory": "[ROOT]/work/infra",
        "description": "Servers",
        "healthy": true,
        "has_claude_md": false,
        "has_mcp_config": false
      },
      {
        "name": "home",
        "directory": "[ROOT]/home",
        "description": "evil \u001b[31mred\u001b[0m\nsecond line",
        "healthy": true,
        "has_claude_md": false,
        "has_mcp_config": false
      },
      {
        "name": "gone",
        "directory": "[ROOT]/work/gone",
        "description": "",
        "healthy": false,
        "has_claude_md": false,
        "has_mcp_config": false
      },
      {
        "name": "broken",
        "healthy": false,
        "error": "agents.broken.timeout: expected a whole number of seconds, 0 or more, found -5 (agents.yaml line 5, column 56)"
      }
    ]
    ----- stderr -----
    "#);
}

#[test]
fn a_broken_config() {
    let world = World::new().config("agents:\n  infra: {directory: '/x'\n  web: 3\n");
    assert_snapshot!(world.run(&["list"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: cannot read the config: did not find expected ',' or '}' at line 3 column 3, while parsing a flow mapping at line 2 column 10 ([ROOT]/home/.config/agent-dispatch/agents.yaml, line 3, column 3)
    hint: correct line 3 of [ROOT]/home/.config/agent-dispatch/agents.yaml, then repeat the call
    "#);
    assert_snapshot!(world.run(&["list", "--json"]), @r#"
    exit code: 1
    ----- stdout -----
    {
      "error": "cannot read the config: did not find expected ',' or '}' at line 3 column 3, while parsing a flow mapping at line 2 column 10 ([ROOT]/home/.config/agent-dispatch/agents.yaml, line 3, column 3)",
      "hint": "correct line 3 of [ROOT]/home/.config/agent-dispatch/agents.yaml, then repeat the call"
    }
    ----- stderr -----
    error: cannot read the config: did not find expected ',' or '}' at line 3 column 3, while parsing a flow mapping at line 2 column 10 ([ROOT]/home/.config/agent-dispatch/agents.yaml, line 3, column 3)
    hint: correct line 3 of [ROOT]/home/.config/agent-dispatch/agents.yaml, then repeat the call
    "#);
}

#[test]
fn the_config_can_be_named() {
    let world = World::new().env("AGENT_DISPATCH_CONFIG", "other.yaml");
    std::fs::write(world.path("work/other.yaml"), "agents: {here: {directory: infra}}").unwrap();
    assert_snapshot!(world.run(&["list"]), @r#"
    exit code: 0
    ----- stdout -----
    here  [ROOT]/work/infra
    ----- stderr -----
    "#);
}

#[test]
fn without_a_home() {
    let world = World::new();
    let output = world.command(&["list"]).env_remove("HOME").output().unwrap();
    assert_snapshot!(super::shown(&output), @r#"
    exit code: 0
    ----- stdout -----

    ----- stderr -----
    no agents in [ROOT]/work/.config/agent-dispatch/agents.yaml
    hint: agent-dispatch add NAME DIR makes a project directory an agent
    "#);
}
