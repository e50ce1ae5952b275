//! Processes that a scene starts. fake-claude starts itself with a hidden first argument, because only the child can
//! leave its session.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// First argument that makes this a child of a scene.
pub const CHILD_MARK: &str = "__scene_child";
/// A child that nobody ends leaves by itself after this time.
const CHILD_LIFE_MS: u64 = 60_000;

/// A child that does nothing but live.
#[derive(Debug, Clone, Default)]
pub struct Child {
    /// In a session of its own, out of reach of a signal to the group.
    pub setsid: bool,
    /// Keeps the run's stdout open.
    pub stdout: bool,
    /// Keeps the run's stderr open, and with it a lock on that file.
    pub stderr: bool,
    /// SIGTERM does not end it.
    pub ignore_term: bool,
    /// How long it lives, in milliseconds.
    pub life_ms: Option<u64>,
    /// Where it notes its process id.
    pub pid_file: Option<PathBuf>,
}

impl Child {
    /// `[pid=PATH] [for=MS] [ignore-term] [setsid] [stdout] [stderr]`
    pub fn parse<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut child = Self::default();
        for word in words {
            match word.split_once('=') {
                Some(("pid", path)) => child.pid_file = Some(PathBuf::from(path)),
                Some(("for", ms)) => child.life_ms = Some(crate::verbs::number("for", ms)?),
                None if word == "ignore-term" => child.ignore_term = true,
                None if word == "setsid" => child.setsid = true,
                None if word == "stdout" => child.stdout = true,
                None if word == "stderr" => child.stderr = true,
                _ => {
                    return Err(format!(
                        "a child's options are pid=PATH, for=MS, ignore-term, setsid, stdout, stderr; not \"{word}\""
                    ));
                }
            }
        }
        Ok(child)
    }

    /// Starts it and waits until it is what it is to be: session left, signal handled, pid noted.
    pub fn start(&self) -> io::Result<()> {
        let (mut ready, theirs) = io::pipe()?;
        let mut command = Command::new(own_executable()?);
        command.arg(CHILD_MARK).arg(format!("for={}", self.life_ms.unwrap_or(CHILD_LIFE_MS)));
        command.args(self.setsid.then_some("setsid")).args(self.ignore_term.then_some("ignore-term"));
        command.args(self.pid_file.as_ref().map(|p| format!("pid={}", p.display())));
        command.stdin(Stdio::from(theirs));
        command.stdout(if self.stdout { Stdio::inherit() } else { Stdio::null() });
        command.stderr(if self.stderr { Stdio::inherit() } else { Stdio::null() });
        command.spawn()?;
        // The command holds the pipe's other end as well.
        drop(command);
        let mut byte = [0];
        if ready.read(&mut byte)? == 1 { Ok(()) } else { Err(io::Error::other("the child left before it was ready")) }
    }
}

/// The life of such a child. Answers its exit code.
pub fn live(words: &[String]) -> u8 {
    if let Some(command) = words.first().and_then(|w| w.strip_prefix("exec=")) {
        let _ = rustix::process::setsid();
        let error = Command::new("/bin/bash").arg("-c").arg(command).exec();
        crate::verbs::file::stderr(format!("fake-claude: bash: {error}\n").as_bytes());
        return 127;
    }
    let Ok(child) = Child::parse(words.iter().map(String::as_str)) else { return 64 };
    if child.setsid && rustix::process::setsid().is_err() {
        return 70;
    }
    if child.ignore_term {
        crate::signals::ignore_term();
    }
    if let Some(path) = &child.pid_file {
        let beside = path.with_extension("part");
        let noted = fs::write(&beside, std::process::id().to_string()).and_then(|()| fs::rename(&beside, path));
        if noted.is_err() {
            return 73;
        }
    }
    let told = io::stdin().as_fd().try_clone_to_owned().and_then(|fd| File::from(fd).write_all(b"."));
    if told.is_err() {
        return 74;
    }
    std::thread::sleep(Duration::from_millis(child.life_ms.unwrap_or(CHILD_LIFE_MS)));
    0
}

/// This very program, also when its file was replaced meanwhile.
fn own_executable() -> io::Result<PathBuf> {
    let running = PathBuf::from("/proc/self/exe");
    if running.exists() { Ok(running) } else { std::env::current_exe() }
}

/// Runs a command as the Bash tool does; its output goes to a file that has no name any more.
pub fn bash(command: &str, session: &str) -> io::Result<(std::process::Child, File)> {
    let path = std::env::temp_dir().join(format!("fake-claude-{}.output", uuid::Uuid::new_v4()));
    let output = OpenOptions::new().create_new(true).read(true).write(true).open(&path)?;
    fs::remove_file(&path)?;
    let exe = std::env::current_exe()?;
    let child = Command::new(own_executable()?)
        .arg(CHILD_MARK)
        .arg(format!("exec={command}"))
        .env("CLAUDECODE", "1")
        .env("CLAUDE_CODE_ENTRYPOINT", "sdk-cli")
        .env("CLAUDE_CODE_SESSION_ID", session)
        .env("CLAUDE_CODE_CHILD_SESSION", "1")
        .env("CLAUDE_CODE_EXECPATH", &exe)
        .env("CLAUDE_EFFORT", "high")
        .env("AI_AGENT", format!("claude-code_{}_agent", crate::VERSION.replace('.', "-")))
        .env("GIT_EDITOR", "true")
        .env("SHELL", "/bin/bash")
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?)
        .spawn()?;
    Ok((child, output))
}

/// What a command has written so far.
pub fn read_back(output: &mut File) -> String {
    let mut bytes = Vec::new();
    // An unreadable output is an empty one.
    let _ = output.seek(SeekFrom::Start(0)).and_then(|_| output.read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}
