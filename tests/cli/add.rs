//! `add`

use std::fs;
use std::process::{Child, Stdio};

use insta::assert_snapshot;

use super::World;

#[test]
fn adds_with_all_options() {
    let world = World::new();
    let shown = world.run(&[
        "add",
        "infra",
        "infra",
        "-d",
        "Servers",
        "--timeout",
        "60",
        "--model",
        "haiku",
        "--max-budget-usd",
        "0.5",
        "--permission-mode",
        "plan",
        "--allowed-tools",
        "Read, Bash(git log:*), Bash(echo a, b)",
        "--disallowed-tools",
        "Write",
        "--capabilities",
        "logs",
        "--risky-capabilities",
        "restart",
        "--instructions=- be brief",
    ]);
    assert_snapshot!(shown, @r#"
    exit code: 0
    ----- stdout -----
    added infra: [ROOT]/work/infra
      Servers
    ----- stderr -----
    hint: [BINARY] test infra asks it something; a real run, costs money
    "#);
    assert_snapshot!(world.yaml(), @r#"
    agents:
      infra:
        directory: [ROOT]/work/infra
        description: Servers
        timeout: 60
        max_budget_usd: 0.5
        model: haiku
        permission_mode: plan
        allowed_tools: [Read, 'Bash(git log:*)', "Bash(echo a, b)"]
        disallowed_tools: [Write]
        capabilities: [logs]
        risky_capabilities: [restart]
        instructions: '- be brief'
    "#);
}

#[test]
fn describes_a_project_from_its_files() {
    let world = World::new();
    fs::write(world.path("work/infra/CLAUDE.md"), "# Infra\n\nServers of the shop.\n").unwrap();
    assert_snapshot!(world.run(&["add", "infra", "./infra"]), @r#"
    exit code: 0
    ----- stdout -----
    added infra: [ROOT]/work/infra
      Servers of the shop.
    ----- stderr -----
    hint: [BINARY] test infra asks it something; a real run, costs money
    "#);
}

#[test]
fn a_name_that_is_taken() {
    let world = World::new().config("agents: {infra: {directory: '[ROOT]/work/infra'}}\n");
    assert_snapshot!(world.run(&["add", "infra", "infra"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: agent 'infra' exists already
    hint: [BINARY] update infra … changes it, [BINARY] remove infra takes it out
    "#);
}

#[test]
fn a_directory_that_is_not_there() {
    assert_snapshot!(World::new().run(&["add", "infra", "nowhere"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: directory 'nowhere': it does not exist ([ROOT]/work/nowhere)
    hint: create the directory first, or give the path of an existing one
    "#);
}

#[test]
fn names_that_are_none() {
    let world = World::new();
    for name in ["", "in fra", "../infra", "infra\n", "\u{e9}t\u{e9}", "_x"] {
        let output = world.output(&["add", name, "infra"]);
        assert_eq!(output.status.code(), Some(1), "{name:?}");
        assert!(String::from_utf8(output.stderr).unwrap().starts_with("error: invalid agent name"), "{name:?}");
    }
    assert!(!world.path("home/.config/agent-dispatch/agents.yaml").exists());
}

#[test]
fn numbers_that_are_none() {
    let world = World::new();
    for (option, value) in [
        ("--timeout", "-1"),
        ("--timeout", "soon"),
        ("--timeout", "1e99"),
        ("--max-budget", "-1"),
        ("--max-budget", "NaN"),
        ("--max-budget", "inf"),
    ] {
        let output = world.output(&["add", "infra", "infra", option, value]);
        assert_eq!(output.status.code(), Some(2), "{option} {value}");
    }
    let output = world.output(&["add", "infra", "infra", "--timeout", "99999999999"]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_permission_mode_that_nobody_knows_is_stored_with_a_warning() {
    assert_snapshot!(World::new().run(&["add", "infra", "infra", "--permission-mode", "yolo"]), @r#"
    exit code: 0
    ----- stdout -----
    added infra: [ROOT]/work/infra
      Agent in infra
    ----- stderr -----
    warning: permission_mode 'yolo' is not one that is known: acceptEdits, auto, bypassPermissions, default, dontAsk, manual, plan
    hint: [BINARY] test infra asks it something; a real run, costs money
    "#);
}

#[test]
fn a_config_that_is_a_directory() {
    let world = World::new();
    fs::create_dir_all(world.path("home/.config/agent-dispatch/agents.yaml")).unwrap();
    assert_snapshot!(world.run(&["add", "infra", "infra"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: cannot read the config: it is a directory, not a file ([ROOT]/home/.config/agent-dispatch/agents.yaml)
    hint: move [ROOT]/home/.config/agent-dispatch/agents.yaml away, or set AGENT_DISPATCH_CONFIG to another file
    "#);
}

#[test]
fn a_config_that_cannot_be_written() {
    let world = World::new();
    fs::write(world.path("home/.config"), "a file").unwrap();
    assert_snapshot!(world.run(&["add", "infra", "infra"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: cannot write [ROOT]/home/.config/agent-dispatch: Not a directory (os error 20)
    hint: move [ROOT]/home/.config away, or set AGENT_DISPATCH_CONFIG to a file that can be written, here and where Claude Code is started; nothing was changed
    "#);
}

fn start(world: &World, name: &str) -> Child {
    world.command(&["add", name, "infra"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn of_two_at_once_none_is_lost() {
    let world = World::new();
    let rounds = 20;
    let children = (0..rounds).flat_map(|round| ["a", "b"].map(|who| start(&world, &format!("{who}{round}"))));
    for mut child in children.collect::<Vec<_>>() {
        assert!(child.wait().unwrap().success());
    }
    let (agents, _) = world.json(&["list", "--json"]);
    assert_eq!(agents.as_array().unwrap().len(), 2 * rounds);
}

#[test]
fn of_two_with_one_name_one_wins() {
    let world = World::new();
    let children = [0; 8].map(|_| start(&world, "infra"));
    let won = children.into_iter().filter_map(|mut child| child.wait().unwrap().success().then_some(())).count();
    assert_eq!(won, 1);
}
