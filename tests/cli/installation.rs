//! Whether the program stays where it is: `init` and `doctor` in the caches and directories of package managers.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;

use insta::assert_snapshot;

use super::{BINARY, World, once, shown};

impl World {
    /// A copy of the program in this directory.
    pub(super) fn copy_in(&self, directory: &str) -> PathBuf {
        let program = self.path(directory).join("agent-dispatch");
        fs::create_dir_all(program.parent().unwrap()).unwrap();
        fs::copy(BINARY, &program).unwrap();
        program
    }

    /// A script as `agent-dispatch` on PATH.
    fn script_on_path(&self, body: &str) {
        let script = self.path("bin/agent-dispatch");
        fs::write(&script, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// What a run of another copy of the program shows.
    pub(super) fn run_copy(&self, program: &PathBuf, arguments: &[&str]) -> String {
        let like = self.command(arguments);
        let mut command = Command::new(program);
        command.args(arguments).env_clear().current_dir(self.path("work"));
        command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shown(&once(command).output().unwrap())
    }

    /// The lines of doctor's report that are about this program.
    fn doctor_of(&self, program: &PathBuf) -> String {
        let report = self.run_copy(program, &["doctor"]);
        let (environment, rest) = report.split_once("Config\n").unwrap();
        let registration = rest.split_once("MCP registration\n").unwrap().1.split_once("Agents\n").unwrap().0;
        let about = |line: &&str| !line.contains("claude");
        environment.lines().skip(4).filter(about).chain(registration.lines()).collect::<Vec<_>>().join("\n")
    }
}

#[test]
fn a_copy_in_a_cache_is_told() {
    let world = World::with_claude();
    let program = world.copy_in("home/.npm/_npx/5016f87fea2ef678/node_modules/agent-dispatch-linux-x64/bin");
    assert_snapshot!(world.run_copy(&program, &["init"]), @r#"
    exit code: 0
    ----- stdout -----
    created [ROOT]/home/.config/agent-dispatch/agents.yaml
    registered MCP server agent-dispatch: [ROOT]/home/.npm/_npx/5016f87fea2ef678/node_modules/agent-dispatch-linux-x64/bin/agent-dispatch serve
    ----- stderr -----
    warning: this program, [ROOT]/home/.npm/_npx/5016f87fea2ef678/node_modules/agent-dispatch-linux-x64/bin/agent-dispatch, is in the cache of npx, from which it may be removed at any time
    hint: npm install --global agent-dispatch; then claude mcp remove agent-dispatch --scope user && agent-dispatch init
    hint: npx agent-dispatch add NAME DIR makes a project an agent; then restart Claude Code and ask it to use one
    "#);
    assert_snapshot!(world.doctor_of(&program), @r#"
    warning  this program, [ROOT]/home/.npm/_npx/5016f87fea2ef678/node_modules/agent-dispatch-linux-x64/bin/agent-dispatch, is in the cache of npx, from which it may be removed at any time
             → npm install --global agent-dispatch
    warning  the registered command [ROOT]/home/.npm/_npx/5016f87fea2ef678/node_modules/agent-dispatch-linux-x64/bin/agent-dispatch serve is in the cache of npx, from which it may be removed at any time (user scope, [ROOT]/home/.claude.json)
             → npm install --global agent-dispatch; then claude mcp remove agent-dispatch --scope user && agent-dispatch init
    "#);
    // Once it is installed, that is what init says.
    let installed = world.copy_in("lib/node_modules/agent-dispatch-linux-x64/bin");
    assert_snapshot!(world.run_copy(&installed, &["init"]), @r#"
    exit code: 0
    ----- stdout -----
    kept [ROOT]/home/.config/agent-dispatch/agents.yaml
    MCP server agent-dispatch is registered already: [ROOT]/home/.npm/_npx/5016f87fea2ef678/node_modules/agent-dispatch-linux-x64/bin/agent-dispatch serve
    ----- stderr -----
    warning: it is not this program, which is [ROOT]/lib/node_modules/agent-dispatch-linux-x64/bin/agent-dispatch
    hint: to change that: claude mcp remove agent-dispatch --scope user && claude mcp add-json agent-dispatch '{"type":"stdio","command":"[ROOT]/lib/node_modules/agent-dispatch-linux-x64/bin/agent-dispatch","args":["serve"]}' --scope user
    hint: [ROOT]/lib/node_modules/agent-dispatch-linux-x64/bin/agent-dispatch add NAME DIR makes a project an agent; then restart Claude Code and ask it to use one
    "#);
    assert_snapshot!(world.doctor_of(&installed), @r#"
    warning  agent-dispatch is not on PATH ([ROOT]/lib/node_modules/agent-dispatch-linux-x64/bin/agent-dispatch); a server that is registered with its full path works
             → add [ROOT]/lib/node_modules/agent-dispatch-linux-x64/bin to PATH
    warning  the registered command [ROOT]/home/.npm/_npx/5016f87fea2ef678/node_modules/agent-dispatch-linux-x64/bin/agent-dispatch serve is in the cache of npx, from which it may be removed at any time (user scope, [ROOT]/home/.claude.json)
             → claude mcp remove agent-dispatch --scope user && [ROOT]/lib/node_modules/agent-dispatch-linux-x64/bin/agent-dispatch init
    "#);
}

#[test]
fn a_script_that_starts_this_program_is_registered_where_the_program_goes() {
    let world = World::with_claude();
    let program = world.copy_in("pnpm/.pnpm/agent-dispatch-linux-x64@1.0.0/node_modules/agent-dispatch-linux-x64/bin");
    world.script_on_path(&format!("exec {} \"$@\"", program.display()));
    assert_snapshot!(world.run_copy(&program, &["init"]), @r#"
    exit code: 0
    ----- stdout -----
    created [ROOT]/home/.config/agent-dispatch/agents.yaml
    registered MCP server agent-dispatch: [ROOT]/bin/agent-dispatch serve
    ----- stderr -----
    hint: agent-dispatch add NAME DIR makes a project an agent; then restart Claude Code and ask it to use one
    "#);
    assert_snapshot!(world.doctor_of(&program), @r#"
    ok       on PATH: [ROOT]/bin/agent-dispatch, a script that starts this version
    ok       registered: [ROOT]/bin/agent-dispatch serve, another copy of this version (user scope, [ROOT]/home/.claude.json)
    "#);
}

#[test]
fn a_script_is_passed_over_where_the_program_stays() {
    let world = World::with_claude();
    let program = world.copy_in("lib/node_modules/agent-dispatch-linux-x64/bin");
    world.script_on_path(&format!("exec {} \"$@\"", program.display()));
    assert_snapshot!(world.run_copy(&program, &["init"]), @r#"
    exit code: 0
    ----- stdout -----
    created [ROOT]/home/.config/agent-dispatch/agents.yaml
    registered MCP server agent-dispatch: [ROOT]/lib/node_modules/agent-dispatch-linux-x64/bin/agent-dispatch serve
    ----- stderr -----
    hint: agent-dispatch add NAME DIR makes a project an agent; then restart Claude Code and ask it to use one
    "#);
    assert_snapshot!(world.doctor_of(&program), @r#"
    ok       on PATH: [ROOT]/bin/agent-dispatch, a script that starts this version
    ok       registered: [ROOT]/lib/node_modules/agent-dispatch-linux-x64/bin/agent-dispatch serve (user scope, [ROOT]/home/.claude.json)
    "#);
}

#[test]
fn a_script_that_starts_something_else_is_not_this_program() {
    let world = World::with_claude();
    let program = world.copy_in("pnpm/.pnpm/agent-dispatch-linux-x64@1.0.0/node_modules/agent-dispatch-linux-x64/bin");
    for body in ["echo agent-dispatch 0.9.0", "echo agent-dispatch 1.0.0; exit 1", "exec /nowhere/agent-dispatch"] {
        world.script_on_path(body);
        let (first, _) =
            world.doctor_of(&program).split_once('\n').map(|(one, two)| (one.to_owned(), two.to_owned())).unwrap();
        assert!(first.contains("is on PATH, which is not this program"), "{body}: {first}");
    }
    world.run_copy(&program, &["init"]);
    assert!(world.read("home/.claude.json").contains(program.to_str().unwrap()));
    // A program is no script: it is another copy, whatever its version.
    fs::remove_file(world.path("bin/agent-dispatch")).unwrap();
    symlink(BINARY, world.path("bin/agent-dispatch")).unwrap();
    assert!(world.doctor_of(&program).contains("is on PATH, which is not this program"));
}

#[test]
fn the_demo_says_how_to_install_what_is_in_a_cache() {
    let world = World::new();
    let program = world.copy_in("tmp2/bunx-0-agent-dispatch@latest/node_modules/agent-dispatch-linux-x64/bin");
    let shown = world.run_copy(&program, &["demo"]);
    let (_, end) = shown.split_once("The demo has left nothing behind.\n").unwrap();
    assert_snapshot!(end, @r#"
    (This agent-dispatch is in the cache of bunx; to install it: bun add --global agent-dispatch)
    ----- stderr -----
    "#);
}
