//! `doctor` where the system, the home or the CLI is not as it should be.

use std::fs;
use std::process::{Command, Stdio};

use insta::assert_snapshot;

use super::doctor::sound;
use super::{World, until};
use crate::support::BINARY;
#[cfg(target_os = "linux")]
use crate::support::{note, once};

/// What it lacks is not known then, and is not told.
#[test]
fn a_claude_whose_help_fails_is_not_said_to_lack_anything() {
    let told = |help: &str| {
        let body = format!("case $1 in --version) echo '2.1.332 (Claude Code)' ;; *) {help} ;; esac");
        let world = World::new().with_script(&body);
        let (report, code) = world.json(&["doctor", "--json"]);
        assert_eq!(code, 0, "{report}");
        let check = &report["checks"][2];
        let told = format!("{} → {}", check["message"].as_str().unwrap(), check["details"][0].as_str().unwrap());
        told.replace(world.path("").to_str().unwrap(), "[ROOT]/")
    };
    // As 2.1.332 fails where the user has no home.
    let crash = "printf '3 | // (c)\\n4 | import x\\n    ^\\n\\nENOENT: uv_os_homedir\\n errno: -2\\n' >&2; exit 1";
    assert_snapshot!([crash, "kill -9 $$", "exit 0"].map(told).join("\n"), @"
    whether claude knows --append-system-prompt could not be found out: [ROOT]/bin/claude --help fails (exit status: 1): ENOENT: uv_os_homedir → run [ROOT]/bin/claude --help by hand; install Claude Code again
    whether claude knows --append-system-prompt could not be found out: [ROOT]/bin/claude --help fails (signal: 9 (SIGKILL)): it says nothing → run [ROOT]/bin/claude --help by hand; install Claude Code again
    whether claude knows --append-system-prompt could not be found out: [ROOT]/bin/claude --help says nothing → run [ROOT]/bin/claude --help by hand; install Claude Code again
    ");
}

/// Runs the program after some commands of a shell, in a mount namespace of its own; `None` where tests may not have one.
#[cfg(target_os = "linux")]
fn mounted(world: &World, commands: &str, arguments: &[&str]) -> Option<std::process::Output> {
    let run = world.command(arguments);
    let shell = |commands: String| {
        let mut shell = Command::new("unshare");
        shell.args(["-m", "sh", "-c", &commands]).arg(run.get_program()).args(run.get_args());
        shell.current_dir(run.get_current_dir().unwrap()).env_clear();
        shell.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?)))).stdin(Stdio::null());
        shell
    };
    if !shell(commands.to_owned()).stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
        note("skipped: it takes root to mount");
        return None;
    }
    Some(once(shell(format!("{commands} && exec \"$0\" \"$@\""))).output().unwrap())
}

