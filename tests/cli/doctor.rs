//! `doctor`. Servers of other tests and sessions run on the same machine: what it says of them is left out.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use serde_json::Value;

use super::{World, until};

/// What it says, without servers and without the verdict, which counts them.
fn without_servers(world: &World, arguments: &[&str]) -> String {
    let text = String::from_utf8(world.output(arguments).stdout).unwrap();
    text.split("Running servers").next().unwrap().to_owned()
}

/// The findings as `section status message`, without those of servers.
fn findings(report: &Value) -> Vec<String> {
    let text = |check: &Value, key: &str| check[key].as_str().unwrap().to_owned();
    let checks = report["checks"].as_array().unwrap().iter().filter(|check| check["section"] != "servers");
    checks
        .map(|check| format!("{} {} {}", text(check, "section"), text(check, "status"), text(check, "message")))
        .collect()
}

fn sound() -> World {
    let world = World::with_claude();
    assert!(world.output(&["init"]).status.success());
    assert!(world.output(&["add", "infra", "infra"]).status.success());
    world
}

#[test]
fn a_sound_installation_passes() {
    let world = sound();
    let output = world.output(&["doctor"]);
    assert_eq!(output.status.code(), Some(0));
    assert_snapshot!(without_servers(&world, &["doctor"]), @r#"
    Environment
      ok       agent-dispatch 1.0.0
      ok       claude 2.1.197 (Claude Code): [ROOT]/bin/claude
    Config
      ok       [ROOT]/home/.config/agent-dispatch/agents.yaml can be read
    Registration with Claude Code
      ok       registered: [BINARY] serve
    Agents
      ok       infra: [ROOT]/work/infra
    Job records
      ok       [ROOT]/home/.config/agent-dispatch/jobs can be written
    "#);
    let (report, code) = world.json(&["doctor", "--json"]);
    assert_eq!((code, &report["schema_version"], &report["issues"]), (0, &Value::from(1), &Value::from(0)));
    if report["status"] == "ok" {
        let text = String::from_utf8(world.output(&["doctor", "--strict"]).stdout).unwrap();
        assert!(text.ends_with("All checks passed.\n") || text.contains("Running servers\n  warning"), "{text}");
    }
}

#[test]
fn a_fresh_machine_fails_with_remedies() {
    let world = World::new();
    assert_eq!(world.output(&["doctor"]).status.code(), Some(1));
    assert_snapshot!(without_servers(&world, &["doctor"]), @r#"
    Environment
      ok       agent-dispatch 1.0.0
      FAILURE  claude CLI not found on PATH; install Claude Code and check with `claude --version`, or set AGENT_DISPATCH_CLAUDE to its path
               → install Claude Code (https://claude.com/claude-code); until then `agent-dispatch demo` works
    Config
      warning  [ROOT]/home/.config/agent-dispatch/agents.yaml does not exist, so there are no agents
               → agent-dispatch init creates it
    Registration with Claude Code
      FAILURE  no MCP server agent-dispatch in [ROOT]/home/.claude.json
               → agent-dispatch init registers it
    Agents
      warning  there are none
               → agent-dispatch add NAME DIR makes a project directory an agent
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
      ok       claude 2.1.197 (Claude Code): [ROOT]/bin/claude
    Config
      ok       [ROOT]/home/.config/agent-dispatch/agents.yaml can be read
      warning  others may read or write [ROOT]/home/.config/agent-dispatch/agents.yaml (mode 644)
               → chmod 600 [ROOT]/home/.config/agent-dispatch/agents.yaml
      warning  others may write in [ROOT]/home/.config/agent-dispatch (mode 777)
               → chmod 700 [ROOT]/home/.config/agent-dispatch
      warning  unknown key agents.infra.timeuot (line 2)
               → did you mean `timeout`? nothing reads it as it is
      warning  agents.gone is given twice; only the last one counts (line 5)
               → take the others out
    Registration with Claude Code
      FAILURE  no MCP server agent-dispatch in [ROOT]/home/.claude.json
               → agent-dispatch init registers it
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
               → create it, or agent-dispatch remove gone
      FAILURE  broken is disabled: agents.broken.timeout: invalid type: string "x", expected a whole number, 0 or more (line 4)
               → correct the entry in agents.yaml
    Job records
      ok       [ROOT]/home/.config/agent-dispatch/jobs can be written
    "#);
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
    assert_eq!((code, &report["status"]), (1, &Value::from("failure")));
    assert_snapshot!(findings(&report).join("\n"), @r#"
    environment ok agent-dispatch 1.0.0
    environment ok claude 2.1.197 (Claude Code): [ROOT]/bin/claude
    config failure cannot read the config: agents: invalid type: sequence, expected a mapping of names to agents ([ROOT]/home/.config/agent-dispatch/agents.yaml, line 1, column 9)
    registration ok registered: [BINARY] serve
    jobs ok [ROOT]/home/.config/agent-dispatch/jobs can be written
    "#);
}

#[test]
fn registrations_that_do_not_work() {
    let world = sound();
    let register = |entry: &str| {
        let file = format!("{{\"mcpServers\":{{\"agent-dispatch\":{entry}}}}}");
        fs::write(world.path("home/.claude.json"), file).unwrap();
        let (report, _) = world.json(&["doctor", "--json"]);
        findings(&report).into_iter().find(|line| line.starts_with("registration")).unwrap()
    };
    for (name, body) in
        [("agent-dispatch", "echo agent-dispatch, version 0.16.0"), ("broken", "echo no python >&2; exit 1")]
    {
        let script = world.path("bin").join(name);
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
    assert_snapshot!(found.join("\n"), @r#"
    registration failure the registered command /nowhere/agent-dispatch serve is not an executable file
    registration failure the registered command ./agent-dispatch serve is not an executable file
    registration warning registered is another version: agent-dispatch serve is agent-dispatch, version 0.16.0
    registration failure the registered command agent-dispatch does not end in `serve`
    registration failure the registered command broken serve does not work: no python
    registration failure the registered command '' is not an executable file
    "#);
    fs::write(world.path("home/.claude.json"), "not json").unwrap();
    assert_snapshot!(findings(&world.json(&["doctor", "--json"]).0)[2..4].join("\n"), @r#"
    config ok [ROOT]/home/.config/agent-dispatch/agents.yaml can be read
    registration failure [ROOT]/home/.claude.json is damaged: expected ident at line 1 column 2
    "#);
}

#[test]
fn a_claude_that_fails() {
    let world = World::new().with_script("echo 'node: not found' >&2; exit 127");
    assert_snapshot!(
        findings(&world.json(&["doctor", "--json"]).0)[1],
        @"environment failure [ROOT]/bin/claude --version fails (exit status: 127): node: not found"
    );
}

#[test]
fn a_claude_that_hangs_is_not_waited_for() {
    let world = World::new().with_script("sleep 600");
    let began = Instant::now();
    assert_snapshot!(
        findings(&world.json(&["doctor", "--json"]).0)[1],
        @"environment failure [ROOT]/bin/claude --version did not finish within 10 s"
    );
    assert!(began.elapsed() < Duration::from_secs(300), "it was waited for");
    until("it to be gone", || world.processes().is_empty().then_some(()));
}

#[test]
fn a_place_for_jobs_that_is_none() {
    let world = sound().env("AGENT_DISPATCH_JOBS_DIR", "/dev/null/jobs");
    assert_snapshot!(
        findings(&world.json(&["doctor", "--json"]).0).pop().unwrap(),
        @"jobs failure /dev/null is not a directory"
    );
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
