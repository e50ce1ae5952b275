//! fake-claude does what it claims. Each test names the chapter of the CLI contract that it stands for.
//! Replay one: `cargo test --test suite fake_claude::flags`.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up its world has to fail")]

mod flags;
mod hostile;
#[cfg(target_os = "linux")]
mod late_reader;
mod mcp;
mod pipes;
mod results;
mod scenes;
mod sessions;
mod signals;
mod tasks;

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A wait that takes longer than this has failed. The machine may be busy with other tests, and some scenes write much.
const PATIENCE: Duration = Duration::from_secs(180);

/// Flags of every run that the product starts.
const STREAM: [&str; 3] = ["-p", "--output-format=stream-json", "--verbose"];

/// A home and a working directory of their own.
struct World {
    root: tempfile::TempDir,
    env: Vec<(String, String)>,
}

/// What a run left behind.
#[derive(Debug)]
struct Done {
    status: ExitStatus,
    bytes: Vec<u8>,
    stderr: String,
}

/// A run under way. It borrows its world, whose files would be gone otherwise.
struct Running<'w> {
    _world: &'w World,
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl World {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for dir in ["home", "work"] {
            fs::create_dir(root.path().join(dir)).unwrap();
        }
        Self { root, env: Vec::new() }
    }

    /// A world whose runs play `scene`.
    fn with(scene: &str) -> Self {
        let world = Self::new();
        fs::write(world.path("work/.fake-claude"), scene).unwrap();
        world
    }

    fn env(mut self, key: &str, value: &str) -> Self {
        self.env.push((key.to_owned(), value.to_owned()));
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fake-claude"));
        command.args(args).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", self.path("home"));
        command.envs(self.env.iter().cloned()).current_dir(self.path("work"));
        command
    }

    fn start(&self, args: &[&str], stdin: &[u8]) -> Running<'_> {
        let id = uuid::Uuid::new_v4();
        let [prompt, out, err] = ["in", "out", "err"].map(|n| self.path(&format!("{id}.{n}")));
        fs::write(&prompt, stdin).unwrap();
        let child = self
            .command(args)
            .stdin(File::open(&prompt).unwrap())
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&err).unwrap())
            .spawn()
            .unwrap();
        Running { _world: self, child, out, err }
    }

    fn run(&self, args: &[&str], stdin: &str) -> Done {
        self.start(args, stdin.as_bytes()).wait()
    }

    /// `stream-json` with more flags.
    fn stream(&self, more: &[&str], stdin: &str) -> Done {
        self.run(&[&STREAM[..], more].concat(), stdin)
    }
}

impl Running<'_> {
    fn wait(mut self) -> Done {
        let status = until("the run to end", || self.child.try_wait().unwrap());
        Done { status, bytes: fs::read(&self.out).unwrap(), stderr: fs::read_to_string(&self.err).unwrap() }
    }

    /// Waits until stdout holds `text`.
    fn shows(&self, text: &str) {
        until(text, || String::from_utf8_lossy(&fs::read(&self.out).unwrap()).contains(text).then_some(()));
    }

    fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // Already gone after an orderly wait.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Done {
    fn code(&self) -> Option<i32> {
        self.status.code()
    }

    fn signal(&self) -> Option<i32> {
        self.status.signal()
    }

    fn stdout(&self) -> String {
        String::from_utf8(self.bytes.clone()).unwrap()
    }

    fn events(&self) -> Vec<Value> {
        self.stdout().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    }

    /// `type` or `type/subtype` of each event.
    fn kinds(&self) -> Vec<String> {
        let name = |e: &Value| match (e["type"].as_str().unwrap(), e["subtype"].as_str()) {
            ("system", Some(subtype)) => subtype.to_owned(),
            (kind, _) => kind.to_owned(),
        };
        self.events().iter().map(name).collect()
    }

    /// The last result event.
    fn result(&self) -> Value {
        self.events().into_iter().rfind(|e| e["type"] == "result").unwrap()
    }
}

/// Waits for a condition, with a limit.
fn until<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(start.elapsed() < PATIENCE, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn pid_in(path: &Path) -> i32 {
    until("a pid file", || fs::read_to_string(path).ok()?.trim().parse().ok())
}

/// Ends a process that the test itself started through a scene.
struct Reaper(i32);

impl Drop for Reaper {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_raw(self.0).unwrap();
        // Gone already is as good.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}
