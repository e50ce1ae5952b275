//! Looks at the processes of this machine.

use std::fs;
use std::path::Path;
use std::process::{Child, ExitStatus};

use rustix::process::{Pid, Signal, kill_process};

use super::until;

/// Does the process live? A zombie does not.
pub fn alive(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        stat.rsplit(')').next().is_some_and(|rest| !matches!(rest.trim_start().chars().next(), None | Some('Z' | 'X')))
    })
}

/// The processes that were started with this variable in their environment and still live.
pub fn with_variable(variable: &str) -> Vec<i32> {
    let own = i32::try_from(std::process::id()).unwrap();
    let pids = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| *pid != own && carries(*pid, variable) && alive(*pid)).collect()
}

fn carries(pid: i32, variable: &str) -> bool {
    fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|environment| environment.split(|byte| *byte == 0).any(|entry| entry == variable.as_bytes()))
}

/// The command line, for messages and to tell supervisors from claudes.
pub fn command_line(pid: i32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ").chars().take(200).collect()
}

/// Signals a process; one that is gone is no error.
pub fn signal(pid: i32, signal: Signal) {
    let _ = kill_process(Pid::from_raw(pid).unwrap(), signal);
}

/// The process id that a scene wrote to `path`.
pub fn pid_in(path: &Path) -> i32 {
    until("a pid file", || fs::read_to_string(path).ok()?.trim().parse().ok())
}

/// Waits for the end of a child.
pub fn ended(child: &mut Child) -> ExitStatus {
    until("the end of a process", || child.try_wait().unwrap())
}
