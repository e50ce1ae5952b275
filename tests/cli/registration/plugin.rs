//! The server that a plugin brings, alone and beside one that is registered. (What Claude Code 2.1.332 makes of the same files
//! was seen with `claude -p`.)

use std::fs;
use std::path::Path;

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{Project, config, servers};
use crate::cli::World;

const ID: &str = "agent-dispatch@market";

fn enabled(value: bool) -> Value {
    json!({"enabledPlugins": {ID: value, "other@market": true}})
}

/// The list of the marketplaces that Claude Code knows.
const KNOWN: &str = "home/.claude/plugins/known_marketplaces.json";
/// The directory of a marketplace with the plugin, below the world.
const MARKET: &str = "downloads/the market";

/// A project of a user who has enabled the plugin, from a marketplace that Claude Code fetches itself.
fn with_plugin() -> Project {
    let project = Project::new();
    project.write("home/.claude/settings.json", &enabled(true));
    project.write(KNOWN, &fetched());
    project
}

fn fetched() -> Value {
    json!({"market": {"source": {"source": "github", "repo": "owner/market"}, "installLocation": "/nowhere"}})
}

/// An entry for a marketplace in a directory, as Claude Code writes it.
fn in_directory(directory: &Path) -> Value {
    json!({"market": {"source": {"source": "directory", "path": directory}, "installLocation": directory}})
}

