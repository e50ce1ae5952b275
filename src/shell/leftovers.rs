//! What a run leaves behind in sessions of its own.
//!
//! The CLI starts each Bash call with `setsid`, so its process group does not contain them, and not even SIGKILL of the
//! group reaches them (measured). Every descendant inherits `AGENT_DISPATCH_JOB`, which names it whoever its parent is.

use crate::machines::ids::JobId;

/// Ends every process that carries the job's id in its environment. Returns how many that were.
///
/// Where the system has no `/proc` nothing is found, and only the process group is ended.
#[must_use]
pub fn end_all(job: &JobId) -> usize {
    #[cfg(target_os = "linux")]
    return linux::end_all(job);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = job;
        0
    }
}

/// Asks every process that carries the job's id to leave. Returns how many that were.
#[must_use]
pub fn terminate_all(job: &JobId) -> usize {
    #[cfg(target_os = "linux")]
    return linux::terminate_all(job);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = job;
        0
    }
}

/// Whether the process lives that the run was started as: it leads a group, but no session, unlike whatever it puts into
/// a session of its own. `None` where the system cannot tell.
#[must_use]
pub fn leads(job: &JobId) -> Option<bool> {
    #[cfg(target_os = "linux")]
    return Some(linux::leads(job));
    #[cfg(not(target_os = "linux"))]
    {
        let _ = job;
        None
    }
}

/// Their process ids.
#[must_use]
pub fn find(job: &JobId) -> Vec<i32> {
    #[cfg(target_os = "linux")]
    return linux::find(job);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = job;
        Vec::new()
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeSet;

    use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

    use crate::machines::ids::JobId;
    use crate::shell::environment;

    /// A process may start another while we look; each pass ends what the last one missed. A tree that still grows after
    /// this many passes is a fork bomb, and the group's SIGKILL has to do.
    const PASSES: usize = 16;

    pub fn end_all(job: &JobId) -> usize {
        let mut ended = BTreeSet::new();
        for _ in 0..PASSES {
            let found = find(job);
            let fresh = found.iter().filter(|pid| end(**pid, job)).copied().collect::<Vec<_>>();
            let before = ended.len();
            ended.extend(fresh);
            if ended.len() == before {
                break;
            }
        }
        ended.len()
    }

    pub fn terminate_all(job: &JobId) -> usize {
        find(job).into_iter().filter(|pid| signal(*pid, job, Signal::TERM)).count()
    }

    pub fn leads(job: &JobId) -> bool {
        find(job)
            .into_iter()
            .any(|pid| group_and_session(pid).is_some_and(|(group, session)| group == pid && session != pid))
    }

    /// The ids of a process's group and session. In a PID namespace the id of a leader outside of it is 0, which is no
    /// `Pid`: the system calls' wrappers cannot say it, the file can. See proc(5), `/proc/pid/stat`.
    fn group_and_session(pid: i32) -> Option<(i32, i32)> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name of the program may hold anything, a closing parenthesis too: the fields begin after the last one.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(2).map(str::parse);
        Some((fields.next()?.ok()?, fields.next()?.ok()?))
    }

    pub fn find(job: &JobId) -> Vec<i32> {
        let wanted = format!("{}={job}", environment::JOB);
        let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
        let own = i32::try_from(std::process::id()).unwrap_or_default();
        processes
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
            .filter(|pid| *pid != own && carries(*pid, wanted.as_bytes()))
            .collect()
    }

    /// Whether the process was started with that variable. Other users' processes cannot be read and are not ours.
    fn carries(pid: i32, wanted: &[u8]) -> bool {
        std::fs::read(format!("/proc/{pid}/environ"))
            .is_ok_and(|environment| environment.split(|byte| *byte == 0).any(|variable| variable == wanted))
    }

    fn end(pid: i32, job: &JobId) -> bool {
        signal(pid, job, Signal::KILL)
    }

    /// A signal through a process handle, so that a reused id is never hit: the handle is opened first, then the process
    /// is looked at again.
    fn signal(pid: i32, job: &JobId, signal: Signal) -> bool {
        let Some(raw) = Pid::from_raw(pid) else { return false };
        let Ok(handle) = pidfd_open(raw, PidfdFlags::empty()) else { return false };
        let wanted = format!("{}={job}", environment::JOB);
        carries(pid, wanted.as_bytes()) && pidfd_send_signal(handle, signal).is_ok()
    }
}
