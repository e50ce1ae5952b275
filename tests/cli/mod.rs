//! The command line, verb by verb: exit code, standard output and standard error together.
//! Replay one: `cargo test --test suite cli::list`.

mod add;
mod binary;
mod built_from;
mod cancel;
mod demo;
mod describe;
mod doctor;
mod doctor_surroundings;
mod gc;
mod group;
mod hidden;
mod init;
mod installation;
mod job;
mod jobs;
mod list;
mod registration;
mod remove;
mod stats;
mod test;
mod update;
mod usage;
mod wait;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use insta::internals::SettingsBindDropGuard;
use serde_json::{Value, json};

use crate::support::processes::command_lines_with;
use crate::support::{BINARY, once, until};

/// A home of its own, where nothing is set up; `claude` is not there, whatever the machine has.
struct World {
    root: tempfile::TempDir,
    env: Vec<(String, String)>,
    _filters: SettingsBindDropGuard,
}

impl World {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().canonicalize().unwrap();
        for directory in ["home", "bin", "tmp", "work/infra"] {
            fs::create_dir_all(path.join(directory)).unwrap();
        }
        let mut settings = insta::Settings::clone_current();
        settings.add_filter(path.to_str().unwrap(), "[ROOT]");
        settings.add_filter(BINARY, "[BINARY]");
        settings.add_filter(Path::new(BINARY).parent().unwrap().to_str().unwrap(), "[BINARIES]");
        settings.add_filter(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "[UUID]");
        settings.add_filter(r"\b[0-9a-f]{32}\b", "[ID]");
        settings.add_filter(r"agent-dispatch-demo-\w+", "[DEMO]");
        settings.add_filter(r#""duration_ms":\d+"#, r#""duration_ms":[MS]"#);
        settings.add_filter(r"\b\d+\.\d s\b", "[TIME]");
        settings.add_filter(r"\[\d+\.\d+ m?s\]", "[TIME]");
        settings.add_filter(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "[WHEN]");
        Self { root, env: Vec::new(), _filters: settings.bind_to_scope() }
    }

    /// With fake-claude as `claude` on PATH.
    fn with_claude() -> Self {
        let world = Self::new();
        symlink(env!("CARGO_BIN_EXE_fake-claude"), world.path("bin/claude")).unwrap();
        world
    }

    /// With this program as `agent-dispatch` on PATH.
    fn on_path(self) -> Self {
        symlink(BINARY, self.path("bin/agent-dispatch")).unwrap();
        self
    }

