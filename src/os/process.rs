//! Processes: those of a run, a supervisor by its command line, all of the user's.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Instant;

use rustix::process::{Pid, Signal};
use thiserror::Error;

use super::this;

/// The verb that this program is started with as a supervisor. One that a run asked for descends from it, and is no part of it.
pub const SUPERVISE: &str = "supervise";

/// A process, told from a later one that was given the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Incarnation {
    /// Its id.
    pub pid: i32,
    /// When it was started, in the unit of the system: comparable with that of the same id alone.
    pub started: u64,
}

impl Display for Incarnation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.pid, self.started)
    }
}

/// A text that names no process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no process id and moment of its start")]
pub struct NoIncarnation;

impl FromStr for Incarnation {
    type Err = NoIncarnation;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (pid, started) = text.trim_end().split_once(' ').ok_or(NoIncarnation)?;
        let pid = pid.parse().ok().filter(|pid| *pid > 1).ok_or(NoIncarnation)?;
        Ok(Self { pid, started: started.parse().map_err(|_| NoIncarnation)? })
    }
}

/// What is known of the processes of a run.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// The variable, as `NAME=value`, that each of them inherits.
    pub mark: &'a str,
    /// The process that the run was started as, where that is noted.
    pub leader: Option<Incarnation>,
    /// The process that supervises it, or did: it leads the session that the run was started in. `None` where no such session
    /// can be told from a later one of the same id.
    pub supervisor: Option<i32>,
    /// Those that an earlier look found.
    pub known: &'a BTreeSet<Incarnation>,
}

/// What a look for the processes of a run shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Those that belong to it.
    pub members: BTreeSet<Incarnation>,
    /// The ids of those that show no environment, and may be about to become a program that does.
    pub bare: Vec<i32>,
}

/// Looks for the processes of a run, this one excepted.
#[must_use]
pub fn find(run: &Run<'_>) -> Found {
    this::process::find(run)
}

/// Whether one of these processes, which show no environment, is about to become another program: then waits until it has,
/// at most until the deadline.
#[must_use]
pub fn await_program(bare: &[i32], deadline: Instant) -> bool {
    this::process::await_program(bare, deadline)
}

/// Signals a process of a run, if it still is one. Whether that was done.
#[must_use]
pub fn signal(process: Incarnation, run: &Run<'_>, signal: Signal) -> bool {
    this::process::signal(process, run, signal)
}

/// Whether the process lives that the run was started as: it leads a group, but no session, unlike whatever it puts into
/// a session of its own. `None` where that cannot be told.
#[must_use]
pub fn leader_lives(run: &Run<'_>) -> Option<bool> {
    this::process::leader_lives(run)
}

/// The process that the run was started as, by the session of its supervisor: where no note of it is.
#[must_use]
pub fn leader(run: &Run<'_>) -> Option<Incarnation> {
    this::process::leader(run)
}

/// This process, if it leads a session: then what it starts is in that, unless it says otherwise.
#[must_use]
pub fn own_session() -> Option<i32> {
    let own = i32::try_from(std::process::id()).ok()?;
    (session_of(own) == Some(own)).then_some(own)
}

/// The session of a process. In a namespace that of a process from outside is 0, which the types of rustix cannot say.
pub(super) fn session_of(pid: i32) -> Option<i32> {
    let session = nix::unistd::getsid(Some(nix::unistd::Pid::from_raw(pid))).ok()?;
    Some(session.as_raw()).filter(|session| *session > 0)
}

/// Whether every process of a run shows its mark. Where not, what a run starts is known only from looks while the process
/// lives that started it.
#[must_use]
pub fn shows_marks() -> bool {
    this::process::shows_marks()
}

/// A process that was started a moment ago and has not been waited for, as it is to be noted. `None` where no note is needed.
#[must_use]
pub fn to_note(pid: i32) -> Option<Incarnation> {
    this::process::to_note(pid)
}

/// Sends SIGTERM to a process that holds a lock and has this argument. Whether it was sent.
#[must_use]
pub fn terminate_holder(pid: Pid, argument: &OsStr) -> bool {
    this::process::terminate_holder(pid, argument)
}

/// A process as the system shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its id.
    pub pid: i32,
    /// Its program and the arguments.
    pub arguments: Vec<OsString>,
    /// The file of its program.
    pub program: Option<Program>,
    /// What it was started with, `NAME=value` with a zero byte after each.
    pub environment: Option<Vec<u8>>,
    /// Its current directory.
    pub directory: Option<PathBuf>,
}

/// The file of a program that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Where it was when it was started.
    pub path: PathBuf,
    /// Whether it was replaced or removed since.
    pub gone: bool,
    /// The path under which it can be started again, where there is one.
    pub again: Option<PathBuf>,
}

/// The processes of this user whose program and arguments are `wanted`, by their ids. `None` where the system does not show
/// processes.
#[must_use]
pub fn of_user(wanted: &dyn Fn(&[OsString]) -> bool) -> Option<Vec<Shown>> {
    this::process::of_user(wanted)
}
