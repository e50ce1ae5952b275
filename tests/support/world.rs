//! A world of its own for each test: home, config, jobs, agents that play scenes. Whatever was started in it is ended with it.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use agent_dispatch::os::process::shows_marks;
use rustix::process::Signal;
use serde_json::Value;

use super::processes::{alive, command_line, parent, signal, with_variable};
use super::{SOON, within};

/// How long processes and locks may outlive the last server of a test. A supervisor leaves when its caller has. Less than what
/// fake-claude starts lives: that must be ended.
const GONE_WITHIN: Duration = Duration::from_secs(40);
/// Marks every process of a world, whoever its parent is.
const MARK: &str = "AGENT_DISPATCH_TEST_WORLD";

/// A world.
pub struct World {
    root: tempfile::TempDir,
    agents: Vec<String>,
    settings: String,
    groups: String,
    environment: Vec<(OsString, OsString)>,
}

impl World {
    /// A world without agents.
    pub fn new() -> Self {
        // Where the place of temporary files is a link, as on macOS, the program tells what it leads to.
        let root = tempfile::tempdir_in(std::env::temp_dir().canonicalize().unwrap()).unwrap();
        fs::create_dir(root.path().join("home")).unwrap();
        let world =
            Self { root, agents: Vec::new(), settings: String::new(), groups: String::new(), environment: Vec::new() };
        world.write_config();
        world
    }

    /// A world with the agent `echo`, which plays `scene`.
    pub fn with(scene: &str) -> Self {
        let mut world = Self::new();
        world.agent("echo", scene);
        world
    }

    /// Adds an agent that plays `scene`.
    pub fn agent(&mut self, name: &str, scene: &str) {
        self.agent_with(name, scene, "");
    }

    /// As [`Self::agent`], with further keys of its entry, such as `timeout: 1`, one a line.
    pub fn agent_with(&mut self, name: &str, scene: &str, keys: &str) {
        let directory = self.path(name);
        fs::create_dir(&directory).unwrap();
        self.scene(name, scene);
        self.entry(name, &directory, keys);
    }

    /// Adds an entry for a directory as it is.
    pub fn entry(&mut self, name: &str, directory: &Path, keys: &str) {
        let mut entry = format!("  {name}:\n    directory: {}\n", directory.display());
        for key in keys.lines() {
            writeln!(entry, "    {key}").unwrap();
        }
        self.agents.push(entry);
        self.write_config();
    }

    /// Gives an agent another scene.
    pub fn scene(&self, agent: &str, scene: &str) {
        fs::write(self.path(agent).join(".fake-claude"), scene).unwrap();
    }

    /// Settings, one a line.
    pub fn settings(&mut self, lines: &str) {
        self.settings = lines.lines().map(|line| format!("  {line}\n")).collect();
        self.write_config();
    }

    /// Groups: the section below its key, each line indented by two.
    pub fn groups(&mut self, section: &str) {
        section.clone_into(&mut self.groups);
        self.write_config();
    }

    fn write_config(&self) {
        let mut text = String::from(if self.agents.is_empty() { "agents: {}\n" } else { "agents:\n" });
        text.extend(self.agents.iter().map(String::as_str));
        if !self.groups.is_empty() {
            text.push_str("groups:\n");
            text.push_str(&self.groups);
        }
        if !self.settings.is_empty() {
            text.push_str("settings:\n");
            text.push_str(&self.settings);
        }
        fs::write(self.config(), text).unwrap();
    }

    /// Sets a variable for all processes of this world.
    pub fn env(&mut self, key: &str, value: impl Into<OsString>) {
        self.environment.push((key.into(), value.into()));
    }

    /// A path below the world's root.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// agents.yaml.
    pub fn config(&self) -> PathBuf {
        self.path("agents.yaml")
    }

    /// The jobs directory.
    pub fn jobs(&self) -> PathBuf {
        self.environment
            .iter()
            .rfind(|(key, _)| key == "AGENT_DISPATCH_JOBS_DIR")
            .map_or_else(|| self.path("jobs"), |(_, value)| PathBuf::from(value))
    }

    /// The server's command, in a clean environment.
    pub fn serve(&self) -> Command {
        self.command(&["serve"])
    }

