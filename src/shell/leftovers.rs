//! What a run leaves behind in sessions of its own.
//!
//! The CLI starts each Bash call with `setsid`, so its process group does not contain them, and not even SIGKILL of the
//! group reaches them (measured). Every descendant inherits `AGENT_DISPATCH_JOB`, which names it whoever its parent is. Where
//! the system does not show that to us, the descendants are looked for as long as the processes live that started them.

use std::collections::BTreeSet;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::store::{JobFile, Store};
use super::{environment, job_lock};
use crate::fs::atomic::{self, Durability};
use crate::machines::ids::JobId;
use crate::os::process::{self, Found, Incarnation, Run};

/// How often the processes are searched for: one may start another meanwhile, which the next pass ends. A tree that still
/// grows after this many passes is a fork bomb, and the group's SIGKILL has to do.
const PASSES: usize = 16;
/// How long to wait for a process that is about to become another program: until it is, it shows no environment. That takes
/// microseconds, and longer where the machine is busy.
const EXEC_WAIT: Duration = Duration::from_millis(20);
/// How long a process that is told to stop may still run, at least: the processor that it runs on is told within microseconds.
/// On a busy machine one that is starting another waits for its turn, and does that first: as long as a look takes there.
const STOP_WAIT: Duration = Duration::from_millis(1);
/// So many looks one after the other must show nothing new.
const QUIET_LOOKS: usize = 2;

/// Ends every process of the run. Returns how many that were.
pub fn end_all(store: &Store, job: &JobId) -> usize {
    Leftovers::of(store, job).end_all()
}

/// Whether the process lives that the run was started as: it leads a group, but no session, unlike whatever it puts into
/// a session of its own. `None` where the system cannot tell.
#[must_use]
pub fn leads(store: &Store, job: &JobId) -> Option<bool> {
    Leftovers::of(store, job).with_run(process::leader_lives)
}

/// The processes of a run.
#[derive(Debug)]
pub struct Leftovers {
    mark: String,
    leader: Option<Incarnation>,
    supervisor: Option<i32>,
    known: BTreeSet<Incarnation>,
}

impl Leftovers {
    /// Those of the run of a job that somebody else supervises, or did.
    #[must_use]
    pub fn of(store: &Store, job: &JobId) -> Self {
        // As long as something of the run lives its session does, whose id is given to no other process.
        let lives = !process::shows_marks() && job_lock::is_held(&store.file(job, JobFile::Stderr));
        Self {
            supervisor: job_lock::holder(&store.file(job, JobFile::Lock)).filter(|_| lives),
            ..Self::ours(store, job)
        }
    }

    /// Those of the run of a job that this process supervises.
    #[must_use]
    pub fn ours(store: &Store, job: &JobId) -> Self {
        let noted = std::fs::read_to_string(store.file(job, JobFile::Leader)).ok();
        let leader = noted.and_then(|text| text.parse().ok());
        let (mark, supervisor) = (format!("{}={job}", environment::JOB), process::own_session());
        Self { mark, leader, supervisor, known: BTreeSet::new() }
    }

    /// Notes the process that leads the run, where a supervisor died before it could: who takes over writes its own id into the
    /// lock, by which the run is found.
    pub fn note_of_predecessor(store: &Store, job: &JobId) {
        let path = store.file(job, JobFile::Leader);
        if process::shows_marks() || path.exists() {
            return;
        }
        let mut predecessors = Self::of(store, job);
        predecessors.leader = predecessors.with_run(process::leader);
        predecessors.note(&path);
    }

    /// Notes the process that the run was started as, in a file for whoever comes after us, where the system shows too little
    /// of a process to find it by its mark.
    pub fn note_leader(&mut self, path: &Path, pid: i32) {
        self.leader = process::to_note(pid);
        self.note(path);
    }

    fn note(&self, path: &Path) {
        let Some(leader) = self.leader else { return };
        if let Err(error) = atomic::replace(path, format!("{leader}\n").as_bytes(), Durability::Cached) {
            tracing::warn!(%error, "claude is not noted: without its supervisor it cannot be ended");
        }
    }

    /// Ends all of them. Returns how many that were.
    pub fn end_all(&mut self) -> usize {
        let mut ended = BTreeSet::<Incarnation>::new();
        let deadline = Instant::now() + EXEC_WAIT;
        for _ in 0..PASSES {
            let before = ended.len();
            let found = self.hold();
            ended.extend(self.signal(&found.members, Signal::KILL));
            if ended.len() == before && !process::await_program(&found.bare, deadline) {
                break;
            }
        }
        ended.len()
    }

    /// Asks all of them to leave. Returns how many that were.
    pub fn terminate_all(&mut self) -> usize {
        let held = self.hold().members;
        let asked = self.signal(&held, Signal::TERM);
        self.release(held);
        asked.len()
    }

    /// Signals the group that the run was started as. What is in sessions of its own can be found after that.
    pub fn signal_group(&mut self, group: i32, signal: Signal) {
        // Where each process shows its mark, they are found at any time.
        let held = if process::shows_marks() { BTreeSet::new() } else { self.hold().members };
        // Group 0 would be our own.
        if let Some(group) = Pid::from_raw(group)
            && let Err(error) = kill_process_group(group, signal)
        {
            tracing::debug!(?group, %error, "process group not signalled");
        }
        self.release(held);
    }

    /// Looks for them, and where marks are hidden stops them: one that starts another after the look, and ends, would leave
    /// behind what nobody can find.
    fn hold(&mut self) -> Found {
        let mut found = self.look();
        if process::shows_marks() || found.members.is_empty() {
            return found;
        }
        let (mut held, mut quiet, mut wait) = (BTreeSet::new(), 0, STOP_WAIT);
        for _ in 0..PASSES {
            let new = found.members.difference(&held).copied().collect::<BTreeSet<_>>();
            quiet = if new.is_empty() { quiet + 1 } else { 0 };
            if quiet == QUIET_LOOKS {
                break;
            }
            self.signal(&new, Signal::STOP);
            held.extend(new);
            thread::sleep(wait);
            let began = Instant::now();
            found = self.look();
            wait = began.elapsed().max(STOP_WAIT);
        }
        found
    }

    /// Lets them go on that are held: at last the one that the others descend from, because a process that is stopped when its
    /// parent leaves is sent SIGHUP by the system.
    fn release(&self, held: BTreeSet<Incarnation>) {
        if process::shows_marks() {
            // None was stopped by us.
            return;
        }
        let leader = self.leader.map(|leader| leader.pid);
        let (last, first) = held.into_iter().partition(|process| Some(process.pid) == leader);
        self.signal(&first, Signal::CONT);
        self.signal(&last, Signal::CONT);
    }

    /// Looks for them, and keeps in mind what is there: where the system does not show marks, it cannot be found any more when
    /// the process has ended that started it.
    pub fn look(&mut self) -> Found {
        let found = self.with_run(process::find);
        if !process::shows_marks() {
            self.known.extend(&found.members);
        }
        found
    }

    /// Signals these of them. Returns those that were there to be signalled.
    fn signal(&self, members: &BTreeSet<Incarnation>, signal: Signal) -> BTreeSet<Incarnation> {
        let is_sent = |process: &Incarnation| self.with_run(|run| process::signal(*process, run, signal));
        members.iter().copied().filter(is_sent).collect()
    }

    fn with_run<T>(&self, ask: impl FnOnce(&Run<'_>) -> T) -> T {
        ask(&Run { mark: &self.mark, leader: self.leader, supervisor: self.supervisor, known: &self.known })
    }
}
