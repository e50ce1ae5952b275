//! Starting and signalling processes, behind a trait so that tests can script every outcome.

use std::future::Future;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use thiserror::Error;

use super::claude::{self, ClaudeMissing};
use super::environment::{self, Changes};
use super::leftovers;
use crate::fs::{failpoint, owner_only};
use crate::machines::conclusion::ProcessExit;
use crate::machines::ids::JobId;

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

    /// Signals every process that carries the job's id, where the group is not known. Returns how many.
    fn end_marked(&self, job: &JobId, ending: Ending) -> usize {
        match ending {
            Ending::Terminate => leftovers::terminate_all(job),
            Ending::Kill => leftovers::end_all(job),
        }
    }

    /// Ends whatever a job left behind, in whatever session. Returns how many processes that were.
    fn sweep(&self, job: &JobId) -> usize;
}

/// The real processes of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemSpawner;

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
        let mut child =
            command.spawn().map_err(|source| SpawnError::Program { program: launch.program.clone(), source })?;
        failpoint::reach("spawned");
        // The id is there until the child is waited for.
        let group = child.id().and_then(|id| i32::try_from(id).ok()).unwrap_or_default();
        let exit = Box::pin(async move { child.wait().await.map_or(ProcessExit::Unknown, ProcessExit::from) });
        Ok(Spawned { group, exit })
    }

    fn end_group(&self, group: i32, ending: Ending) {
        let signal = match ending {
            Ending::Terminate => Signal::TERM,
            Ending::Kill => Signal::KILL,
        };
        // Group 0 would be our own.
        if let Some(group) = Pid::from_raw(group)
            && let Err(error) = kill_process_group(group, signal)
        {
            tracing::debug!(?group, %error, "process group not signalled");
        }
    }

    fn sweep(&self, job: &JobId) -> usize {
        leftovers::end_all(job)
    }
}