    /// With these lines as agents.yaml. `[ROOT]` in them is the world's directory.
    fn config(self, text: &str) -> Self {
        let file = self.path("home/.config/agent-dispatch/agents.yaml");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text.replace("[ROOT]", self.path("").to_str().unwrap().trim_end_matches('/'))).unwrap();
        self
    }

    /// With a shell script as `claude` on PATH.
    fn with_script(self, body: &str) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let file = self.path("bin/claude");
        fs::write(&file, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().canonicalize().unwrap().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn yaml(&self) -> String {
        self.read("home/.config/agent-dispatch/agents.yaml")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", format!("{}:{}", self.path("bin").display(), self.programs()))
            .env("HOME", self.path("home"))
            .env("AGENT_DISPATCH_SYSTEM_ROOT", self.path("system"))
            .env("TMPDIR", self.path("tmp"))
            .envs(self.env.iter().cloned())
            .current_dir(self.path("work"))
            .stdin(Stdio::null());
        command
    }

    /// Where the programs of the system are, in the form of PATH. A claude among them is none of this world's.
    fn programs(&self) -> String {
        let directories = ["/usr/bin", "/bin"];
        if !directories.iter().any(|directory| Path::new(directory).join("claude").exists()) {
            return directories.join(":");
        }
        let others = self.path("programs");
        if fs::create_dir(&others).is_ok() {
            for program in directories.iter().flat_map(|directory| fs::read_dir(directory).unwrap()) {
                let program = program.unwrap();
                // The same program may be in both.
                if program.file_name() != "claude" {
                    drop(symlink(program.path(), others.join(program.file_name())));
                }
            }
        }
        others.to_str().unwrap().to_owned()
    }

    /// One call, to its end.
    fn once(&self, arguments: &[&str]) -> assert_cmd::Command {
        once(self.command(arguments))
    }

    fn output(&self, arguments: &[&str]) -> Output {
        self.once(arguments).output().unwrap()
    }

    /// What a run shows, as one text.
    fn run(&self, arguments: &[&str]) -> String {
        shown(&self.output(arguments))
    }

    /// What a run prints as JSON, and its exit code.
    fn json(&self, arguments: &[&str]) -> (Value, i32) {
        let output = self.output(arguments);
        (serde_json::from_slice(&output.stdout).unwrap(), output.status.code().unwrap())
    }

    /// The processes that carry this world in their environment, by their command lines.
    fn processes(&self) -> Vec<String> {
        command_lines_with(self.path("").to_str().unwrap().trim_end_matches('/'))
    }

    /// With an agent `infra`, which plays this scene.
    fn with_scene(scene: &str) -> Self {
        Self::with_claude()
            .config("agents: {infra: {directory: '[ROOT]/work/infra', timeout: 60}}\n")
            .env("FAKE_CLAUDE_SCENE", scene)
    }

    /// Submits a task to `infra` in the background, through a server that then leaves. The job's id.
    fn submit(&self, task: &str) -> String {
        let mut server = self
            .command(&["serve"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let call = json!({"name": "dispatch_async", "arguments": {"agent": "infra", "task": task}});
        let about =
            json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
        let mut input = server.stdin.take().unwrap();
        for message in [
            json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": about}),
            json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
            json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call}),
        ] {
            writeln!(input, "{message}").unwrap();
        }
        let lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let mut messages = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
        let answer = messages.find(|message| message["id"] == 2).unwrap();
        drop(input);
        server.wait().unwrap();
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        serde_json::from_str::<Value>(text).unwrap()["job_id"].as_str().unwrap().to_owned()
    }

    /// A record of a job of `infra`, with these keys beside what every one has: a job that ended three hours ago, with no
    /// folder. `number` is its id.
    fn record(&self, number: u128, keys: Value) -> String {
        let id = format!("{number:032x}");
        let mut record = json!({"id": id, "agent": "infra", "task": "Look around", "status": "done",
            "created_at": ago(10_900.0), "started_at": ago(10_890.0), "completed_at": ago(10_888.0)});
        record.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        self.record_text(&id, &record.to_string());
        id
    }

    /// A file where the record of this job would be.
    fn record_text(&self, id: &str, text: &str) {
        let jobs = self.path("home/.config/agent-dispatch/jobs");
        fs::create_dir_all(&jobs).unwrap();
        fs::write(jobs.join(format!("{id}.json")), text).unwrap();
    }

    /// Waits until a job's record says this.
    fn reaches(&self, id: &str, status: &str) {
        until(status, || (self.json(&["job", id, "--json"]).0["status"] == status).then_some(()));
    }

    /// Waits until nothing of this world runs.
    fn is_quiet(&self) {
        until("all processes to end", || self.processes().is_empty().then_some(()));
    }

    /// What is left of jobs: names in the jobs directory.
    fn jobs(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("home/.config/agent-dispatch/jobs")).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().into_string().unwrap());
        // What begins with a dot is not a job's.
        names.filter(|name| !name.starts_with('.')).collect()
    }
}

/// So many seconds ago, in Unix seconds.
fn ago(seconds: f64) -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64() - seconds
}

fn shown(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    format!(
        "exit code: {}\n----- stdout -----\n{}\n----- stderr -----\n{}",
        output.status.code().map_or_else(|| output.status.to_string(), |code| code.to_string()),
        text(&output.stdout),
        text(&output.stderr)
    )
}

fn interrupt(child: &std::process::Child) {
    rustix::process::kill_process(rustix::process::Pid::from_child(child), rustix::process::Signal::INT).unwrap();
}

fn is_empty(directory: &Path) -> bool {
    fs::read_dir(directory).unwrap().next().is_none()
}
