//! Looks at the processes of this machine.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod ps;

use std::fs;
use std::path::Path;
use std::process::{Child, ExitStatus};

use rustix::process::{Pid, Signal, kill_process};

pub use look::{alive, catches, group, parent, seconds_used, stderr_of};

use super::until;
#[cfg(target_os = "linux")]
use linux as look;
#[cfg(not(target_os = "linux"))]
use ps as look;

/// The processes that were started with this variable in their environment and still live.
pub fn with_variable(variable: &str) -> Vec<i32> {
    let own = i32::try_from(std::process::id()).unwrap();
    look::with_variable(variable).into_iter().filter(|pid| *pid != own && alive(*pid)).collect()
}

/// The command lines of the processes whose environment has this text.
pub fn command_lines_with(text: &str) -> Vec<String> {
    look::with_text(text).into_iter().map(look::command_line).filter(|line| !line.is_empty()).collect()
}

/// The command line, for messages and to tell supervisors from claudes.
pub fn command_line(pid: i32) -> String {
    look::command_line(pid).chars().take(200).collect()
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
