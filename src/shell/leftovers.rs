//! What a run leaves behind in sessions of its own.
//!
//! The CLI starts each Bash call with `setsid`, so its process group does not contain them, and not even SIGKILL of the
//! group reaches them (measured). Every descendant inherits `AGENT_DISPATCH_JOB`, which names it whoever its parent is.
//!
//! Where the system has no `/proc` as Linux has it nothing is found, and only the process group is ended.

use std::collections::BTreeSet;

use rustix::process::Signal;

use super::environment;
use crate::machines::ids::JobId;

/// How often the processes are searched for: one may start another meanwhile, which the next pass ends. A tree that still
/// grows after this many passes is a fork bomb, and the group's SIGKILL has to do.
const PASSES: usize = 16;

/// Ends every process that carries the job's id in its environment. Returns how many that were.
#[must_use]
pub fn end_all(job: &JobId) -> usize {
    let mut ended = BTreeSet::new();
    for _ in 0..PASSES {
        let before = ended.len();
        ended.extend(find(job).into_iter().filter(|pid| signal(*pid, job, Signal::KILL)));
        if ended.len() == before {
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
    let leads = |pid| group_and_session(pid).is_some_and(|(group, session)| group == pid && session != pid);
    cfg!(target_os = "linux").then(|| find(job).into_iter().any(leads))
}

/// The process ids of those that carry the job's id.
#[must_use]
pub fn find(job: &JobId) -> Vec<i32> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let (wanted, own) = (mark(job), i32::try_from(std::process::id()).unwrap_or_default());
    let pids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| *pid != own && carries(*pid, &wanted)).collect()
}

/// The ids of a process's group and session. In a PID namespace the id of a leader outside of it is 0, which is no `Pid`:
/// the system calls' wrappers cannot say it, the file can. See proc(5), `/proc/pid/stat`.
fn group_and_session(pid: i32) -> Option<(i32, i32)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program may hold anything, a closing parenthesis too: the fields begin after the last one.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(2).map(str::parse);
    Some((fields.next()?.ok()?, fields.next()?.ok()?))
}

/// The variable that names the job, as it stands in an environment.
fn mark(job: &JobId) -> String {
    format!("{}={job}", environment::JOB)
}

/// Whether the process was started with that variable. Other users' processes cannot be read and are not ours.
fn carries(pid: i32, wanted: &str) -> bool {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
}

/// Sends a signal through a process handle, so that a reused id is never hit: the handle is opened first, then the process
/// is looked at again.
#[cfg(target_os = "linux")]
fn signal(pid: i32, job: &JobId, signal: Signal) -> bool {
    use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};

    let Some(Ok(handle)) = Pid::from_raw(pid).map(|pid| pidfd_open(pid, PidfdFlags::empty())) else { return false };
    carries(pid, &mark(job)) && pidfd_send_signal(handle, signal).is_ok()
}

/// Without handles of processes an id may be another's by now: nothing is sent.
#[cfg(not(target_os = "linux"))]
const fn signal(_pid: i32, _job: &JobId, _signal: Signal) -> bool {
    false
}
