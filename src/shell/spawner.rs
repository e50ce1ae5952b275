//! Starting and signalling processes, behind a trait so that tests can script every outcome.

use std::future::Future;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::Signal;
use thiserror::Error;
use tokio::process::Child;
use tokio::sync::Notify;

use super::claude::{self, ClaudeMissing};
use super::environment::{self, Changes};
use super::leftovers::Leftovers;
use super::store::{JobFile, Store};
use crate::fs::{failpoint, owner_only};
use crate::machines::conclusion::ProcessExit;
use crate::machines::ids::JobId;
use crate::os::process;

/// How often to look what a run has started, where the system does not show its mark: a Bash call of the CLI that ends sooner
/// seldom leaves something behind.
const LOOK: Duration = Duration::from_secs(1);
/// The same in a run that was asked to leave: what it starts then, a hook for the end of its session say, often outlives it.
const LAST_LOOK: Duration = Duration::from_millis(100);

/// A process to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// The executable.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Where it starts.
    pub directory: PathBuf,
    /// Changes to the inherited environment.
    pub environment: Changes,
    /// A file that becomes its standard input, so that it ends and nobody else's input is inherited.
    pub stdin: PathBuf,
    /// A file that takes its standard output, at its end. A file is complete even where the CLI leaves without flushing a pipe.
    pub stdout: PathBuf,
    /// A file that takes its standard error and stays locked until the process and all that inherited it are gone.
    pub stderr: PathBuf,
}

/// Why a process could not be started.
#[derive(Debug, Error)]
pub enum SpawnError {
    /// The directory to start in is not there or may not be entered.
    #[error("the agent's directory {} cannot be entered: {source}", directory.display())]
    Directory {
        /// The directory to start in.
        directory: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// One of the files for its input and output cannot be opened.
    #[error("cannot open {}: {source}", file.display())]
    File {
        /// The path of that file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system does not run the executable.
    #[error("cannot start {}: {source}", program.display())]
    Program {
        /// The path of the executable.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl From<ExitStatus> for ProcessExit {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, Some(signal)) => Self::Signal(signal),
            (None, None) => Self::Unknown,
        }
    }
}

/// A started process, leader of a group of its own.
pub struct Spawned {
    /// Its id, which is also its group's.
    pub group: i32,
    /// Completes when it is gone.
    pub exit: Pin<Box<dyn Future<Output = ProcessExit>>>,
}

/// Which way a run is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By SIGTERM, which it may answer in its own way.
    Terminate,
    /// By SIGKILL, which nothing survives.
    Kill,
}

/// Starts and signals processes.
pub trait ProcessSpawner {
    /// The CLI to start.
    ///
    /// # Errors
    /// [`ClaudeMissing`].
    fn find_claude(&self) -> Result<PathBuf, ClaudeMissing>;

    /// Starts a process as leader of a group of its own.
    ///
    /// # Errors
    /// [`SpawnError`], and then nothing runs.
    fn spawn(&self, launch: &Launch) -> Result<Spawned, SpawnError>;

    /// Signals a process group. A group that is gone is no error: that is what was wanted.
    fn end_group(&self, group: i32, ending: Ending);

    /// Signals every process of the job, where the group is not known. Returns how many.
    fn end_marked(&self, ending: Ending) -> usize;

    /// Ends whatever the job left behind, in whatever session. Returns how many processes that were.
    fn sweep(&self) -> usize;
}

/// The real processes of this machine, for one job.
#[derive(Debug, Clone)]
pub struct SystemSpawner {
    leader: PathBuf,
    leftovers: Arc<Mutex<Leftovers>>,
    asked: Arc<Notify>,
}

impl SystemSpawner {
    /// For the runs of this job.
    #[must_use]
    pub fn of(store: &Store, job: JobId) -> Self {
        let leftovers = Arc::new(Mutex::new(Leftovers::ours(store, &job)));
        Self { leader: store.file(&job, JobFile::Leader), leftovers, asked: Arc::default() }
    }

    fn leftovers(&self) -> MutexGuard<'_, Leftovers> {
        self.leftovers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The end of a child. Where the system does not show marks, what it starts is looked for meanwhile.
    async fn end_of(self, mut child: Child) -> ProcessExit {
        let mut look = LOOK;
        loop {
            tokio::select! {
                status = child.wait() => return status.map_or(ProcessExit::Unknown, ProcessExit::from),
                () = self.asked.notified() => look = LAST_LOOK,
                () = tokio::time::sleep(look), if !process::shows_marks() => drop(self.leftovers().look()),
            }
        }
    }
}

impl ProcessSpawner for SystemSpawner {
    fn find_claude(&self) -> Result<PathBuf, ClaudeMissing> {
        claude::find()
    }

    fn spawn(&self, launch: &Launch) -> Result<Spawned, SpawnError> {
        // The directory is looked at first: a failed start does not say whether program or directory was missing.
        std::fs::read_dir(&launch.directory)
            .map_err(|source| SpawnError::Directory { directory: launch.directory.clone(), source })?;
        let file_error = |file: &PathBuf| {
            let file = file.clone();
            move |source| SpawnError::File { file, source }
        };
        failpoint::check("outputs").map_err(file_error(&launch.stdout))?;
        let stdin = std::fs::File::open(&launch.stdin).map_err(file_error(&launch.stdin))?;
        let stdout = owner_only::create_or_append(&launch.stdout).map_err(file_error(&launch.stdout))?;
        let stderr = owner_only::create_or_append(&launch.stderr).map_err(file_error(&launch.stderr))?;
        failpoint::check("fence").map_err(file_error(&launch.stderr))?;
        stderr.try_lock().map_err(|error| file_error(&launch.stderr)(error.into()))?;
        failpoint::check("fenced").map_err(file_error(&launch.stderr))?;
        // What an earlier process of the run said is read; nobody writes here any more.
        stderr.set_len(0).map_err(file_error(&launch.stderr))?;
        let mut command = tokio::process::Command::new(&launch.program);
        command
            .args(&launch.arguments)
            .current_dir(&launch.directory)
            .stdin(Stdio::from(stdin))
            .stdout(Stdio::from(stdout))
            .stderr(Stdio::from(stderr))
            .process_group(0);
        environment::apply(&launch.environment, &mut command);
        let child =
            command.spawn().map_err(|source| SpawnError::Program { program: launch.program.clone(), source })?;
        // The id is there until the child is waited for.
        let group = child.id().and_then(|id| i32::try_from(id).ok()).unwrap_or_default();
        self.leftovers().note_leader(&self.leader, group);
        failpoint::reach("spawned");
        Ok(Spawned { group, exit: Box::pin(self.clone().end_of(child)) })
    }

    fn end_group(&self, group: i32, ending: Ending) {
        let signal = match ending {
            Ending::Terminate => Signal::TERM,
            Ending::Kill => Signal::KILL,
        };
        self.leftovers().signal_group(group, signal);
        self.asked.notify_waiters();
    }

    fn end_marked(&self, ending: Ending) -> usize {
        match ending {
            Ending::Terminate => self.leftovers().terminate_all(),
            Ending::Kill => self.leftovers().end_all(),
        }
    }

    fn sweep(&self) -> usize {
        self.leftovers().end_all()
    }
}
