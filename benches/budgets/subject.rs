//! The programs that are measured.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Result;
use crate::rounds::ms;
use crate::world::Side;

/// The program that was built with this runner.
pub const OURS: &str = env!("CARGO_BIN_EXE_agent-dispatch");
/// The stand-in for the claude CLI.
pub const FAKE_CLAUDE: &str = env!("CARGO_BIN_EXE_fake-claude");

/// A program with everything that it is started with.
#[derive(Debug, Clone)]
pub struct Subject {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    pub environment: Vec<(OsString, OsString)>,
    pub directory: PathBuf,
}

impl Subject {
    pub fn new<A: Into<OsString>>(program: impl Into<PathBuf>, arguments: impl IntoIterator<Item = A>) -> Self {
        Self {
            program: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            environment: Vec::new(),
            directory: PathBuf::from("/"),
        }
    }

    /// This program itself, as a floor.
    pub fn floor(kind: &str) -> Result<Self> {
        Ok(Self::new(std::env::current_exe()?, ["--floor", kind]))
    }

    /// With the files and variables of that side.
    pub fn on(mut self, side: &Side) -> Self {
        self.environment = side.environment();
        self
    }

    /// With one variable more.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    pub fn in_directory(mut self, directory: &Path) -> Self {
        self.directory = directory.to_owned();
        self
    }

    /// How it is started: nothing of this program's own environment reaches it but what it was given.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear().envs(self.environment.iter().cloned()).current_dir(&self.directory);
        command
    }

    /// Starts it with its output in a file, as leader of a group of its own, waits for it, and says how long that took in
    /// milliseconds: what a dispatch has to do in any case.
    pub fn spawn_and_wait(&self, input: &Path, output: &Path) -> Result<f64> {
        let begin = std::time::Instant::now();
        let status = self
            .command()
            .process_group(0)
            .stdin(std::fs::File::open(input)?)
            .stdout(std::fs::File::create(output)?)
            .stderr(Stdio::null())
            .status()?;
        let took = ms(begin.elapsed());
        if status.success() { Ok(took) } else { Err(format!("{} ended with {status}", self.program.display()).into()) }
    }
}