    /// The product's command with these arguments.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(Path::new(super::BINARY), arguments)
    }

    /// One call of the product, to its end.
    pub fn once(&self, arguments: &[&str]) -> assert_cmd::Command {
        super::once(self.command(arguments))
    }

    /// A program's command with these arguments, in the world's environment.
    pub fn command_of(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.path("home"))
            .env("AGENT_DISPATCH_SYSTEM_ROOT", self.path("system"))
            .env("AGENT_DISPATCH_CONFIG", self.config())
            .env("AGENT_DISPATCH_JOBS_DIR", self.jobs())
            .env("AGENT_DISPATCH_USAGE_LOG", self.path("usage.jsonl"))
            .env("AGENT_DISPATCH_CLAUDE", env!("CARGO_BIN_EXE_fake-claude"))
            .env(MARK, self.root.path())
            .envs(self.environment.iter().cloned())
            .current_dir(self.root.path());
        command
    }

    fn mark(&self) -> String {
        format!("{MARK}={}", self.root.path().display())
    }

    /// All processes of this world.
    pub fn processes(&self) -> Vec<i32> {
        with_variable(&self.mark())
    }

    /// The processes that claude is, or that it started: those that know which job they run for.
    pub fn workers(&self) -> Vec<i32> {
        self.processes().into_iter().filter(|pid| is_worker(&command_line(*pid))).collect()
    }

    /// The supervisors. A child that one is about to make another program of looks like it for a moment.
    pub fn supervisors(&self) -> Vec<i32> {
        let is_one = |pid: &i32| {
            let line = command_line(*pid);
            is_supervisor(&line) && parent(*pid).is_none_or(|parent| command_line(parent) != line)
        };
        self.processes().into_iter().filter(is_one).collect()
    }

    /// The records, in no order; files that are no record are left out, above all those that are about to become one.
    pub fn records(&self) -> Vec<Value> {
        let Ok(entries) = fs::read_dir(self.jobs()) else { return Vec::new() };
        let paths = entries.flatten().map(|entry| entry.path());
        let named = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
        let texts = named.filter_map(|path| fs::read(path).ok());
        texts.filter_map(|bytes| serde_json::from_slice(&bytes).ok()).collect()
    }

    /// The only record, once there is one that `matches`.
    pub fn record_when(&self, what: &str, matches: impl Fn(&Value) -> bool) -> Value {
        super::until(what, || self.records().into_iter().find(|record| matches(record)))
    }

    /// The names in the jobs directory.
    pub fn job_files(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.jobs()) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into()).collect();
        names.retain(|name| ![".sessions", ".slots", ".known"].contains(&name.as_str()));
        names.sort();
        names
    }

    /// Waits until nothing is left of a run whose supervisor and claude died before anybody had looked at what it started. Where
    /// the system hides the marks of processes, that cannot be found (SECURITY.md), and is ended here.
    pub fn leftovers_of_the_dead_are_gone(&self) {
        if !shows_marks() {
            self.workers().into_iter().for_each(|pid| signal(pid, Signal::KILL));
        }
        within(SOON, "the leftovers to be gone", || self.workers().is_empty().then_some(()));
    }

    /// Waits until neither record nor folder is left.
    pub fn no_job_is_left(&self) {
        within(GONE_WITHIN, "the last job to be collected", || self.job_files().is_empty().then_some(()));
    }

    /// The lines that `dump` steps of scenes wrote to a file of the agent.
    pub fn dumps(&self, agent: &str, name: &str) -> Vec<Value> {
        json_lines(&self.path(agent).join(name))
    }

    /// The lines of the usage journal, in the order in which they were written.
    pub fn usage(&self) -> Vec<Value> {
        json_lines(&self.path("usage.jsonl"))
    }

    /// What must never be left: a process, a held lock or slot, a lock file of a session.
    fn leaks(&self) -> Vec<String> {
        let processes = self.processes().into_iter().filter(|pid| alive(*pid));
        let mut leaks: Vec<String> = processes.map(|pid| format!("process {pid}: {}", command_line(pid))).collect();
        for entry in fs::read_dir(self.jobs().join(".sessions")).into_iter().flatten().flatten() {
            leaks.push(format!("session lock {:?}", entry.file_name()));
        }
        for depth in fs::read_dir(self.jobs().join(".slots")).into_iter().flatten().flatten() {
            for entry in fs::read_dir(depth.path().join("held")).into_iter().flatten().flatten() {
                if fs::File::open(entry.path()).is_ok_and(|file| file.try_lock().is_err()) {
                    leaks.push(format!("slot {}", entry.path().display()));
                }
            }
        }
        for entry in fs::read_dir(self.jobs()).into_iter().flatten().flatten() {
            for lock in ["lock", "stderr", "plan.json"] {
                if let Ok(file) = fs::File::open(entry.path().join(lock))
                    && file.try_lock().is_err()
                {
                    leaks.push(format!("held lock {}", entry.path().join(lock).display()));
                }
            }
        }
        leaks
    }
}

/// The whole lines of a file of JSON lines that somebody may be writing: a reader can see a line of which only a part is
/// there yet, because POSIX makes no append atomic for those who read without a lock. What is no JSON is a failure.
fn json_lines(path: &Path) -> Vec<Value> {
    let text = fs::read(path).unwrap_or_default();
    let lines = text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
    let parsed = lines.map(serde_json::from_slice);
    parsed.map(|line| line.unwrap_or_else(|e| panic!("{}: {e}", path.display()))).collect()
}

fn is_supervisor(command_line: &str) -> bool {
    command_line.contains(" supervise ")
}

/// A process that is about to end has no command line any more, whatever it was; it is nobody's worker.
fn is_worker(command_line: &str) -> bool {
    !command_line.is_empty() && !is_supervisor(command_line) && !command_line.contains(" serve")
}

impl Drop for World {
    fn drop(&mut self) {
        let start = std::time::Instant::now();
        let mut leaks = self.leaks();
        while !std::thread::panicking() && !leaks.is_empty() && start.elapsed() < GONE_WITHIN {
            std::thread::sleep(Duration::from_millis(5));
            leaks = self.leaks();
        }
        for pid in self.processes() {
            signal(pid, Signal::KILL);
        }
        assert!(std::thread::panicking() || leaks.is_empty(), "left behind: {leaks:#?}");
    }
}