/// As [`with_plugin`], from a directory of this machine.
fn with_plugin_in_directory() -> Project {
    let project = with_plugin();
    project.write(KNOWN, &in_directory(&project.world.path(MARKET)));
    let plugins = json!([{"name": "other", "source": "./other"}, {"name": "agent-dispatch", "source": "./plugin"}]);
    project.write(&format!("{MARKET}/.claude-plugin/marketplace.json"), &json!({"name": "market", "plugins": plugins}));
    project.write(&format!("{MARKET}/plugin/.claude-plugin/plugin.json"), &json!({"name": "agent-dispatch"}));
    project.write(&format!("{MARKET}/plugin/.mcp.json"), &json!({"mcpServers": {}}));
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
    fs::create_dir_all(world.path("home/.claude/plugins")).unwrap();
    fs::write(world.path(KNOWN), fetched().to_string()).unwrap();
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

#[test]
fn a_plugin_whose_directory_is_gone_is_a_failure() {
    let project = with_plugin_in_directory();
    assert!(project.doctor_in("work").trim_start().starts_with("ok"), "{}", project.doctor_in("work"));
    fs::rename(project.world.path(MARKET), project.world.path("downloads/moved")).unwrap();
    assert_snapshot!(project.doctor_in("work"), @"
    FAILURE  Claude Code cannot load the plugin: [ROOT]/downloads/the market does not exist (plugin agent-dispatch@market, enabled in [ROOT]/home/.claude/settings.json)
             → unpack the plugin there again; or in a directory DIR where it can stay, and claude plugin marketplace add DIR; or do without it: claude plugin disable agent-dispatch@market && agent-dispatch init
    ");
    assert_snapshot!(project.run_in("work", &["init"]), @"
    exit code: 1
    ----- stdout -----
    kept [ROOT]/home/.config/agent-dispatch/agents.yaml
    ----- stderr -----
    error: MCP server agent-dispatch does not work: Claude Code cannot load the plugin: [ROOT]/downloads/the market does not exist (plugin agent-dispatch@market, enabled in [ROOT]/home/.claude/settings.json)
    hint: unpack the plugin there again; or in a directory DIR where it can stay, and claude plugin marketplace add DIR; or do without it: claude plugin disable agent-dispatch@market && agent-dispatch init
    ");
    assert!(!project.world.path("home/.claude.json").exists(), "nothing is registered");
    // With another registration sessions have all tools once.
    project.known(servers(json!({})), json!({}));
    let told = project.doctor_in("work");
    assert!(told.contains("FAILURE") && !told.contains("twice") && !told.contains("two registrations"), "{told}");
}

/// What Claude Code makes of the same files is in `real_claude::plugin`.
#[test]
fn whatever_keeps_a_plugin_from_being_loaded_is_named() {
    type Change = fn(&Project);
    let told = |change: Change| {
        let project = with_plugin_in_directory();
        change(&project);
        let told = project.doctor_in("work");
        let told = told.lines().next().unwrap().trim_start().replace(project.world.path("").to_str().unwrap(), "");
        told.split(" (plugin").next().unwrap().to_owned()
    };
    let changes: [Change; 7] = [
        |project| fs::remove_file(project.world.path(MARKET).join(".claude-plugin/marketplace.json")).unwrap(),
        |project| fs::write(project.world.path(MARKET).join(".claude-plugin/marketplace.json"), "{").unwrap(),
        |project| fs::remove_dir_all(project.world.path(MARKET).join("plugin")).unwrap(),
        |project| fs::write(project.world.path(MARKET).join("plugin/.claude-plugin/plugin.json"), "{").unwrap(),
        |project| fs::remove_file(project.world.path(MARKET).join("plugin/.mcp.json")).unwrap(),
        |project| fs::write(project.world.path(KNOWN), "{").unwrap(),
        |project| fs::remove_file(project.world.path(KNOWN)).unwrap(),
    ];
    assert_snapshot!(changes.map(told).join("\n"), @"
    FAILURE  Claude Code cannot load the plugin: downloads/the market/.claude-plugin/marketplace.json does not exist
    FAILURE  Claude Code cannot load the plugin: downloads/the market/.claude-plugin/marketplace.json is damaged: EOF while parsing an object at line 1 column 1
    FAILURE  Claude Code cannot load the plugin: downloads/the market/plugin does not exist
    FAILURE  Claude Code cannot load the plugin: downloads/the market/plugin/.claude-plugin/plugin.json is damaged: EOF while parsing an object at line 1 column 1
    FAILURE  Claude Code cannot load the plugin: downloads/the market/plugin/.mcp.json does not exist
    FAILURE  Claude Code cannot load the plugin: home/.claude/plugins/known_marketplaces.json is damaged: EOF while parsing an object at line 1 column 1
    FAILURE  Claude Code cannot load the plugin: its marketplace market was not added
    ");
}

#[test]
fn what_cannot_be_judged_of_a_plugin_is_no_failure() {
    let project = with_plugin_in_directory();
    let here = project.world.path(MARKET);
    let sound = |why: &str| {
        let told = project.doctor_in("work");
        assert!(told.trim_start().starts_with("ok"), "{why}: {told}");
    };
    // A manifest, or the marketplace, may name the servers.
    fs::remove_file(here.join("plugin/.mcp.json")).unwrap();
    project.write(&format!("{MARKET}/plugin/.claude-plugin/plugin.json"), &json!({"mcpServers": {}}));
    sound("servers in the manifest");
    for plugins in [json!([]), json!(7), json!([{"name": "agent-dispatch", "source": {"source": "github"}}])] {
        project.write(&format!("{MARKET}/.claude-plugin/marketplace.json"), &json!({"plugins": plugins}));
        sound("a marketplace that says it otherwise");
    }
    // Claude Code corrects its list by its settings when it starts.
    project.write(KNOWN, &in_directory(Path::new("/nowhere")));
    assert!(project.doctor_in("work").contains("FAILURE"));
    let mut settings = enabled(true);
    settings["extraKnownMarketplaces"] = in_directory(&here);
    project.write("home/.claude/settings.json", &settings);
    sound("settings that name the right directory");
    fs::remove_file(project.world.path(KNOWN)).unwrap();
    sound("settings alone");
    project.write("home/.claude/settings.json", &enabled(true));
    for known in
        [fetched(), json!({"market": 7}), json!(["market"]), json!({"market": {"source": {"source": "directory"}}})]
    {
        project.write(KNOWN, &known);
        sound(&known.to_string());
    }
}
