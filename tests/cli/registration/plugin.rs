//! The server that a plugin brings, alone and beside one that is registered. (What Claude Code 2.1.332 makes of the same files
//! was seen with `claude -p`.)

use std::fs;

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{Project, config, servers};
use crate::cli::World;

const ID: &str = "agent-dispatch@market";

fn enabled(value: bool) -> Value {
    json!({"enabledPlugins": {ID: value, "other@market": true}})
}

/// A project of a user who has enabled the plugin.
fn with_plugin() -> Project {
    let project = Project::new();
    project.write("home/.claude/settings.json", &enabled(true));
    project
}

#[test]
fn a_plugin_alone_is_a_registration() {
    let project = with_plugin();
    assert_snapshot!(project.doctor_in("work/repo"), @"  ok       registered: agent-dispatch serve (plugin agent-dispatch@market, enabled in [ROOT]/home/.claude/settings.json)");
    assert_snapshot!(project.run_in("work", &["init"]), @"
    exit code: 0
    ----- stdout -----
    kept [ROOT]/home/.config/agent-dispatch/agents.yaml
    MCP server agent-dispatch is there already: plugin agent-dispatch@market, enabled in [ROOT]/home/.claude/settings.json
    ----- stderr -----
    hint: agent-dispatch add NAME DIR makes a project an agent; then restart Claude Code and ask it to use one
    ");
    assert!(!project.world.path("home/.claude.json").exists(), "nothing is registered");
}

#[test]
fn whoever_has_both_is_told_which_one_to_remove() {
    let project = with_plugin();
    project.known(servers(json!({})), json!({}));
    assert_snapshot!(project.doctor_in("work/repo"), @"
    ok       registered: agent-dispatch serve (user scope, [ROOT]/home/.claude.json)
    ok       registered: agent-dispatch serve (plugin agent-dispatch@market, enabled in [ROOT]/home/.claude/settings.json)
    warning  sessions have all tools twice: from user scope, [ROOT]/home/.claude.json, and from plugin agent-dispatch@market, enabled in [ROOT]/home/.claude/settings.json
             → to keep the plugin's (mcp__plugin_agent-dispatch_agent-dispatch__* in permission rules): claude mcp remove agent-dispatch --scope user; to keep the others (mcp__agent-dispatch__*): claude plugin disable agent-dispatch@market
    ");
    assert_snapshot!(project.run_in("work", &["init"]), @"
    exit code: 0
    ----- stdout -----
    kept [ROOT]/home/.config/agent-dispatch/agents.yaml
    MCP server agent-dispatch is registered already: agent-dispatch serve
    ----- stderr -----
    warning: it is not this program, which is [ROOT]/bin/agent-dispatch
    hint: to change that: claude mcp remove agent-dispatch --scope user && claude mcp add-json agent-dispatch '{\"type\":\"stdio\",\"command\":\"[ROOT]/bin/agent-dispatch\",\"args\":[\"serve\"],\"timeout\":5000}' --scope user
    warning: sessions have all tools twice: from user scope, [ROOT]/home/.claude.json, and from plugin agent-dispatch@market, enabled in [ROOT]/home/.claude/settings.json
    hint: to keep the plugin's (mcp__plugin_agent-dispatch_agent-dispatch__* in permission rules): claude mcp remove agent-dispatch --scope user; to keep the others (mcp__agent-dispatch__*): claude plugin disable agent-dispatch@market
    hint: agent-dispatch add NAME DIR makes a project an agent; then restart Claude Code and ask it to use one
    ");
    // The one of a project is another one, once it is approved.
    project.known(json!({}), json!({}));
    project.write("work/repo/.mcp.json", &servers(json!({})));
    assert!(!project.doctor_in("work/repo").contains("twice"));
    project.known(json!({}), json!({"enabledMcpjsonServers": ["agent-dispatch"]}));
    assert!(project.doctor_in("work/repo").contains("twice"));
}

#[test]
fn the_first_settings_that_name_the_plugin_decide() {
    let project = with_plugin();
    let none = "no MCP server agent-dispatch in ";
    project.write("work/repo/.claude/settings.json", &enabled(false));
    assert!(project.doctor_in("work/repo").contains(none));
    project.write("work/repo/.claude/settings.local.json", &enabled(true));
    let told = project.doctor_in("work/repo");
    assert!(told.contains("enabled in ") && told.contains("work/repo/.claude/settings.local.json"), "{told}");
    // What is of another kind enables nothing.
    for value in [
        json!({"enabledPlugins": [ID]}),
        json!({"enabledPlugins": {ID: "yes"}}),
        json!({"enabledPlugins": {"agent-dispatch": true}}),
    ] {
        project.write("home/.claude/settings.json", &value);
        assert!(project.doctor_in("work").contains(none), "{value}");
    }
}

#[test]
fn one_that_is_switched_off_here_counts_for_nothing() {
    let project = with_plugin();
    let off = json!({"disabledMcpServers": ["plugin:agent-dispatch:agent-dispatch"]});
    project.known(servers(config("user")), off);
    let told = project.doctor_in("work/repo");
    assert!(told.contains("switched off for this project, /mcp in Claude Code switches it on"), "{told}");
    assert!(!told.contains("twice") && !told.contains("two registrations"), "{told}");
}

#[test]
fn a_plugin_that_finds_no_program_is_told_what_to_do() {
    let world = World::with_claude().config("agents: {}\n");
    fs::create_dir_all(world.path("home/.claude")).unwrap();
    fs::write(world.path("home/.claude/settings.json"), enabled(true).to_string()).unwrap();
    let finding = || {
        let text = world.run(&["doctor"]);
        let lines = text.lines().skip_while(|line| *line != "MCP registration").skip(1);
        lines.take_while(|line| *line != "Agents").collect::<Vec<_>>().join("\n")
    };
    assert_snapshot!(finding(), @"
    FAILURE  the registered command agent-dispatch serve is neither on PATH nor where installers put it (plugin agent-dispatch@market, enabled in [ROOT]/home/.claude/settings.json)
             → put [BINARIES] on PATH where Claude Code is started, before other directories
    ");
    // Where installers put it, the plugin finds it.
    fs::create_dir_all(world.path("home/.local/bin")).unwrap();
    std::os::unix::fs::symlink(crate::support::BINARY, world.path("home/.local/bin/agent-dispatch")).unwrap();
    assert!(finding().trim_start().starts_with("ok"), "{}", finding());
}
