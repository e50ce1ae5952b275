//! Registrations in every scope of Claude Code: which one counts where the user stands, and what is said of it by `doctor`,
//! `init` and `list`. (What Claude Code 2.1.332 makes of the same files was seen with `claude mcp get`.)

mod plugin;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::World;

/// An entry of ours with this environment.
fn entry(env: Value) -> Value {
    json!({"type": "stdio", "command": "agent-dispatch", "args": ["serve"], "timeout": 5000, "env": env})
}

fn servers(env: Value) -> Value {
    json!({"mcpServers": {"agent-dispatch": entry(env)}})
}

struct Project {
    world: World,
}

impl Project {
    /// A repository `work/repo`, with the user in a folder of it.
    fn new() -> Self {
        let world = World::with_claude().on_path().config("agents: {}\n");
        fs::create_dir_all(world.path("work/repo/.git")).unwrap();
        fs::create_dir_all(world.path("work/repo/sub")).unwrap();
        Self { world }
    }

    fn write(&self, name: &str, value: &Value) {
        let file = self.world.path(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, value.to_string()).unwrap();
    }

    /// Claude Code's own file: the user's servers, and what it keeps of the repository.
    fn known(&self, user: Value, of_repository: Value) {
        let mut file = json!({"numStartups": 3, "projects": {"/elsewhere": {"mcpServers": {}}}});
        file.as_object_mut().unwrap().extend(user.as_object().unwrap().clone());
        file["projects"][self.world.path("work/repo").to_str().unwrap()] = of_repository;
        self.write("home/.claude.json", &file);
    }

    fn run_in(&self, directory: &str, arguments: &[&str]) -> String {
        super::shown(&self.world.once(arguments).current_dir(self.world.path(directory)).output().unwrap())
    }

    /// The section of `doctor`.
    fn doctor_in(&self, directory: &str) -> String {
        let text = self.run_in(directory, &["doctor"]);
        let lines = text.lines().skip_while(|line| *line != "MCP registration").skip(1);
        lines.take_while(|line| *line != "Agents").collect::<Vec<_>>().join("\n")
    }

    /// Which agents the registered server reads by what `list` says; "the same" where it says nothing.
    fn listed_in(&self, directory: &str) -> String {
        let text = self.run_in(directory, &["list"]);
        let told = text.lines().find_map(|line| line.split_once("the registered server uses "));
        let told = told.map_or("the same", |(_, told)| told);
        told.replace(self.world.path("").to_str().unwrap(), "")
    }
}

fn config(name: &str) -> Value {
    json!({"AGENT_DISPATCH_CONFIG": format!("${{HOME}}/{name}.yaml")})
}

