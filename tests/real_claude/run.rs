//! Runs the real CLI in a scratch world: own home, own project, own stub, nothing inherited but PATH.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;

use super::install;
use super::request::Request;
use super::stub::{Reply, Stub};

/// How long any one run may take. The slowest ones need 6 s alone; two busy cores and a cold cache make it tenfold.
pub const LIMIT: Duration = Duration::from_secs(90);
/// How often a condition outside this process is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// Worlds at one time: a CLI weighs 300 MB and half a core.
const WORLDS_AT_ONCE: usize = 3;
/// Marks every process that descends from a world, so that none outlives it.
const WORLD_ENV: &str = "REAL_CLAUDE_TEST_WORLD";

/// The settings of the world's user, below the world.
pub const USER_SETTINGS: &str = "home/.claude/settings.json";

static WORLDS: Mutex<usize> = Mutex::new(0);
static WORLD_LEFT: Condvar = Condvar::new();

/// A scratch directory with a home and a project, and the stub behind both. Dropping it ends what still runs in it.
pub struct World {
    pub stub: Stub,
    dir: tempfile::TempDir,
    mark: String,
    _turn: Turn,
}

struct Turn;

impl Turn {
    fn take() -> Self {
        let running = WORLDS.lock().unwrap();
        *WORLD_LEFT.wait_while(running, |running| *running >= WORLDS_AT_ONCE).unwrap() += 1;
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *WORLDS.lock().unwrap() -= 1;
        WORLD_LEFT.notify_one();
    }
}

impl World {
    pub fn new(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let turn = Turn::take();
        let dir = tempfile::tempdir().unwrap();
        for name in ["home", "project", "tmp", "out"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        let mark = uuid::Uuid::new_v4().to_string();
        let world = Self { stub: Stub::start(script), dir, mark, _turn: turn };
        // What mode a run is in that names none has differed between versions, and between accounts.
        world.write(USER_SETTINGS, r#"{"permissions": {"defaultMode": "default"}}"#);
        world
    }

    /// A world whose model always answers with this text.
    pub fn saying(text: &'static str) -> Self {
        Self::new(move |_| Reply::text(text))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn home(&self) -> PathBuf {
        self.path("home")
    }

    pub fn project(&self) -> PathBuf {
        self.path("project")
    }

    /// Writes a file below the world, with its folders.
    pub fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// `claude` with nothing but what these arguments say.
    pub fn claude(&self, args: &[&str]) -> Run<'_> {
        self.program(install::claude(), args)
    }

    /// Another program in the same environment.
    pub fn program(&self, program: &Path, args: &[&str]) -> Run<'_> {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.project()).process_group(0);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.home()).env("TMPDIR", self.path("tmp")).env("CLAUDE_CODE_TMPDIR", self.path("tmp"));
        command.env("ANTHROPIC_BASE_URL", self.stub.url()).env("ANTHROPIC_API_KEY", "dummy-key-of-a-test");
        command.env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1").env("DISABLE_AUTOUPDATER", "1");
        // Root may use bypassPermissions only where it says that it is in a sandbox.
        command.env("IS_SANDBOX", "1").env("CLAUDE_CODE_MAX_RETRIES", "0");
        command.env(WORLD_ENV, &self.mark);
        Run { world: self, command, stdin: Vec::new(), hold_stdin: false }
    }

    /// Headless, with JSON output and the prompt on stdin: the form closest to a dispatch.
    pub fn ask(&self, prompt: &str, args: &[&str]) -> Outcome {
        self.claude(&["-p", "--output-format=json"]).args(args).stdin(prompt).run()
    }

    /// The same with the event stream.
    pub fn ask_stream(&self, prompt: &str, args: &[&str]) -> Outcome {
        self.claude(&["-p", "--output-format=stream-json", "--verbose"]).args(args).stdin(prompt).run()
    }

    /// Processes that carry this world's mark: those started here and everything below them.
    pub fn processes(&self) -> Vec<Process> {
        let mark = format!("{WORLD_ENV}={}", self.mark);
        processes().into_iter().filter(|process| process.environment.contains(&mark)).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for process in self.processes() {
            // It may have ended by itself in between.
            let _ = kill_process(process.pid, Signal::KILL);
        }
    }
}

/// A process as `/proc` shows it.
#[derive(Clone, Debug)]
pub struct Process {
    pub pid: Pid,
    /// Its session id, which is the pid of the session's leader.
    pub session: i32,
    pub command: String,
    /// `NAME=value` pairs.
    pub environment: Vec<String>,
}

/// All processes whose environment may be read; none where there is no `/proc`.
fn processes() -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| process(entry.file_name().to_str()?.parse().ok()?)).collect()
}

fn process(pid: i32) -> Option<Process> {
    let lines = |name: &str| -> Option<Vec<String>> {
        let bytes = fs::read(format!("/proc/{pid}/{name}")).ok()?;
        Some(bytes.split(|byte| *byte == 0).map(|part| String::from_utf8_lossy(part).into_owned()).collect())
    };
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // After the command in parentheses: state, parent, group, session.
    let session = stat.rsplit_once(')')?.1.split_whitespace().nth(3)?.parse().ok()?;
    Some(Process {
        pid: Pid::from_raw(pid)?,
        session,
        command: lines("cmdline")?.join(" "),
        environment: lines("environ")?,
    })
}

