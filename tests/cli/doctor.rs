//! `doctor`. Servers of other tests and sessions run on the same machine: what it says of them is left out.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use agent_dispatch::os::capability;
use insta::assert_snapshot;
use serde_json::Value;

use super::{World, until};
use crate::support::{SOON, within};

/// What it says, without servers and without the verdict, which counts them.
fn without_servers(world: &World, arguments: &[&str]) -> String {
    let text = String::from_utf8(world.output(arguments).stdout).unwrap();
    text.split("System\n").next().unwrap().to_owned()
}

/// The findings as `section status message`, without those of what differs from machine to machine.
pub(super) fn findings(report: &Value) -> Vec<String> {
    let text = |check: &Value, key: &str| check[key].as_str().unwrap().to_owned();
    let checks = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| !["System", "Running servers"].map(Value::from).contains(&check["section"]));
    checks
        .map(|check| format!("{} {} {}", text(check, "section"), text(check, "status"), text(check, "message")))
        .collect()
}

pub(super) fn sound() -> World {
    let world = World::with_claude().on_path();
    assert!(world.output(&["init"]).status.success());
    assert!(world.output(&["add", "infra", "infra"]).status.success());
    world
}

#[test]
fn a_sound_installation_passes() {
    let world = sound();
    let output = world.output(&["doctor"]);
    assert_eq!(output.status.code(), Some(0));
    assert_snapshot!(without_servers(&world, &["doctor"]), @"
    Environment
      ok       agent-dispatch 1.0.0
      ok       claude 2.1.332 (Claude Code): [ROOT]/bin/claude (on PATH)
      ok       claude knows --append-system-prompt (dispatch protocol, instructions)
      ok       on PATH: [ROOT]/bin/agent-dispatch
    Config
      ok       [ROOT]/home/.config/agent-dispatch/agents.yaml can be read
    MCP registration
      ok       registered: [ROOT]/bin/agent-dispatch serve (user scope, [ROOT]/home/.claude.json)
    Agents
      ok       infra: [ROOT]/work/infra
    Groups
      ok       there are none
    Job records
      ok       [ROOT]/home/.config/agent-dispatch/jobs can be written
    ");
    let (report, code) = world.json(&["doctor", "--json"]);
    assert_eq!((code, &report["schema_version"], &report["issues"]), (0, &Value::from(1), &Value::from(0)));
    if report["status"] == "ok" {
        let text = String::from_utf8(world.output(&["doctor", "--strict"]).stdout).unwrap();
        assert!(text.ends_with("All checks passed.\n") || text.contains("Running servers\n  warning"), "{text}");
    }
}

#[test]
fn mistakes_of_the_settings_are_told_once_and_as_theirs() {
    let world = World::new().config(
        "agents:\n  infra: {directory: '[ROOT]/work/infra'}\n  own: {directory: '[ROOT]/work/infra', disallowed_tools: [Read]}\n\
         settings:\n  unattended_tools: [Bash]\n  default_permission_mode: yolo\n  \
         default_allowed_tools: [Read, Grep, CronCreate]\n  default_disallowed_tools: [Grep]\n",
    );
    let (report, _) = world.json(&["doctor", "--json"]);
    let found = findings(&report);
    let told = |what: &str| {
        let told = found.iter().filter_map(|finding| finding.split_once(what).map(|(before, _)| before.to_owned()));
        told.collect::<Vec<_>>()
    };
    let settings = "Config warn settings: ";
    assert_eq!(told("unattended_tools: 'Bash' is none"), [settings]);
    assert_eq!(told("permission mode yolo"), [settings]);
    assert_eq!(told("allowed without effect: CronCreate"), [settings]);
    assert_eq!(told("allowed and disallowed at once: "), [settings, "Agents warn own: "]);
}

#[test]
fn a_fresh_machine_fails_with_remedies() {
    let world = World::new();
    assert_eq!(world.output(&["doctor"]).status.code(), Some(1));
    assert_snapshot!(without_servers(&world, &["doctor"]), @r#"
    Environment
      ok       agent-dispatch 1.0.0
      FAILURE  the claude CLI was not found on PATH, nor where its installers put it
               → install Claude Code (https://claude.com/claude-code) and check with `claude --version`, or set AGENT_DISPATCH_CLAUDE to its path; `[BINARY] demo` works without
      warning  agent-dispatch is not on PATH ([BINARY]); a server that is registered with its full path works
               → add [BINARIES] to PATH
    Config
      warning  [ROOT]/home/.config/agent-dispatch/agents.yaml does not exist, so there are no agents
               → [BINARY] init creates it
    MCP registration
      warning  no MCP server agent-dispatch in [ROOT]/home/.claude.json
               → [BINARY] init registers it
    Agents
      warning  there are none
               → [BINARY] add NAME DIR makes a project directory an agent
    Groups
      ok       there are none
    Job records
      ok       [ROOT]/home/.config/agent-dispatch/jobs can be written
    "#);
}

#[test]
fn every_finding_in_config_and_agents() {
    let world = World::with_claude().config(
        "agents:\n  infra: {directory: '[ROOT]/work/infra', timeuot: 5, permission_mode: yolo, allowed_tools: [Read, SendMessage, 'CronCreate(*)'], \
         disallowed_tools: [Read], unattended_tools: [SendMessage, Bash]}\n  gone: {directory: '[ROOT]/gone'}\n  broken: {directory: '[ROOT]/work', timeout: x}\n  \
         gone: {directory: '[ROOT]/gone'}\n",
    );
    let config = world.path("home/.config/agent-dispatch");
    fs::set_permissions(config.join("agents.yaml"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(&config, fs::Permissions::from_mode(0o777)).unwrap();
    assert_snapshot!(without_servers(&world, &["doctor"]), @r#"
    Environment
      ok       agent-dispatch 1.0.0
      ok       claude 2.1.332 (Claude Code): [ROOT]/bin/claude (on PATH)
      ok       claude knows --append-system-prompt (dispatch protocol, instructions)
      warning  agent-dispatch is not on PATH ([BINARY]); a server that is registered with its full path works
               → add [BINARIES] to PATH
    Config
      ok       [ROOT]/home/.config/agent-dispatch/agents.yaml can be read
      warning  others may read or write [ROOT]/home/.config/agent-dispatch/agents.yaml (mode 644)
               → chmod 600 [ROOT]/home/.config/agent-dispatch/agents.yaml
      warning  others may look into [ROOT]/home/.config/agent-dispatch (mode 777)
               → chmod 700 [ROOT]/home/.config/agent-dispatch; the next change of the config does so as well
      warning  unknown key agents.infra.timeuot (line 2)
               → did you mean `timeout`? nothing reads it as it is
      warning  agents.gone is given twice; only the last one counts (line 5)
               → take the others out
    MCP registration
      warning  no MCP server agent-dispatch in [ROOT]/home/.claude.json
               → [BINARY] init registers it
    Agents
      ok       infra: [ROOT]/work/infra
      warning  infra: permission mode yolo is not one that is known
               → use one of acceptEdits, auto, bypassPermissions, default, dontAsk, manual, plan
      warning  infra: allowed and disallowed at once: Read
               → take them out of one of the two lists; disallowed wins
      warning  infra: unattended_tools: 'Bash' is none of the tools that unattended runs are denied: SendMessage, ListAgents, CronCreate, CronDelete, ScheduleWakeup, EnterWorktree, ReportFindings; others belong in allowed_tools
               → correct the name, or take it out
      warning  infra: allowed without effect: CronCreate(*); unattended runs are denied what reaches past them
               → take it out of allowed_tools; SECURITY.md says why
      FAILURE  gone: [ROOT]/gone is not there
               → create it, or [BINARY] remove gone
      FAILURE  broken is disabled: agents.broken.timeout: invalid type: string "x", expected a whole number of seconds, 0 or more (line 4)
               → correct the entry in agents.yaml
    Groups
      ok       there are none
    Job records
      ok       [ROOT]/home/.config/agent-dispatch/jobs can be written
    "#);
}

#[test]
fn a_file_of_servers_that_claude_passes_over_is_a_finding() {
    let world = sound();
    fs::write(world.path("work/infra/.mcp.json"), "{\n  // servers\n}\n").unwrap();
    let (report, code) = world.json(&["doctor", "--json"]);
    let said = findings(&report).join("\n");
    let expected = "Agents warn infra: claude passes over its .mcp.json: JSON has no comments (line 2, column 3)";
    assert!(code == 0 && said.contains(expected), "{said}");
}

#[test]
fn warnings_fail_only_when_strict() {
    let world = sound();
    let yaml = world.yaml();
    let world = world.config(&format!("{yaml}colour: blue\n"));
    assert_eq!(world.output(&["doctor"]).status.code(), Some(0));
    assert_eq!(world.output(&["doctor", "--strict"]).status.code(), Some(1));
}

#[test]
fn a_broken_config_is_a_finding() {
    let world = sound().config("agents: [1, 2\n");
    let (report, code) = world.json(&["doctor", "--json"]);
    assert_eq!((code, &report["status"]), (1, &Value::from("fail")));
    assert_snapshot!(findings(&report).join("\n"), @"
    Environment ok agent-dispatch 1.0.0
    Environment ok claude 2.1.332 (Claude Code): [ROOT]/bin/claude (on PATH)
    Environment ok claude knows --append-system-prompt (dispatch protocol, instructions)
    Environment ok on PATH: [ROOT]/bin/agent-dispatch
    Config fail cannot read the config: agents: invalid type: sequence, expected a mapping of names to agents, such as `{infra: {directory: ~/projects/infra}}` ([ROOT]/home/.config/agent-dispatch/agents.yaml, line 1, column 9)
    MCP registration ok registered: [ROOT]/bin/agent-dispatch serve (user scope, [ROOT]/home/.claude.json)
    Agents warn skipped: the config cannot be read
    Groups warn skipped: the config cannot be read
    Job records ok [ROOT]/home/.config/agent-dispatch/jobs can be written
    ");
}

#[test]
fn registrations_that_do_not_work() {
    let world = sound();
    let register = |entry: &str| {
        let file = format!("{{\"mcpServers\":{{\"agent-dispatch\":{entry}}}}}");
        fs::write(world.path("home/.claude.json"), file).unwrap();
        let (report, _) = world.json(&["doctor", "--json"]);
        findings(&report).into_iter().find(|line| line.starts_with("MCP registration")).unwrap()
    };
    for (name, body) in
        [("agent-dispatch", "echo agent-dispatch, version 0.16.0"), ("broken", "echo no python >&2; exit 1")]
    {
        let script = world.path("bin").join(name);
        // Otherwise what a link leads to would be written.
        drop(fs::remove_file(&script));
        fs::write(&script, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let found = [
        register(r#"{"command": "/nowhere/agent-dispatch", "args": ["serve"]}"#),
        register(r#"{"command": "./agent-dispatch", "args": ["serve"]}"#),
        register(r#"{"command": "agent-dispatch", "args": ["serve"]}"#),
        register(r#"{"command": "agent-dispatch", "args": []}"#),
        register(r#"{"command": "broken", "args": ["serve"]}"#),
        register("7"),
    ];
    assert_snapshot!(found.join("\n"), @"
    MCP registration fail the registered command /nowhere/agent-dispatch serve does not exist (user scope, [ROOT]/home/.claude.json)
    MCP registration fail the registered command ./agent-dispatch serve is not an executable file (user scope, [ROOT]/home/.claude.json)
    MCP registration warn registered is another version: agent-dispatch serve is agent-dispatch, version 0.16.0 (user scope, [ROOT]/home/.claude.json)
    MCP registration fail the registered command agent-dispatch does not end in `serve` (user scope, [ROOT]/home/.claude.json)
    MCP registration fail the registered command broken serve does not work: no python (user scope, [ROOT]/home/.claude.json)
    MCP registration fail the registered command '' is not an executable file (user scope, [ROOT]/home/.claude.json)
    ");
    fs::write(world.path("home/.claude.json"), "not json").unwrap();
    assert_snapshot!(findings(&world.json(&["doctor", "--json"]).0)[4..6].join("\n"), @r#"
    Config ok [ROOT]/home/.config/agent-dispatch/agents.yaml can be read
    MCP registration fail [ROOT]/home/.claude.json is damaged: expected ident at line 1 column 2
    "#);
}

#[test]
fn a_claude_that_fails() {
    let world = World::new().with_script("echo 'node: not found' >&2; exit 127");
    assert_snapshot!(
        findings(&world.json(&["doctor", "--json"]).0)[1],
        @"Environment fail [ROOT]/bin/claude --version fails (exit status: 127): node: not found"
    );
}

#[test]
fn an_older_claude_is_told_what_it_lacks() {
    let said = |version: &str| {
        let world = World::new().with_script(&format!("echo '{version} (Claude Code)'"));
        let (report, _) = world.json(&["doctor", "--json"]);
        let of_claude = |line: &String| line.starts_with(&format!("Environment warn claude {version}"));
        findings(&report).into_iter().filter(of_claude).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(said("2.1.332"), "");
    assert_eq!(said("2.2.0"), "");
    assert_snapshot!(said("2.1.300"), @"
    Environment warn claude 2.1.300: the cost of a resumed session is that of all its runs, not of the last one
    Environment warn claude 2.1.300: interactive sessions wait for a dispatch instead of going on with it as a task
    ");
    assert_snapshot!(said("1.0.100"), @"
    Environment warn claude 1.0.100 is older than all tested versions (2.1.197 to 2.1.332)
    Environment warn claude 1.0.100: a response_schema is only part of the task, because this CLI would ask for it without end
    Environment warn claude 1.0.100: background work of an agent is not waited for: the CLI stops it some seconds after the answer
    Environment warn claude 1.0.100: interactive sessions wait for a dispatch instead of going on with it as a task
    ");
}

#[test]
fn a_claude_that_hangs_is_not_waited_for() {
    let world = World::new().with_script("sleep 600");
    let began = Instant::now();
    assert_snapshot!(
        findings(&world.json(&["doctor", "--json"]).0)[1],
        @"Environment fail [ROOT]/bin/claude --version did not finish within 10 s"
    );
    assert!(began.elapsed() < Duration::from_secs(300), "it was waited for");
    within(SOON, "it to be gone", || world.processes().is_empty().then_some(()));
}

#[test]
fn a_place_for_jobs_that_is_none() {
    let world = sound().env("AGENT_DISPATCH_JOBS_DIR", "/dev/null/jobs");
    assert_snapshot!(
        findings(&world.json(&["doctor", "--json"]).0).pop().unwrap(),
        @"Job records fail /dev/null is not a directory"
    );
}

#[test]
fn a_claude_that_lacks_the_flag() {
    let world = |scene: &str, yaml: &str| {
        let world = sound().env("FAKE_CLAUDE_SCENE", scene);
        let yaml = format!("{}{yaml}", world.yaml());
        let world = world.config(&yaml);
        findings(&world.json(&["doctor", "--json"]).0)[2].clone()
    };
    let scene = "reject-flag --append-system-prompt\nresult x";
    assert_snapshot!(
        world(scene, ""),
        @"Environment warn claude does not know --append-system-prompt: agents are not told that they run unattended"
    );
    assert_snapshot!(
        world(scene, "settings: {dispatch_protocol: false}\n"),
        @"Environment ok claude does not know --append-system-prompt, and nothing needs it"
    );
}

#[test]
fn directories_that_others_may_look_into() {
    let world = sound();
    let jobs = world.path("home/.config/agent-dispatch/jobs");
    fs::create_dir_all(&jobs).unwrap();
    fs::set_permissions(&jobs, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(jobs.parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
    let found = findings(&world.json(&["doctor", "--json"]).0).into_iter().filter(|line| line.contains("others may"));
    assert_snapshot!(found.collect::<Vec<_>>().join("\n"), @r#"
    Config warn others may look into [ROOT]/home/.config/agent-dispatch (mode 755)
    Job records warn others may look into [ROOT]/home/.config/agent-dispatch/jobs (mode 755)
    "#);
    assert!(world.output(&["update", "infra", "--timeout", "9"]).status.success());
    let mode = fs::metadata(jobs.parent().unwrap()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700, "closed by the change");
}

#[test]
fn two_places_and_two_environments_are_told() {
    let world = sound();
    let entry = r#"{"mcpServers":{"agent-dispatch":{"command":"agent-dispatch","args":["serve"],"env":{"AGENT_DISPATCH_JOBS_DIR":"$HOME/j"}}}}"#;
    fs::write(world.path("home/.claude.json"), entry).unwrap();
    let xdg = world.path("xdg");
    let theirs = xdg.join("agent-dispatch");
    fs::create_dir_all(&theirs).unwrap();
    fs::set_permissions(&theirs, fs::Permissions::from_mode(0o700)).unwrap();
    let world = world.env("XDG_CONFIG_HOME", xdg.to_str().unwrap());
    let sections = || {
        let text = without_servers(&world, &["doctor"]);
        let lines = text.lines().skip_while(|line| *line != "Config").take_while(|line| *line != "Agents");
        lines.collect::<Vec<_>>().join("\n")
    };
    assert_snapshot!(sections(), @r#"
    Config
      ok       [ROOT]/home/.config/agent-dispatch/agents.yaml (XDG_CONFIG_HOME is set, but there is nothing in [ROOT]/xdg/agent-dispatch) can be read
    MCP registration
      ok       registered: agent-dispatch serve (user scope, [ROOT]/home/.claude.json)
      warning  job records: here [ROOT]/home/.config/agent-dispatch/jobs, but the registered server uses [ROOT]/home/j (the env of its registration in user scope, [ROOT]/home/.claude.json)
               → to make them the same: claude mcp remove agent-dispatch --scope user && claude mcp add-json agent-dispatch '{"type":"stdio","command":"agent-dispatch","args":["serve"],"env":{"XDG_CONFIG_HOME":"[ROOT]/xdg"}}' --scope user
    "#);
    fs::write(theirs.join("agents.yaml"), "agents: {}").unwrap();
    fs::set_permissions(theirs.join("agents.yaml"), fs::Permissions::from_mode(0o600)).unwrap();
    assert_snapshot!(sections(), @r#"
    Config
      warning  [ROOT]/home/.config/agent-dispatch has files of agent-dispatch too; with XDG_CONFIG_HOME set they are not read
               → move what is wanted to [ROOT]/xdg/agent-dispatch, or unset XDG_CONFIG_HOME
      ok       [ROOT]/xdg/agent-dispatch/agents.yaml can be read
    MCP registration
      ok       registered: agent-dispatch serve (user scope, [ROOT]/home/.claude.json)
      warning  agents: here [ROOT]/xdg/agent-dispatch/agents.yaml, but a server whose Claude Code was started without this shell's variables uses [ROOT]/home/.config/agent-dispatch/agents.yaml
               → to make them the same: claude mcp remove agent-dispatch --scope user && claude mcp add-json agent-dispatch '{"type":"stdio","command":"agent-dispatch","args":["serve"],"env":{"XDG_CONFIG_HOME":"[ROOT]/xdg"}}' --scope user
      warning  job records: here [ROOT]/xdg/agent-dispatch/jobs, but the registered server uses [ROOT]/home/j (the env of its registration in user scope, [ROOT]/home/.claude.json)
               → to make them the same: claude mcp remove agent-dispatch --scope user && claude mcp add-json agent-dispatch '{"type":"stdio","command":"agent-dispatch","args":["serve"],"env":{"XDG_CONFIG_HOME":"[ROOT]/xdg"}}' --scope user
    "#);
}

#[test]
fn a_server_that_reads_another_file_is_told() {
    let world = sound();
    let mut server = world
        .command(&["serve"])
        .env("AGENT_DISPATCH_CONFIG", "elsewhere.yaml")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let (theirs, ours) = (world.path("work/elsewhere.yaml"), world.path("home/.config/agent-dispatch/agents.yaml"));
    let wanted = if cfg!(feature = "portable") {
        "the system does not show what they were started with, nor which files they use".to_owned()
    } else {
        format!("process {} reads {}, this program {}", server.id(), theirs.display(), ours.display())
    };
    // Until it is in place of the process that started it, its environment is another one.
    until("the server to be found", || {
        let (report, _) = world.json(&["doctor", "--json"]);
        report["checks"].as_array().unwrap().iter().any(|check| check["message"] == wanted.as_str()).then_some(())
    });
    drop(server.stdin.take());
    assert!(server.wait().unwrap().success());
}

#[test]
fn without_a_place_for_its_files_it_says_so() {
    let world = sound().env("AGENT_DISPATCH_USAGE_LOG", "$NOWHERE/usage.jsonl");
    let (report, code) = world.json(&["doctor", "--json"]);
    let found = findings(&report).into_iter().skip_while(|line| !line.starts_with("Config")).collect::<Vec<_>>();
    assert_eq!(code, 1);
    assert_snapshot!(found.join("\n"), @r#"
    Config fail AGENT_DISPATCH_USAGE_LOG is "$NOWHERE/usage.jsonl", but the variable NOWHERE is not set
    MCP registration warn skipped: there is no place for the files of agent-dispatch
    Agents warn skipped: there is no place for the files of agent-dispatch
    Groups warn skipped: there is no place for the files of agent-dispatch
    Job records warn skipped: there is no place for the files of agent-dispatch
    "#);
}

#[test]
fn the_system_is_told_and_what_it_lacks() {
    let (report, _) = sound().json(&["doctor", "--json"]);
    let checks = report["checks"].as_array().unwrap().iter().filter(|check| check["section"] == "System");
    let told = checks.map(|check| check["message"].as_str().unwrap()).collect::<Vec<_>>();
    let lacks = capability::lacks();
    assert_eq!(told[0], capability::used());
    assert_eq!(told[1..], lacks.iter().map(|lack| lack.what.as_str()).collect::<Vec<_>>());
}

#[test]
fn running_servers_are_found() {
    let world = sound();
    let mut server = world
        .command(&["serve"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let wanted = format!("process {}: version {}", server.id(), env!("CARGO_PKG_VERSION"));
    let (report, _) = world.json(&["doctor", "--json"]);
    let found = report["checks"].as_array().unwrap().iter().any(|check| check["message"] == wanted.as_str());
    drop(server.stdin.take());
    assert!(server.wait().unwrap().success());
    assert!(found, "{report:#}");
}

#[test]
fn servers_that_an_agent_lacked_are_warned_of() {
    let world = sound();
    let scene = |text: &str| fs::write(world.path("work/infra/.fake-claude"), text).unwrap();
    scene("mcp-server pg failed project\nmcp-server web needs-auth project\ninit\nresult done");
    world.run(&["test", "infra"]);
    let agents = |world: &World| {
        let text = without_servers(world, &["doctor"]);
        text.split("Agents\n").nth(1).unwrap().split("Groups").next().unwrap().to_owned()
    };
    assert_snapshot!(agents(&world), @r#"
    ok       infra: [ROOT]/work/infra
    warning  infra: MCP servers did not start (run of [WHEN]): pg
             → `claude --settings '{"enableAllProjectMcpServers":true}' --debug-file /dev/stderr mcp get pg` in "[ROOT]/work/infra" tells why, in its lines with `MCP server`; the next run tells anew
    warning  infra: MCP servers want a login (run of [WHEN]): web
             → start `claude` in "[ROOT]/work/infra", then /mcp; the next run tells anew
    "#);
    let (report, code) = world.json(&["doctor", "--json"]);
    let told = findings(&report).into_iter().filter(|told| told.starts_with("Agents warn")).count();
    assert_eq!((code, told), (0, 2), "{report}");
    // A directory that is gone has its own trouble.
    fs::rename(world.path("work/infra"), world.path("work/elsewhere")).unwrap();
    assert!(!agents(&world).contains("MCP"));
    fs::rename(world.path("work/elsewhere"), world.path("work/infra")).unwrap();
    scene("mcp-server pg connected project\nmcp-server web connected project\ninit\nresult done");
    world.run(&["test", "infra"]);
    assert!(!agents(&world).contains("MCP"), "they came up again");
}

#[test]
fn a_server_whose_command_is_not_there_is_warned_of() {
    let world = sound();
    let file = r#"{"mcpServers": {
        "gone": {"command": "no-such-server-anywhere", "args": ["x"]},
        "nowhere": {"command": "./bin/server", "type": "stdio"},
        "shell": {"command": "sh"}, "here": {"command": "./run"}, "web": {"type": "http", "url": "http://[::1]:1"},
        "variable": {"command": "${HOME}/server"}, "own": {"command": "tool", "env": {"PATH": "/opt/tools"}}}}"#;
    fs::write(world.path("work/infra/.mcp.json"), file).unwrap();
    fs::write(world.path("work/infra/run"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(world.path("work/infra/run"), fs::Permissions::from_mode(0o755)).unwrap();
    let (report, code) = world.json(&["doctor", "--json"]);
    let told = findings(&report).into_iter().filter(|told| told.contains("cannot start")).collect::<Vec<_>>();
    assert_eq!(code, 0);
    assert_snapshot!(told.join("\n"), @r#"
    Agents warn infra: the MCP server "gone" of its .mcp.json cannot start: there is no "no-such-server-anywhere"
    Agents warn infra: the MCP server "nowhere" of its .mcp.json cannot start: there is no "./bin/server"
    "#);
}

#[cfg(target_os = "linux")]
#[test]
fn a_place_where_no_jobs_directory_can_be_made_is_a_failure() {
    let world = sound().env("AGENT_DISPATCH_JOBS_DIR", "/proc/x");
    let (report, code) = world.json(&["doctor", "--json"]);
    let jobs = findings(&report).into_iter().filter(|found| found.starts_with("Job")).collect::<Vec<_>>().join("\n");
    assert!(
        jobs.contains("fail /proc/x cannot be used: nothing can be made in /proc") && !jobs.contains("MiB"),
        "{jobs}"
    );
    assert_eq!(code, 1);
}

#[test]
fn a_usage_journal_that_cannot_be_written_is_warned_of() {
    let told = |world: &World| {
        let (report, _) = world.json(&["doctor", "--json"]);
        findings(&report)
            .into_iter()
            .filter(|found| found.contains("usage journal") && found.contains("cannot be"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let world = sound();
    assert_eq!(told(&world), "");
    let file = world.path("work/README.md");
    fs::write(&file, "").unwrap();
    let below = world.env("AGENT_DISPATCH_USAGE_LOG", file.join("u.jsonl").to_str().unwrap());
    assert!(
        told(&below).contains("cannot be written") && told(&below).contains("README.md is a file"),
        "{}",
        told(&below)
    );
    let stats = below.run(&["stats"]);
    assert!(stats.contains("cannot read") && stats.contains("AGENT_DISPATCH_USAGE_LOG names another file"), "{stats}");
    fs::write(below.path("work/infra/.fake-claude"), "result fine").unwrap();
    let logged = below.env("AGENT_DISPATCH_LOG", "warn");
    logged.run(&["test", "infra"]);
    let log = logged.read("home/.config/agent-dispatch/jobs/.log");
    assert!(log.contains("WARN") && log.contains("usage not recorded"), "{log}");
    let off = fs::read_to_string(logged.path("home/.config/agent-dispatch/agents.yaml")).unwrap();
    assert_eq!(
        told(&logged.config(&format!("settings: {{usage_log: false}}\n{off}"))),
        "",
        "nothing is to be recorded"
    );
}