#[test]
fn local_goes_before_project_before_user() {
    let project = Project::new();
    project.known(servers(config("user")), servers(config("local")));
    project.write("work/repo/.mcp.json", &servers(config("project")));
    assert_snapshot!(project.doctor_in("work/repo/sub"), @r#"
    ok       registered: agent-dispatch serve (local scope, [ROOT]/home/.claude.json)
    ok       registered: agent-dispatch serve (project scope, [ROOT]/work/repo/.mcp.json; here the one in local scope goes before it)
    ok       registered: agent-dispatch serve (user scope, [ROOT]/home/.claude.json; here the one in local scope goes before it)
    warning  agents: here [ROOT]/home/.config/agent-dispatch/agents.yaml, but the registered server uses [ROOT]/home/local.yaml (the env of its registration in local scope, [ROOT]/home/.claude.json)
             → to make them the same: claude mcp remove agent-dispatch --scope local && claude mcp add-json agent-dispatch '{"type":"stdio","command":"agent-dispatch","args":["serve"],"timeout":5000}' --scope local
    warning  two registrations with different environments: that in local scope, [ROOT]/home/.claude.json, which counts here, and that in project scope, [ROOT]/work/repo/.mcp.json differ in AGENT_DISPATCH_CONFIG (agents: [ROOT]/home/local.yaml and [ROOT]/home/project.yaml)
             → if that is not meant, keep one: (cd [ROOT]/work/repo && claude mcp remove agent-dispatch --scope project), or claude mcp remove agent-dispatch --scope local
    warning  two registrations with different environments: that in local scope, [ROOT]/home/.claude.json, which counts here, and that in user scope, [ROOT]/home/.claude.json differ in AGENT_DISPATCH_CONFIG (agents: [ROOT]/home/local.yaml and [ROOT]/home/user.yaml)
             → if that is not meant, keep one: claude mcp remove agent-dispatch --scope user, or claude mcp remove agent-dispatch --scope local
    "#);
    project.known(servers(config("user")), json!({"enabledMcpjsonServers": ["agent-dispatch"]}));
    assert_snapshot!(project.doctor_in("work/repo/sub"), @r#"
    ok       registered: agent-dispatch serve (project scope, [ROOT]/work/repo/.mcp.json)
    ok       registered: agent-dispatch serve (user scope, [ROOT]/home/.claude.json; here the one in project scope goes before it)
    warning  agents: here [ROOT]/home/.config/agent-dispatch/agents.yaml, but the registered server uses [ROOT]/home/project.yaml (the env of its registration in project scope, [ROOT]/work/repo/.mcp.json)
             → to make them the same: claude mcp add-json agent-dispatch '{"type":"stdio","command":"agent-dispatch","args":["serve"],"timeout":5000}' --scope local
    warning  two registrations with different environments: that in project scope, [ROOT]/work/repo/.mcp.json, which counts here, and that in user scope, [ROOT]/home/.claude.json differ in AGENT_DISPATCH_CONFIG (agents: [ROOT]/home/project.yaml and [ROOT]/home/user.yaml)
             → if that is not meant, keep one: claude mcp remove agent-dispatch --scope user, or (cd [ROOT]/work/repo && claude mcp remove agent-dispatch --scope project)
    "#);
    assert_snapshot!(project.listed_in("work"), @"home/user.yaml (the env of its registration in user scope, home/.claude.json)");
}

#[test]
fn init_says_what_counts_here() {
    let project = Project::new();
    project.known(json!({}), servers(config("local")));
    assert_snapshot!(project.run_in("work/repo/sub", &["init"]), @r#"
    exit code: 0
    ----- stdout -----
    kept [ROOT]/home/.config/agent-dispatch/agents.yaml
    registered MCP server agent-dispatch: [ROOT]/bin/agent-dispatch serve
    ----- stderr -----
    warning: here another registration counts: agent-dispatch serve (local scope, [ROOT]/home/.claude.json)
    warning: agents: here [ROOT]/home/.config/agent-dispatch/agents.yaml, but the registered server uses [ROOT]/home/local.yaml (the env of its registration in local scope, [ROOT]/home/.claude.json)
    hint: to make them the same: claude mcp remove agent-dispatch --scope local && claude mcp add-json agent-dispatch '{"type":"stdio","command":"agent-dispatch","args":["serve"],"timeout":5000}' --scope local
    hint: agent-dispatch add NAME DIR makes a project an agent; then restart Claude Code and ask it to use one
    "#);
    assert_snapshot!(project.run_in("work", &["init"]), @"
    exit code: 0
    ----- stdout -----
    kept [ROOT]/home/.config/agent-dispatch/agents.yaml
    MCP server agent-dispatch is registered already: [ROOT]/bin/agent-dispatch serve
    ----- stderr -----
    hint: agent-dispatch add NAME DIR makes a project an agent; then restart Claude Code and ask it to use one
    ");
}

#[test]
fn a_project_server_counts_once_it_is_approved() {
    let project = Project::new();
    project.write("work/repo/.mcp.json", &servers(config("project")));
    // Nothing is run that only a project names.
    let tool = project.world.path("work/repo/tool");
    fs::write(&tool, "#!/bin/sh\ntouch \"$0.ran\"\necho agent-dispatch 0.1\n").unwrap();
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    let mut own = servers(config("project"));
    own["mcpServers"]["agent-dispatch"]["command"] = json!(tool);
    project.write("work/repo/sub/.mcp.json", &own);
    project.known(servers(config("user")), json!({}));
    assert_snapshot!(project.doctor_in("work/repo/sub"), @r#"
    ok       registered: [ROOT]/work/repo/tool serve, which was not asked for its version (project scope, [ROOT]/work/repo/sub/.mcp.json; interactive sessions ask before they use it, `claude -p` does not)
    ok       registered: agent-dispatch serve (user scope, [ROOT]/home/.claude.json)
    warning  agents: here [ROOT]/home/.config/agent-dispatch/agents.yaml, but the registered server uses [ROOT]/home/user.yaml (the env of its registration in user scope, [ROOT]/home/.claude.json)
             → to make them the same: claude mcp remove agent-dispatch --scope user && claude mcp add-json agent-dispatch '{"type":"stdio","command":"agent-dispatch","args":["serve"],"timeout":5000}' --scope user
    warning  two registrations with different environments: that in user scope, [ROOT]/home/.claude.json, which counts here, and that in project scope, [ROOT]/work/repo/sub/.mcp.json differ in AGENT_DISPATCH_CONFIG (agents: [ROOT]/home/user.yaml and [ROOT]/home/project.yaml)
             → if that is not meant, keep one: (cd [ROOT]/work/repo/sub && claude mcp remove agent-dispatch --scope project), or claude mcp remove agent-dispatch --scope user
    "#);
    let has_run = || Path::new(&format!("{}.ran", tool.display())).exists();
    assert!(!has_run());
    let (asked, approved) = ("home/user.yaml", "home/project.yaml");
    let is = |expected: &str, why: &str| {
        let told = project.listed_in("work/repo");
        assert!(told.starts_with(expected), "{why}: {told}");
    };
    let approve = json!({"enabledMcpjsonServers": ["agent-dispatch"]});
    let trusted = json!({"hasTrustDialogAccepted": true});
    is(asked, "not approved");
    project.write("home/.claude/settings.json", &json!({"enableAllProjectMcpServers": true}));
    is(approved, "all are");
    project.write("home/.claude/settings.json", &approve);
    is(approved, "by the user's settings");
    project.doctor_in("work/repo/sub");
    assert!(has_run(), "an approved one is asked for its version");
    project.known(servers(config("user")), json!({"disabledMcpjsonServers": ["agent-dispatch"]}));
    is(asked, "refused");
    assert!(project.doctor_in("work/repo").contains("refused by disabledMcpjsonServers"));
    project.write("home/.claude/settings.json", &json!({}));
    project.known(servers(config("user")), json!({}));
    project.write("work/repo/.claude/settings.local.json", &approve);
    is(asked, "a project does not approve its own servers");
    project.known(servers(config("user")), trusted);
    is(approved, "a trusted one does");
}

#[test]
fn what_no_scope_has_is_looked_for_above() {
    let project = Project::new();
    project.known(json!({}), json!({"enabledMcpjsonServers": ["agent-dispatch"]}));
    let none = "no MCP server agent-dispatch in ";
    assert!(project.doctor_in("work/repo/sub").contains(none));
    // The nearest one, past files without ours and past those that claude cannot read; a repository's top ends nothing.
    project.write("work/.mcp.json", &servers(config("above")));
    assert!(
        project.listed_in("work/repo/sub").starts_with("home/above.yaml"),
        "{}",
        project.listed_in("work/repo/sub")
    );
    project.write("work/repo/.mcp.json", &json!({"mcpServers": {"other": {"command": "x"}}}));
    fs::write(project.world.path("work/repo/sub/.mcp.json"), "{ // ours\n}").unwrap();
    assert_snapshot!(project.doctor_in("work/repo/sub"), @r#"
    warning  claude passes over [ROOT]/work/repo/sub/.mcp.json: JSON has no comments (line 1, column 3)
             → correct the file; Claude Code itself says nothing of it
    ok       registered: agent-dispatch serve (project scope, [ROOT]/work/.mcp.json)
    warning  agents: here [ROOT]/home/.config/agent-dispatch/agents.yaml, but the registered server uses [ROOT]/home/above.yaml (the env of its registration in project scope, [ROOT]/work/.mcp.json)
             → to make them the same: claude mcp add-json agent-dispatch '{"type":"stdio","command":"agent-dispatch","args":["serve"],"timeout":5000}' --scope local
    "#);
    // In another place there is one of another project.
    project.known(json!({}), servers(config("local")));
    fs::remove_file(project.world.path("work/.mcp.json")).unwrap();
    assert_snapshot!(project.doctor_in("work"), @"
    warning  no MCP server agent-dispatch in [ROOT]/home/.claude.json that counts here; in local scope there is one for [ROOT]/work/repo
             → agent-dispatch init registers it
    ");
    // A linked worktree is of its repository.
    project.write("work/repo/.git/worktrees/wt/HEAD", &json!(""));
    fs::write(project.world.path("work/repo/.git/worktrees/wt/commondir"), "../..\n").unwrap();
    fs::create_dir_all(project.world.path("work/wt/deep")).unwrap();
    let pointer = format!("gitdir: {}\n", project.world.path("work/repo/.git/worktrees/wt").display());
    fs::write(project.world.path("work/wt/.git"), pointer).unwrap();
    assert!(project.listed_in("work/wt/deep").starts_with("home/local.yaml"));
    project.known(
        json!({}),
        json!({"disabledMcpServers": ["agent-dispatch"], "mcpServers": servers(json!({}))["mcpServers"]}),
    );
    assert!(project.doctor_in("work/wt/deep").contains("agent-dispatch is switched off for this project"));
}

#[test]
fn references_are_expanded_as_claude_code_does() {
    let mut project = Project::new();
    project.write("set/agent-dispatch/agents.yaml", &json!({}));
    let set = project.world.path("set").to_str().unwrap().to_owned();
    project.world.env.extend([("SET".to_owned(), set), ("EMPTY".to_owned(), String::new())]);
    for (variable, value, expected) in [
        ("AGENT_DISPATCH_CONFIG", "${SET}/a.yaml", "set/a.yaml (the env"),
        ("AGENT_DISPATCH_CONFIG", "${NONE:-/default}/a.yaml", "/default/a.yaml (the env"),
        ("AGENT_DISPATCH_CONFIG", "${EMPTY:-/default}/a.yaml", "/a.yaml (the env"),
        // Claude Code leaves the rest as it is, and then the server expands it: it knows CLAUDE_PROJECT_DIR.
        ("AGENT_DISPATCH_CONFIG", "$SET/a.yaml", "set/a.yaml (the env"),
        ("AGENT_DISPATCH_CONFIG", "${NONE-/default}/a.yaml", "/default/a.yaml (the env"),
        ("AGENT_DISPATCH_CONFIG", "${CLAUDE_PROJECT_DIR}/a.yaml", "work/repo/a.yaml (the env"),
        // Nothing but Claude Code expands this one.
        ("XDG_CONFIG_HOME", "${SET}", "set/agent-dispatch/agents.yaml (the env"),
        ("XDG_CONFIG_HOME", "$SET", "the same"),
        ("XDG_CONFIG_HOME", "${SET", "the same"),
    ] {
        project.known(json!({}), servers(json!({ variable: value })));
        let told = project.listed_in("work/repo");
        assert!(told.starts_with(expected), "{variable}={value}: {told}");
    }
    project.known(json!({}), servers(json!({"AGENT_DISPATCH_CONFIG": "${NONE}/a.yaml"})));
    let told = project.run_in("work/repo", &["list"]);
    assert!(told.contains("has no place for its files") && told.contains("the variable NONE is not set"), "{told}");
}

#[test]
fn what_settings_set_for_the_server_is_told() {
    let project = Project::new();
    project.known(servers(json!({})), json!({}));
    project.write("home/.claude/settings.json", &json!({"env": {"AGENT_DISPATCH_CONFIG": {"a": 1}}}));
    assert_eq!(project.listed_in("work/repo"), "the same", "what is of another kind counts for nothing");
    project.write("home/.claude/settings.json", &json!({"env": {"AGENT_DISPATCH_CONFIG": "/user.yaml", "OTHER": [5]}}));
    assert_snapshot!(project.run_in("work", &["list"]), @"
    exit code: 0
    ----- stdout -----

    ----- stderr -----
    no agents in [ROOT]/home/.config/agent-dispatch/agents.yaml
    hint: agent-dispatch add NAME DIR makes a project directory an agent
    warning: agents: here [ROOT]/home/.config/agent-dispatch/agents.yaml, but the registered server uses /user.yaml (`env` in [ROOT]/home/.claude/settings.json)
    hint: to make them the same: set AGENT_DISPATCH_CONFIG here too, or take it out of [ROOT]/home/.claude/settings.json
    ");
    project.write("work/repo/.claude/settings.json", &json!({"env": {"AGENT_DISPATCH_CONFIG": "/project.yaml"}}));
    assert!(project.listed_in("work/repo").starts_with("/project.yaml (`env` in work/repo/.claude/settings.json)"));
    // The registration's own goes before it.
    project.known(servers(config("own")), json!({}));
    assert!(project.listed_in("work/repo").starts_with("home/own.yaml (the env of its registration in user scope"));
}
