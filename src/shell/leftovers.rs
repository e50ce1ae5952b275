//! What a run leaves behind in sessions of its own.
//!
//! The CLI starts each Bash call with `setsid`, so its process group does not contain them, and not even SIGKILL of the
//! group reaches them (measured). Every descendant inherits `AGENT_DISPATCH_JOB`, which names it whoever its parent is.
//!
//! Where the system has no `/proc` as Linux has it nothing is found, and only the process group is ended.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::environment;
use crate::machines::ids::JobId;

/// How often the processes are searched for: one may start another meanwhile, which the next pass ends. A tree that still
/// grows after this many passes is a fork bomb, and the group's SIGKILL has to do.
const PASSES: usize = 16;
/// How long to wait for a process that is about to become another program: until it is, it shows no environment. That takes
/// microseconds, and longer where the machine is busy.
const EXEC_WAIT: Duration = Duration::from_millis(20);
/// How often to look again meanwhile.
const EXEC_LOOK: Duration = Duration::from_millis(1);

/// Ends every process that carries the job's id in its environment. Returns how many that were.
#[must_use]
pub fn end_all(job: &JobId) -> usize {
    let mut ended = BTreeSet::new();
    let deadline = Instant::now() + EXEC_WAIT;
    for _ in 0..PASSES {
        let before = ended.len();
        let (marked, bare) = look(job);
        ended.extend(marked.into_iter().filter(|pid| signal(*pid, job, Signal::KILL)));
        if ended.len() == before && !began(&bare, deadline) {
            break;
        }
    }
    ended.len()
}

/// Asks every process that carries the job's id to leave. Returns how many that were.
#[must_use]
pub fn terminate_all(job: &JobId) -> usize {
    find(job).into_iter().filter(|pid| signal(*pid, job, Signal::TERM)).count()
}

/// Whether the process lives that the run was started as: it leads a group, but no session, unlike whatever it puts into
/// a session of its own. `None` where the system cannot tell.
#[must_use]
pub fn leads(job: &JobId) -> Option<bool> {
    let leads = |pid: i32| stat(pid).is_some_and(|stat| stat.group == pid && stat.session != pid);
    cfg!(target_os = "linux").then(|| find(job).into_iter().any(leads))
}

/// The process ids of those that carry the job's id.
#[must_use]
pub fn find(job: &JobId) -> Vec<i32> {
    look(job).0
}

/// The processes that carry the job's id, and those that show no environment.
fn look(job: &JobId) -> (Vec<i32>, Vec<i32>) {
    let (wanted, own) = (mark(job), i32::try_from(std::process::id()).unwrap_or_default());
    let (mut marked, mut bare) = (Vec::new(), Vec::new());
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    for pid in entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(|pid| *pid != own) {
        let Ok(environment) = std::fs::read(format!("/proc/{pid}/environ")) else { continue };
        if environment.is_empty() {
            bare.push(pid);
        } else if names(&environment, &wanted) {
            marked.push(pid);
        }
    }
    (marked, bare)
}

/// Waits until one of these processes has become another program, or for nothing until the deadline. False where none of
/// them is about to, or the deadline has passed before: there is no more to find.
fn began(bare: &[i32], deadline: Instant) -> bool {
    let Some(own) = stat("self").filter(|_| !bare.is_empty() && Instant::now() < deadline) else { return false };
    let may_begin = |pid: &&i32| stat(pid).is_some_and(|stat| stat.may_begin_a_program(&own));
    let beginning = bare.iter().filter(may_begin).collect::<Vec<_>>();
    while !beginning.is_empty() && Instant::now() < deadline {
        if beginning.iter().any(|pid| !environment_of(**pid).is_empty()) {
            break;
        }
        thread::sleep(EXEC_LOOK);
    }
    !beginning.is_empty()
}

/// What `/proc/pid/stat` says of a process, see proc(5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    is_zombie: bool,
    /// In a PID namespace the id of a leader outside of it is 0, which is no `Pid`: the system calls' wrappers cannot say it.
    group: i32,
    session: i32,
    is_of_the_kernel: bool,
    started: u64,
}

impl Stat {
    /// Reads the text of the file; `None` for what is none.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        // The name of the program may hold anything, a closing parenthesis too: the fields begin after the last one.
        let fields = text.rsplit_once(')')?.1.split_whitespace().collect::<Vec<_>>();
        let number = |field: usize| fields.get(field)?.parse::<u64>().ok();
        Some(Self {
            is_zombie: fields.first() == Some(&"Z"),
            group: fields.get(2)?.parse().ok()?,
            session: fields.get(3)?.parse().ok()?,
            // PF_KTHREAD
            is_of_the_kernel: number(6)? & 0x0020_0000 != 0,
            started: number(19)?,
        })
    }

    /// Whether a process that shows no environment may be between two programs, as a child of a run may be that `own`
    /// supervises: an older one is none.
    #[must_use]
    pub const fn may_begin_a_program(&self, own: &Self) -> bool {
        !self.is_zombie && !self.is_of_the_kernel && self.started >= own.started
    }
}

fn stat(pid: impl std::fmt::Display) -> Option<Stat> {
    Stat::read(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The variable that names the job, as it stands in an environment.
fn mark(job: &JobId) -> String {
    format!("{}={job}", environment::JOB)
}

/// What the process was started with. Other users' processes cannot be read and are not ours.
fn environment_of(pid: i32) -> Vec<u8> {
    std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default()
}

fn names(environment: &[u8], wanted: &str) -> bool {
    environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
}

/// Sends a signal through a process handle, so that a reused id is never hit: the handle is opened first, then the process
/// is looked at again.
#[cfg(target_os = "linux")]
fn signal(pid: i32, job: &JobId, signal: Signal) -> bool {
    use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};

    let Some(Ok(handle)) = Pid::from_raw(pid).map(|pid| pidfd_open(pid, PidfdFlags::empty())) else { return false };
    names(&environment_of(pid), &mark(job)) && pidfd_send_signal(handle, signal).is_ok()
}

/// Without handles of processes an id may be another's by now: nothing is sent.
#[cfg(not(target_os = "linux"))]
const fn signal(_pid: i32, _job: &JobId, _signal: Signal) -> bool {
    false
}