/// A command about to run.
pub struct Run<'w> {
    world: &'w World,
    command: Command,
    stdin: Vec<u8>,
    hold_stdin: bool,
}

impl<'w> Run<'w> {
    pub fn args(mut self, args: &[&str]) -> Self {
        self.command.args(args);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn cwd(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Leaves stdin open for [`Running::say`].
    pub fn hold_stdin(mut self) -> Self {
        self.hold_stdin = true;
        self
    }

    pub fn run(self) -> Outcome {
        self.start().wait(LIMIT)
    }

    /// Runs it with stdout in a pipe that nobody reads until the process has ended.
    pub fn run_with_a_late_reader(mut self) -> (Option<i32>, Vec<u8>) {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = self.command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(&self.stdin).unwrap();
        let status = eventually("it ends without a reader", LIMIT, || child.try_wait().unwrap());
        let mut stdout = Vec::new();
        child.stdout.take().unwrap().read_to_end(&mut stdout).unwrap();
        (status.code(), stdout)
    }

    /// Starts it with stdout and stderr in files; what was given for stdin arrives through a pipe that is then closed.
    pub fn start(mut self) -> Running<'w> {
        let out = self.world.path("out").join(uuid::Uuid::new_v4().to_string());
        let (stdout, stderr) = (out.with_extension("stdout"), out.with_extension("stderr"));
        self.command.stdin(Stdio::piped());
        self.command.stdout(File::create(&stdout).unwrap()).stderr(File::create(&stderr).unwrap());
        let mut child = self.command.spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let bytes = self.stdin;
        let stdin = if self.hold_stdin {
            pipe.write_all(&bytes).unwrap();
            Some(pipe)
        } else {
            std::thread::spawn(move || {
                // The CLI may end without reading all of it.
                let _ = pipe.write_all(&bytes);
            });
            None
        };
        Running { child, stdin, stdout, stderr, ended: false, _world: self.world }
    }
}

/// A command that runs. Dropping it before its end ends its process group.
pub struct Running<'w> {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: PathBuf,
    stderr: PathBuf,
    ended: bool,
    _world: &'w World,
}

impl Running<'_> {
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    pub fn signal_group(&self, signal: Signal) {
        kill_process_group(self.pid(), signal).unwrap();
    }

    /// Writes to the stdin that was held open.
    pub fn say(&mut self, text: &str) {
        self.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    pub fn stdout_so_far(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.stdout).unwrap()).into_owned()
    }

    /// Closes stdin and waits for the end.
    pub fn wait(mut self, limit: Duration) -> Outcome {
        drop(self.stdin.take());
        let deadline = Instant::now() + limit;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.ended = true;
                break status;
            }
            if Instant::now() > deadline {
                let stderr = fs::read_to_string(&self.stderr).unwrap_or_default();
                panic!("still running after {limit:?}; stdout: {}; stderr: {stderr}", self.stdout_so_far());
            }
            std::thread::sleep(LOOK_AGAIN);
        };
        let stderr = String::from_utf8_lossy(&fs::read(&self.stderr).unwrap()).into_owned();
        Outcome { status, stdout: self.stdout_so_far(), stderr }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // Once it has ended by itself, whatever it leaves is what a test looks at; the world ends that.
        if !self.ended {
            let _ = kill_process_group(self.pid(), Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The exit code or signal as one comparable text: `0`, `143`, `signal 9`.
    pub fn end(&self) -> String {
        match (self.status.code(), self.status.signal()) {
            (Some(code), _) => code.to_string(),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "unknown".to_owned(),
        }
    }

    /// Every complete JSON line of stdout.
    pub fn events(&self) -> Vec<Value> {
        self.stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The last result event.
    pub fn result(&self) -> Value {
        let found = self.events().into_iter().rev().find(|event| event["type"] == "result");
        found.unwrap_or_else(|| panic!("no result event: {self:#?}"))
    }

    /// Asserts a success with this text.
    #[track_caller]
    pub fn answered(&self, text: &str) -> Value {
        let result = self.result();
        assert_eq!((self.end().as_str(), &result["result"]), ("0", &Value::from(text)), "{self:#?}");
        assert_eq!(result["is_error"], false, "{self:#?}");
        result
    }

    /// Asserts an end before any result, with this on stderr.
    #[track_caller]
    pub fn refused(&self, stderr: &str) {
        assert_eq!((self.end().as_str(), self.stdout.as_str()), ("1", ""), "{self:#?}");
        assert!(self.stderr.contains(stderr), "stderr lacks `{stderr}`: {self:#?}");
    }
}

/// Waits until `found` gives something.
#[track_caller]
pub fn eventually<T>(what: &str, limit: Duration, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = found() {
            return value;
        }
        assert!(Instant::now() < deadline, "not within {limit:?}: {what}");
        std::thread::sleep(LOOK_AGAIN);
    }
}
