//! `init`

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use insta::assert_snapshot;
use serde_json::Value;

use super::{BINARY, World};

fn registered(world: &World) -> Value {
    let file: Value = serde_json::from_str(&world.read("home/.claude.json")).unwrap();
    file["mcpServers"]["agent-dispatch"].clone()
}

#[test]
fn creates_the_config_and_registers() {
    let world = World::with_claude();
    assert_snapshot!(world.run(&["init"]), @r#"
    exit code: 0
    ----- stdout -----
    created [ROOT]/home/.config/agent-dispatch/agents.yaml
    registered MCP server agent-dispatch: [BINARY] serve
    ----- stderr -----
    warning: this program, [BINARY], is not on PATH; Claude Code starts it from there, so it must stay there
    hint: to have it elsewhere: move it to a directory on PATH, then claude mcp remove agent-dispatch --scope user && agent-dispatch init
    hint: [BINARY] add NAME DIR makes a project an agent; then restart Claude Code and ask it to use one
    "#);
    assert_eq!(registered(&world)["command"], BINARY);
    assert_eq!(registered(&world)["args"], serde_json::json!(["serve"]));
    let mode = |name: &str| fs::metadata(world.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("home/.config/agent-dispatch/agents.yaml"), 0o600);
    assert_eq!(mode("home/.config/agent-dispatch"), 0o700);
    // The template is a config with nothing in it.
    assert_eq!(world.json(&["list", "--json"]), (serde_json::json!([]), 0));
}

#[test]
fn can_be_repeated_and_keeps_what_is_there() {
    let world = World::with_claude().config("# mine\nagents: {}\n");
    world.run(&["init"]);
    assert_snapshot!(world.run(&["init"]), @r#"
    exit code: 0
    ----- stdout -----
    kept [ROOT]/home/.config/agent-dispatch/agents.yaml
    MCP server agent-dispatch is registered already: [BINARY] serve
    ----- stderr -----
    warning: this program, [BINARY], is not on PATH; Claude Code starts it from there, so it must stay there
    hint: to have it elsewhere: move it to a directory on PATH, then claude mcp remove agent-dispatch --scope user && agent-dispatch init
    hint: [BINARY] add NAME DIR makes a project an agent; then restart Claude Code and ask it to use one
    "#);
    assert_eq!(world.yaml(), "# mine\nagents: {}\n");
}

#[test]
fn registers_the_link_on_path_rather_than_the_file_behind_it() {
    let world = World::with_claude();
    symlink(BINARY, world.path("bin/agent-dispatch")).unwrap();
    world.run(&["init"]);
    assert_eq!(registered(&world)["command"], world.path("bin/agent-dispatch").to_str().unwrap());
}

#[test]
fn without_claude_it_says_what_to_do() {
    assert_snapshot!(World::new().run(&["init"]), @r#"
    exit code: 1
    ----- stdout -----
    created [ROOT]/home/.config/agent-dispatch/agents.yaml
    ----- stderr -----
    error: the MCP server is not registered: the claude CLI was not found on PATH, nor where its installers put it
    hint: install Claude Code (https://claude.com/claude-code) and check with `claude --version`, or set AGENT_DISPATCH_CLAUDE to its path; then run [BINARY] init again
    hint: or register by hand: claude mcp add-json agent-dispatch '{"type":"stdio","command":"[BINARY]","args":["serve"]}' --scope user
    "#);
}

#[test]
fn another_program_of_the_name_is_told_and_kept() {
    let world = World::with_claude();
    let other = world.path("bin/other");
    fs::write(&other, "#!/bin/sh\necho agent-dispatch 0.1.0\n").unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).unwrap();
    let entry = format!(
        r#"{{"mcpServers":{{"agent-dispatch":{{"type":"stdio","command":"{}","args":["serve"]}}}}}}"#,
        other.display()
    );
    fs::write(world.path("home/.claude.json"), &entry).unwrap();
    assert_snapshot!(world.run(&["init"]), @r#"
    exit code: 0
    ----- stdout -----
    created [ROOT]/home/.config/agent-dispatch/agents.yaml
    MCP server agent-dispatch is registered already: [ROOT]/bin/other serve
    ----- stderr -----
    warning: it is not this program, which is [BINARY]
    hint: to change that: claude mcp remove agent-dispatch --scope user && claude mcp add-json agent-dispatch '{"type":"stdio","command":"[BINARY]","args":["serve"]}' --scope user
    hint: [BINARY] add NAME DIR makes a project an agent; then restart Claude Code and ask it to use one
    "#);
    assert_eq!(world.read("home/.claude.json"), entry);
}

#[test]
fn a_registration_that_cannot_be_started_is_a_failure_and_the_hint_repairs_it() {
    let world = World::with_claude();
    let register = |entry: &str| {
        fs::write(world.path("home/.claude.json"), format!(r#"{{"mcpServers":{{"agent-dispatch":{entry}}}}}"#))
            .unwrap();
        world.run(&["init"])
    };
    assert_snapshot!(register(r#"{"command":"/old/agent-dispatch","args":["serve"]}"#), @"
    exit code: 1
    ----- stdout -----
    created [ROOT]/home/.config/agent-dispatch/agents.yaml
    ----- stderr -----
    error: MCP server agent-dispatch does not work: the registered command /old/agent-dispatch serve does not exist (user scope, [ROOT]/home/.claude.json)
    hint: claude mcp remove agent-dispatch --scope user && [BINARY] init
    ");
    let hint = |text: &str| text.lines().find_map(|line| line.strip_prefix("hint: ")).unwrap().to_owned();
    let typed = hint(&register(r#"{"command":"/old/agent-dispatch","args":["serve"]}"#)).replace("[BINARY]", BINARY);
    let mut shell = std::process::Command::new("/bin/sh");
    let like = world.command(&[]);
    shell.args(["-c", &typed]).env_clear().envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let done = super::once(shell).output().unwrap();
    assert!(done.status.success(), "{typed}: {done:?}");
    assert_eq!(registered(&world)["command"], BINARY);
    // What doctor calls a failure is one here.
    fs::write(world.path("bin/file"), "no program").unwrap();
    let file = world.path("bin/file");
    let shown = [
        register(&format!(r#"{{"command":"{}","args":["serve"]}}"#, file.display())),
        register(&format!(r#"{{"command":"{BINARY}","args":[]}}"#)),
        register(r#"{"command":"agent-dispatch","args":["serve"],"timeout":5000}"#),
    ];
    assert_snapshot!(shown.join("\n"), @r#"
    exit code: 1
    ----- stdout -----
    kept [ROOT]/home/.config/agent-dispatch/agents.yaml
    ----- stderr -----
    error: MCP server agent-dispatch does not work: the registered command [ROOT]/bin/file serve is not an executable file (user scope, [ROOT]/home/.claude.json)
    hint: claude mcp remove agent-dispatch --scope user && [BINARY] init
    exit code: 1
    ----- stdout -----
    kept [ROOT]/home/.config/agent-dispatch/agents.yaml
    ----- stderr -----
    error: MCP server agent-dispatch does not work: the registered command [BINARY] does not end in `serve` (user scope, [ROOT]/home/.claude.json)
    hint: claude mcp remove agent-dispatch --scope user && [BINARY] init
    exit code: 1
    ----- stdout -----
    kept [ROOT]/home/.config/agent-dispatch/agents.yaml
    ----- stderr -----
    error: MCP server agent-dispatch does not work: the registered command agent-dispatch serve is not on PATH (user scope, [ROOT]/home/.claude.json)
    hint: claude mcp remove agent-dispatch --scope user && claude mcp add-json agent-dispatch '{"type":"stdio","command":"[BINARY]","args":["serve"],"timeout":5000}' --scope user
    "#);
}

#[test]
fn a_registration_that_goes_before_and_cannot_be_started_is_a_failure() {
    let world = World::with_claude();
    let entry = r#"{"mcpServers":{"agent-dispatch":{"command":"/old/agent-dispatch","args":["serve"]}}}"#;
    let known = format!(r#"{{"projects":{{"{}":{entry}}}}}"#, world.path("work").display());
    fs::write(world.path("home/.claude.json"), known).unwrap();
    assert_snapshot!(world.run(&["init"]), @"
    exit code: 1
    ----- stdout -----
    created [ROOT]/home/.config/agent-dispatch/agents.yaml
    registered MCP server agent-dispatch: [BINARY] serve
    ----- stderr -----
    error: MCP server agent-dispatch does not work: the registered command /old/agent-dispatch serve does not exist (local scope, [ROOT]/home/.claude.json)
    hint: claude mcp remove agent-dispatch --scope local && [BINARY] init
    ");
}

#[test]
fn every_command_that_is_named_can_be_typed() {
    // Another program of the name goes first on PATH.
    let world = World::with_claude();
    fs::write(world.path("bin/agent-dispatch"), "#!/bin/sh\necho agent-dispatch 0.1.0\n").unwrap();
    fs::set_permissions(world.path("bin/agent-dispatch"), fs::Permissions::from_mode(0o755)).unwrap();
    let odd = world.copy_in("home/my programs");
    let shown = world.run_copy(&odd, &["init"]);
    assert!(shown.contains(&format!("hint: '{}' add NAME DIR makes", odd.display())), "{shown}");
    assert!(shown.contains("is not on PATH; Claude Code starts it from there, so it must stay there"), "{shown}");
    // Where the name leads here it is enough.
    fs::remove_file(world.path("bin/agent-dispatch")).unwrap();
    symlink(&odd, world.path("bin/agent-dispatch")).unwrap();
    let shown = world.run_copy(&odd, &["add", "infra", "infra"]);
    assert!(shown.contains("hint: agent-dispatch test infra asks it"), "{shown}");
}

#[test]
fn an_entry_that_only_claude_knows_of_is_fine() {
    let world = World::new().with_script("echo 'MCP server agent-dispatch Already Exists somewhere' >&2; exit 1");
    assert_snapshot!(world.run(&["init"]), @r#"
    exit code: 0
    ----- stdout -----
    created [ROOT]/home/.config/agent-dispatch/agents.yaml
    MCP server agent-dispatch is registered already
    ----- stderr -----
    warning: this program, [BINARY], is not on PATH; Claude Code starts it from there, so it must stay there
    hint: to have it elsewhere: move it to a directory on PATH, then claude mcp remove agent-dispatch --scope user && agent-dispatch init
    hint: [BINARY] add NAME DIR makes a project an agent; then restart Claude Code and ask it to use one
    "#);
}

#[test]
fn a_damaged_file_of_claude_is_left_alone() {
    let world = World::with_claude();
    fs::write(world.path("home/.claude.json"), "{\"projects\": {").unwrap();
    assert_snapshot!(world.run(&["init"]), @r#"
    exit code: 1
    ----- stdout -----
    created [ROOT]/home/.config/agent-dispatch/agents.yaml
    ----- stderr -----
    error: the MCP server is not registered: [ROOT]/home/.claude.json is damaged: EOF while parsing an object at line 1 column 14
    hint: repair the file, or move it away, then run [BINARY] init again; claude itself would replace it
    hint: register by hand: claude mcp add-json agent-dispatch '{"type":"stdio","command":"[BINARY]","args":["serve"]}' --scope user
    "#);
    assert_eq!(world.read("home/.claude.json"), "{\"projects\": {");
}

#[test]
fn what_claude_refuses_is_told_with_the_way_by_hand() {
    let world = World::new().with_script("echo 'Invalid scope: user' >&2; exit 1");
    assert_snapshot!(world.run(&["init"]), @r#"
    exit code: 1
    ----- stdout -----
    created [ROOT]/home/.config/agent-dispatch/agents.yaml
    ----- stderr -----
    error: the MCP server is not registered: [ROOT]/bin/claude mcp add-json: Invalid scope: user
    hint: register by hand: claude mcp add-json agent-dispatch '{"type":"stdio","command":"[BINARY]","args":["serve"]}' --scope user
    "#);
}

#[test]
fn a_config_that_cannot_be_created_is_a_failure() {
    let world = World::with_claude();
    fs::write(world.path("home/.config"), "a file").unwrap();
    assert_snapshot!(world.run(&["init"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: cannot write [ROOT]/home/.config/agent-dispatch: Not a directory (os error 20)
    hint: move [ROOT]/home/.config away, or set AGENT_DISPATCH_CONFIG to a file that can be written, here and where Claude Code is started; nothing was changed
    "#);
}

#[test]
fn a_broken_config_is_told_with_its_place() {
    let world = World::with_claude().config("agents: {infra: [}\n");
    assert_snapshot!(world.run(&["init"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: cannot read the config: did not find expected node content at line 1 column 18, while parsing a flow node ([ROOT]/home/.config/agent-dispatch/agents.yaml, line 1, column 18)
    hint: correct line 1 of [ROOT]/home/.config/agent-dispatch/agents.yaml, then repeat the call
    "#);
}

#[test]
fn variables_that_the_server_may_not_see_are_told() {
    let world = World::with_claude().env("AGENT_DISPATCH_CONFIG", "mine.yaml");
    assert_snapshot!(world.run(&["init"]), @r#"
    exit code: 0
    ----- stdout -----
    created [ROOT]/work/mine.yaml
    registered MCP server agent-dispatch: [BINARY] serve
    ----- stderr -----
    warning: set here: AGENT_DISPATCH_CONFIG; the server sees that only if Claude Code itself is started with it
    warning: agents: here [ROOT]/work/mine.yaml, but a server whose Claude Code was started without this shell's variables uses [ROOT]/home/.config/agent-dispatch/agents.yaml
    hint: to make them the same: claude mcp remove agent-dispatch --scope user && claude mcp add-json agent-dispatch '{"type":"stdio","command":"[BINARY]","args":["serve"],"env":{"AGENT_DISPATCH_CONFIG":"[ROOT]/work/mine.yaml"}}' --scope user
    warning: this program, [BINARY], is not on PATH; Claude Code starts it from there, so it must stay there
    hint: to have it elsewhere: move it to a directory on PATH, then claude mcp remove agent-dispatch --scope user && agent-dispatch init
    hint: [BINARY] add NAME DIR makes a project an agent; then restart Claude Code and ask it to use one
    "#);
}
