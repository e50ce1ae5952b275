//! `list`

use insta::assert_snapshot;

use super::World;

const MIXED: &str = "\
agents:
  infra: {directory: '[ROOT]/work/infra', description: Servers, timeout: 60}
  home: {directory: '~', description: \"evil \\e[31mred\\e[0m\\nsecond line\"}
  gone: {directory: '[ROOT]/work/gone'}
  broken: {timeout: -5, directory: '[ROOT]/work'}
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

/// How wide a column is depends on where temporary files are: here each is two blanks from the one before it.
fn unaligned() -> insta::internals::SettingsBindDropGuard {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"(\S) {2,}", "$1  ");
    settings.bind_to_scope()
}

#[test]
fn healthy_and_other_agents() {
    let world = World::new().config(MIXED);
    let filter = unaligned();
    assert_snapshot!(world.run(&["list"]), @r#"
    exit code: 0
    ----- stdout -----
    infra  [ROOT]/work/infra  Servers
            timeout 60; model (claude's default); max_budget_usd (inherit defaults): none; permission_mode (inherit defaults); allowed_tools (inherit defaults): none; disallowed_tools (inherit defaults): none
    home  ~  evil  [31mred [0m second line
            timeout 300 (not set); model (claude's default); max_budget_usd (inherit defaults): none; permission_mode (inherit defaults); allowed_tools (inherit defaults): none; disallowed_tools (inherit defaults): none
    gone  [ROOT]/work/gone (missing)
            timeout 300 (not set); model (claude's default); max_budget_usd (inherit defaults): none; permission_mode (inherit defaults); allowed_tools (inherit defaults): none; disallowed_tools (inherit defaults): none
    broken  (disabled)  agents.broken.timeout: expected a whole number of seconds, 0 or more, found -5 (agents.yaml line 5, column 21)
    ----- stderr -----
    from [ROOT]/home/.config/agent-dispatch/agents.yaml
    "#);
    drop(filter);
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
        "error": "agents.broken.timeout: expected a whole number of seconds, 0 or more, found -5 (agents.yaml line 5, column 21)"
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
    error: cannot read the config: the `{` that opens here is not closed before line 3; correct it: line 2 is then `  infra: {directory: '/x'}` ([ROOT]/home/.config/agent-dispatch/agents.yaml, line 2, column 10)
    hint: correct line 2 of [ROOT]/home/.config/agent-dispatch/agents.yaml, then repeat the call
    "#);
    assert_snapshot!(world.run(&["list", "--json"]), @r#"
    exit code: 1
    ----- stdout -----
    {
      "error": "cannot read the config: the `{` that opens here is not closed before line 3; correct it: line 2 is then `  infra: {directory: '/x'}` ([ROOT]/home/.config/agent-dispatch/agents.yaml, line 2, column 10)",
      "hint": "correct line 2 of [ROOT]/home/.config/agent-dispatch/agents.yaml, then repeat the call"
    }
    ----- stderr -----
    error: cannot read the config: the `{` that opens here is not closed before line 3; correct it: line 2 is then `  infra: {directory: '/x'}` ([ROOT]/home/.config/agent-dispatch/agents.yaml, line 2, column 10)
    hint: correct line 2 of [ROOT]/home/.config/agent-dispatch/agents.yaml, then repeat the call
    "#);
}

#[test]
fn an_agent_that_is_given_twice_is_told() {
    let world = World::new().config("agents:\n  infra: {directory: '[ROOT]/work/infra', disallowed_tools: [Bash]}\n  infra: {directory: '[ROOT]/work/infra'}\n");
    let listed = world.run(&["list"]);
    assert!(
        listed.contains("warning: agents.infra is given twice; only the last one counts (line 3); take the others out"),
        "{listed}"
    );
}

#[test]
fn the_config_can_be_named() {
    let world = World::new().env("AGENT_DISPATCH_CONFIG", "other.yaml");
    std::fs::write(world.path("work/other.yaml"), "agents: {here: {directory: infra}}").unwrap();
    assert_snapshot!(world.run(&["list"]), @r#"
    exit code: 0
    ----- stdout -----
    here  [ROOT]/work/infra
          timeout 300 (not set); model (claude's default); max_budget_usd (inherit defaults): none; permission_mode (inherit defaults); allowed_tools (inherit defaults): none; disallowed_tools (inherit defaults): none
    ----- stderr -----
    from [ROOT]/work/other.yaml
    "#);
}

#[test]
fn without_a_home_the_working_directory_is_never_one() {
    let world = World::new();
    let planted = world.path("work/.config/agent-dispatch");
    std::fs::create_dir_all(&planted).unwrap();
    std::fs::write(planted.join("agents.yaml"), "agents: {planted: {directory: /}}").unwrap();
    let output = world.once(&["list"]).env_remove("HOME").output().unwrap();
    let text = super::shown(&output);
    // The home of the password entry, or the reason why there is no place for agents.yaml.
    assert!(!text.contains("planted") && !text.contains(planted.to_str().unwrap()), "{text}");
    assert!(text.contains(".config/agent-dispatch/agents.yaml") || text.contains("hint: set HOME"), "{text}");
}

#[test]
fn a_variable_that_is_not_set_is_named_and_nothing_is_made() {
    let world = World::new().env("AGENT_DISPATCH_CONFIG", "${CLAUDE_PROJECT_DIR}/agents.yaml");
    assert_snapshot!(world.run(&["list"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: AGENT_DISPATCH_CONFIG is "${CLAUDE_PROJECT_DIR}/agents.yaml", but the variable CLAUDE_PROJECT_DIR is not set
    hint: set CLAUDE_PROJECT_DIR where agent-dispatch is started, or write the full path into AGENT_DISPATCH_CONFIG
    "#);
    assert_snapshot!(world.run(&["add", "infra", "infra"]).lines().next().unwrap(), @"exit code: 1");
    let (error, code) = world.json(&["list", "--json"]);
    assert!(code == 1 && error["error"].as_str().unwrap().contains("CLAUDE_PROJECT_DIR"), "{error}");
    assert_eq!(std::fs::read_dir(world.path("work")).unwrap().count(), 1, "only `infra` is there");
}

#[test]
fn another_file_of_the_registered_server_is_told() {
    let world = World::new().config("agents: {}\n");
    let entry = r#"{"mcpServers":{"agent-dispatch":{"command":"/x/agent-dispatch","args":["serve"],"env":{"AGENT_DISPATCH_CONFIG":"${HOME}/other.yaml","KEPT":"1"}}}}"#;
    std::fs::write(world.path("home/.claude.json"), entry).unwrap();
    assert_snapshot!(world.run(&["list"]), @r#"
    exit code: 0
    ----- stdout -----

    ----- stderr -----
    no agents in [ROOT]/home/.config/agent-dispatch/agents.yaml
    hint: agent-dispatch add NAME DIR makes a project directory an agent
    warning: agents: here [ROOT]/home/.config/agent-dispatch/agents.yaml, but the registered server uses [ROOT]/home/other.yaml (the env of its registration in user scope, [ROOT]/home/.claude.json)
    hint: to make them the same: claude mcp remove agent-dispatch --scope user && claude mcp add-json agent-dispatch '{"type":"stdio","command":"/x/agent-dispatch","args":["serve"],"env":{"KEPT":"1"}}' --scope user
    "#);
    let world = world.env("AGENT_DISPATCH_CONFIG", "../home/other.yaml");
    assert_snapshot!(world.run(&["list"]), @r#"
    exit code: 0
    ----- stdout -----

    ----- stderr -----
    no agents in [ROOT]/work/../home/other.yaml
    hint: agent-dispatch add NAME DIR makes a project directory an agent
    "#);
}

#[test]
fn the_old_place_is_told() {
    let world = World::new().config("agents: {infra: {directory: '[ROOT]/work/infra'}}\n");
    let xdg = world.path("xdg");
    let world = world.env("XDG_CONFIG_HOME", xdg.to_str().unwrap());
    assert_snapshot!(world.run(&["list"]), @r#"
    exit code: 0
    ----- stdout -----
    infra  [ROOT]/work/infra
           timeout 300 (not set); model (claude's default); max_budget_usd (inherit defaults): none; permission_mode (inherit defaults); allowed_tools (inherit defaults): none; disallowed_tools (inherit defaults): none
    ----- stderr -----
    from [ROOT]/home/.config/agent-dispatch/agents.yaml (XDG_CONFIG_HOME is set, but there is nothing in [ROOT]/xdg/agent-dispatch)
    "#);
    std::fs::create_dir_all(xdg.join("agent-dispatch")).unwrap();
    std::fs::write(xdg.join("agent-dispatch/agents.yaml"), "").unwrap();
    assert_snapshot!(world.run(&["list"]), @r#"
    exit code: 0
    ----- stdout -----

    ----- stderr -----
    no agents in [ROOT]/xdg/agent-dispatch/agents.yaml
    hint: agent-dispatch add NAME DIR makes a project directory an agent
    "#);
}

#[test]
fn variables_in_a_directory_are_not_expanded_and_this_is_said() {
    let yaml = "agents:\n  # mine\n  api: {directory: \"${WORK}/api\", description: The API}\n  db: {directory: $HOME/db}\n  \
                literal: {directory: '[ROOT]/work/${WORK}'}\n  gone: {directory: '[ROOT]/gone'}\n";
    let world = World::with_claude().config(yaml).env("WORK", "/tmp");
    std::fs::create_dir(world.path("work/${WORK}")).unwrap();
    let lines = |arguments: &[&str]| {
        let text = world.run(arguments);
        let told = text.lines().filter(|line| ["$", "gone"].iter().any(|words| line.contains(words)));
        told.map(str::to_owned).collect::<Vec<_>>().join("\n")
    };
    let filter = unaligned();
    assert_snapshot!(lines(&["list"]), @"
    api  ~/.config/agent-dispatch/${WORK}/api (missing)  variables are not expanded in `directory`: write the full path, or one below `~`, in place of ${WORK}
    db  ~/.config/agent-dispatch/$HOME/db (missing)  variables are not expanded in `directory`: write `~` in place of $HOME
    literal  [ROOT]/work/${WORK}
    gone  [ROOT]/gone (missing)
    ");
    drop(filter);
    assert_snapshot!(lines(&["describe", "api"]), @"
    directory: [ROOT]/home/.config/agent-dispatch/${WORK}/api
    directory_error: variables are not expanded in `directory`: write the full path, or one below `~`, in place of ${WORK}
    ");
    assert_snapshot!(lines(&["doctor"]), @"
    FAILURE  api: [ROOT]/home/.config/agent-dispatch/${WORK}/api is not there
             → variables are not expanded in `directory`: write the full path, or one below `~`, in place of ${WORK}
    FAILURE  db: [ROOT]/home/.config/agent-dispatch/$HOME/db is not there
             → variables are not expanded in `directory`: write `~` in place of $HOME
    ok       literal: [ROOT]/work/${WORK}
    FAILURE  gone: [ROOT]/gone is not there
             → create it, or [BINARY] remove gone
    ");
    assert_snapshot!(lines(&["test", "api", "Hello"]), @r#"error: not_found: the directory "[ROOT]/home/.config/agent-dispatch/${WORK}/api" of agent 'api' does not exist; variables are not expanded in `directory`: write the full path, or one below `~`, in place of ${WORK}"#);
    assert_snapshot!(lines(&["add", "new", "${WORK}/new"]), @"error: directory '${WORK}/new': it does not exist ([ROOT]/work/${WORK}/new); variables are not expanded in `directory`: write the full path, or one below `~`, in place of ${WORK}");
    let (listed, _) = world.json(&["list", "--json"]);
    let error = |index: usize| listed[index]["directory_error"].as_str().unwrap_or_default().to_owned();
    assert!(error(0).contains("${WORK}") && error(1).contains("`~` in place of $HOME"), "{listed}");
    assert_eq!((error(2), error(3)), (String::new(), String::new()));
    // A directory of that very name is one like any other, and what is written stays.
    assert_eq!(listed[2]["healthy"], true);
    assert!(world.output(&["test", "literal", "Hello"]).status.success());
    assert!(world.output(&["update", "api", "--timeout", "5"]).status.success());
    assert!(world.yaml().contains("  # mine\n  api: {directory: \"${WORK}/api\", description: The API, timeout: 5}"));
}

#[test]
fn servers_that_an_agent_lacked_are_told() {
    let world =
        World::with_claude().config("agents: {infra: {directory: '[ROOT]/work/infra', description: Servers}}\n");
    let write = |name: &str, text: &str| std::fs::write(world.path("work/infra").join(name), text).unwrap();
    write(".fake-claude", "mcp-server pg failed project\nmcp-server web needs-auth project\ninit\nresult done");
    // A file that claude passes over is told beside them.
    write(".mcp.json", "{\n  // servers\n}");
    world.run(&["test", "infra"]);
    let list = world.run(&["list"]).replace("; ", ";\n");
    let told = |text: &str, word: &str| text.lines().filter(|line| line.contains(word)).collect::<Vec<_>>().join("\n");
    assert_snapshot!(told(&list, "warning"), @r#"
    warning: claude passes over its .mcp.json: JSON has no comments (line 2, column 3)
    warning: MCP servers did not start (run of [WHEN]): pg
    warning: MCP servers want a login (run of [WHEN]): web
    "#);
    let shown = world.run(&["describe", "infra"]);
    assert_snapshot!(told(&shown, "mcp_servers_failed"), @"mcp_servers_failed: at [WHEN], failed (pg), needs-auth (web)");
    let (listed, _) = world.json(&["list", "--json"]);
    let (described, _) = world.json(&["describe", "infra", "--json"]);
    assert_eq!(listed[0]["mcp_servers_failed"]["failed"], serde_json::json!(["pg"]), "{listed}");
    assert_eq!(listed[0]["mcp_servers_failed"], described["mcp_servers_failed"]);
    write(".mcp.json", "{}");
    assert!(!world.run(&["list"]).contains("warning"), "a changed file");
    world.run(&["test", "infra"]);
    assert!(world.run(&["list"]).contains("did not start"));
    write(".fake-claude", "mcp-server pg connected project\ninit\nresult done");
    world.run(&["test", "infra"]);
    assert!(!world.run(&["list"]).contains("warning"));
}