#[cfg(target_os = "linux")]
#[test]
fn a_home_that_is_read_only_has_remedies_that_help() {
    let told = |world: &World| {
        let home = world.path("home");
        let commands = format!("mount --bind {0} {0} && mount -o remount,ro,bind {0}", home.display());
        let text = String::from_utf8(mounted(world, &commands, &["doctor"])?.stdout).unwrap();
        // The registration has a file of its own.
        let lines = text.lines().skip_while(|line| *line != "Config").take_while(|line| *line != "System");
        let is_registration =
            |line: &&str| line.contains("MCP") || line.contains("init registers") || line.contains("registered:");
        Some(lines.filter(|line| !is_registration(line)).collect::<Vec<_>>().join("\n"))
    };
    let fresh = World::with_claude().on_path();
    let Some(said) = told(&fresh) else { return };
    assert_snapshot!(said, @r#"
    Config
      warning  [ROOT]/home/.config/agent-dispatch/agents.yaml does not exist, so there are no agents; it cannot be made: no permission to write [ROOT]/home/.config/agent-dispatch/agents.yaml: Read-only file system (os error 30)
               → set AGENT_DISPATCH_CONFIG to a file that can be written, here and where Claude Code is started; then agent-dispatch init creates it
    Agents
      warning  there are none
               → see the section Config; then agent-dispatch add NAME DIR makes a project directory an agent
    Groups
      ok       there are none
    Job records
      FAILURE  [ROOT]/home/.config/agent-dispatch/jobs cannot be made: [ROOT]/home cannot be written: Read-only file system (os error 30)
               → set AGENT_DISPATCH_JOBS_DIR to a directory that can be written, here and where Claude Code is started; until then nothing can be dispatched
      warning  the usage journal [ROOT]/home/.config/agent-dispatch/usage.jsonl cannot be written: Read-only file system (os error 30)
               → set AGENT_DISPATCH_USAGE_LOG to a file that can be written, here and where Claude Code is started, or usage_log: false in the settings
    "#);
    drop(fresh);
    let set_up = sound();
    assert_snapshot!(told(&set_up).unwrap(), @r#"
    Config
      ok       [ROOT]/home/.config/agent-dispatch/agents.yaml can be read
      warning  it cannot be changed: no permission to write [ROOT]/home/.config/agent-dispatch/agents.yaml: Read-only file system (os error 30)
               → set AGENT_DISPATCH_CONFIG to a file that can be written, here and where Claude Code is started
    Agents
      ok       infra: [ROOT]/work/infra
    Groups
      ok       there are none
    Job records
      FAILURE  [ROOT]/home/.config/agent-dispatch/jobs cannot be made: [ROOT]/home/.config/agent-dispatch cannot be written: Read-only file system (os error 30)
               → set AGENT_DISPATCH_JOBS_DIR to a directory that can be written, here and where Claude Code is started; until then nothing can be dispatched
      warning  the usage journal [ROOT]/home/.config/agent-dispatch/usage.jsonl cannot be written: Read-only file system (os error 30)
               → set AGENT_DISPATCH_USAGE_LOG to a file that can be written, here and where Claude Code is started, or usage_log: false in the settings
    "#);
}

#[cfg(all(target_os = "linux", not(feature = "portable")))]
#[test]
fn without_what_claude_needs_of_the_system_no_run_works_and_that_is_told() {
    let world = sound();
    fs::remove_file(world.path("bin/claude")).unwrap();
    // As 2.1.332 does.
    let world = world.with_script(
        "case $1 in --version) echo '2.1.332 (Claude Code)' ;; --help) echo --append-system-prompt ;;\n\
         *) echo \"Error: Can't access working directory $PWD: Path \\\"$PWD\\\" does not exist\" >&2; exit 1 ;; esac",
    );
    let commands = format!("mount --bind {} /proc", world.path("tmp").display());
    let Some(output) = mounted(&world, &commands, &["doctor"]) else { return };
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_snapshot!(text.split("System\n").nth(1).unwrap().split("Running").next().unwrap(), @"
    ok       Linux: processes by ps, news of jobs by inotify
    FAILURE  /proc is not mounted: without it Claude Code crashes or takes every directory for missing, and no run works
             → mount it, as `mount -t proc proc /proc` does
    ");
    let run = mounted(&world, &commands, &["test", "infra"]).unwrap();
    assert_snapshot!(String::from_utf8(run.stderr).unwrap(), @r#"
    infra: a real run in [ROOT]/work/infra, no spend cap; Ctrl-C ends it
    error: cli_error: agent 'infra' failed: Error: Can't access working directory [ROOT]/work/infra: Path "[ROOT]/work/infra" does not exist; /proc is not mounted: without it Claude Code crashes or takes every directory for missing, and no run works; mount it, as `mount -t proc proc /proc` does; then dispatch(agent="infra", task=…)
    hint: agent-dispatch doctor finds what is missing
    "#);
}

#[test]
fn an_old_server_is_told_with_the_directory_of_its_session() {
    let world = sound();
    let copy = world.path("bin/old/agent-dispatch");
    fs::create_dir_all(copy.parent().unwrap()).unwrap();
    fs::copy(BINARY, &copy).unwrap();
    let mut command = Command::new(&copy);
    let serve = world.command(&["serve"]);
    command.args(serve.get_args()).env_clear().current_dir(world.path("work/infra"));
    command.envs(serve.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let piped = Stdio::piped;
    let mut server = command.stdin(piped()).stdout(piped()).spawn().unwrap();
    fs::remove_file(&copy).unwrap();
    let process = format!("process {}:", server.id());
    let found = until("the server to be found", || {
        let (report, _) = world.json(&["doctor", "--json"]);
        let mut checks = report["checks"].as_array().unwrap().iter();
        checks.find(|check| check["message"].as_str().unwrap().starts_with(&process)).cloned()
    });
    drop(server.stdin.take());
    assert!(server.wait().unwrap().success());
    // Where the system does not show directories the session is not told.
    if !cfg!(feature = "portable") && cfg!(target_os = "linux") {
        let place = world.path("work/infra");
        let expected = format!("restart the Claude Code session in {}, which it belongs to", place.display());
        assert_eq!(found["details"][0], expected.as_str(), "{found}");
    }
}
