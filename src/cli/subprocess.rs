//! Runs another program for a limited time.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};

use crate::machines::text::first_chars;

/// How much of each stream is kept, in bytes. What is asked for here fits many times.
const KEEP_BYTES: u64 = 64 * 1024;
/// Most characters of a line that is repeated.
const MAX_TOLD_CHARS: usize = 300;

/// A program that ran to its end.
#[derive(Debug)]
pub struct SubprocessOutput {
    /// How it ended.
    pub status: ExitStatus,
    /// The start of its standard output.
    pub stdout: String,
    /// The start of its standard error.
    pub stderr: String,
}

impl SubprocessOutput {
    /// What it said, wherever: the first line that is not blank, nor of the source that a crash shows first.
    pub fn first_line(&self) -> &str {
        let said = self.stderr.lines().chain(self.stdout.lines());
        let line = said.map(str::trim).find(|line| !line.is_empty() && !is_source(line)).unwrap_or("it says nothing");
        first_chars(line, MAX_TOLD_CHARS)
    }
}

/// Why a program did not run to its end.
#[derive(Debug, Error)]
pub enum SubprocessError {
    /// It could not be started, or not be watched.
    #[error("cannot be run: {0}")]
    Start(#[from] io::Error),
    /// It took too long and was ended.
    #[error("did not finish within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The user did not want to wait.
    #[error("was interrupted")]
    Interrupted,
}

/// Runs the program to its end, in a group of its own that is ended with SIGKILL when the time is up or on Ctrl-C. Its
/// output goes to files: the claude CLI may leave without having written all of it to a pipe.
pub fn run(mut command: Command, limit: Duration) -> Result<SubprocessOutput, SubprocessError> {
    let (mut stdout, mut stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
    command.stdin(Stdio::null()).stdout(stdout.try_clone()?).stderr(stderr.try_clone()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let status = runtime.block_on(watch(command, limit))?;
    Ok(SubprocessOutput { status, stdout: start_of(&mut stdout)?, stderr: start_of(&mut stderr)? })
}

/// Whether a line is one of source, after its number, or a caret below it, as a JavaScript runtime shows them.
fn is_source(line: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    line == "^" || line.split_once('|').is_some_and(|(before, _)| is_number(before.trim_end()))
}

async fn watch(command: Command, limit: Duration) -> Result<ExitStatus, SubprocessError> {
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut child = tokio::process::Command::from(command).process_group(0).spawn()?;
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let outcome = tokio::select! {
        biased;
        status = child.wait() => return Ok(status?),
        _ = interrupted.recv() => SubprocessError::Interrupted,
        () = tokio::time::sleep(limit) => SubprocessError::TimedOut(limit),
    };
    if let Some(group) = group {
        // A group that is gone meanwhile is what is wanted.
        let _ = kill_process_group(group, Signal::KILL);
    }
    drop(child.wait().await);
    Err(outcome)
}

fn start_of(file: &mut File) -> io::Result<String> {
    file.rewind()?;
    let mut bytes = Vec::new();
    file.take(KEEP_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
