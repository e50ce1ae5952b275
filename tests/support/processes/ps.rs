//! Processes as the `ps` of macOS shows them, which nothing of the program uses there.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;
use sysctl::{Ctl, CtlValue, Sysctl};

/// Does the process live? A zombie does not.
pub fn alive(pid: i32) -> bool {
    let state = column(pid, "stat=");
    !state.is_empty() && !state.starts_with('Z')
}

/// The processes that have this variable in their environment.
pub fn with_variable(variable: &str) -> Vec<i32> {
    family(|line| line.split(' ').any(|word| word == variable))
}

/// The processes whose environment has this text.
pub fn with_text(text: &str) -> Vec<i32> {
    family(|line| line.contains(text))
}

/// Those whose line is meant, and what descends from them: the environment of the programs that Apple signs is hidden.
fn family(is_meant: impl Fn(&str) -> bool) -> Vec<i32> {
    let listed = ps(&["-A", "-E", "-ww", "-o", "pid=", "-o", "ppid=", "-o", "command="]);
    let rows = listed.lines().filter_map(|line| {
        let (pid, rest) = line.trim_start().split_once(' ')?;
        let (parent, line) = rest.trim_start().split_once(' ')?;
        Some((pid.parse::<i32>().ok()?, parent.parse::<i32>().ok()?, line))
    });
    let rows = rows.collect::<Vec<_>>();
    // Not the ps itself, whose parent is this test, and not the test.
    let own = i32::try_from(std::process::id()).unwrap();
    let mut family =
        rows.iter().filter(|row| row.0 != own && is_meant(row.2)).map(|row| row.0).collect::<BTreeSet<_>>();
    loop {
        let children = rows.iter().filter(|row| family.contains(&row.1)).map(|row| row.0).collect::<Vec<_>>();
        let before = family.len();
        family.extend(children);
        if family.len() == before {
            return family.into_iter().collect();
        }
    }
}

/// The command line; empty for one that has ended.
pub fn command_line(pid: i32) -> String {
    if alive(pid) { column(pid, "command=") } else { String::new() }
}

/// The parent.
pub fn parent(pid: i32) -> Option<i32> {
    column(pid, "ppid=").parse().ok()
}

/// The process group.
pub fn group(pid: i32) -> Option<i32> {
    column(pid, "pgid=").parse().ok()
}

/// Processor time that a process has used, in seconds: `ps` says minutes and seconds with two decimals.
pub fn seconds_used(pid: i32) -> f64 {
    let time = column(pid, "time=");
    time.split(':').map(|part| part.parse::<f64>().unwrap()).fold(0.0, |sum, part| sum * 60.0 + part)
}

/// Whether the process has a handler for the signal. No `ps` tells; `p_sigcatch` of `struct kinfo_proc` does.
pub fn catches(pid: i32, signal: Signal) -> bool {
    // Where it is in the record, by the declarations of xnu, and how one process is asked for: kern.proc.pid.
    const CAUGHT: usize = 236;
    let Ok(CtlValue::Node(record)) = Ctl::Oid(vec![1, 14, 1, pid]).value() else { return false };
    let caught = record.get(CAUGHT..).and_then(|bytes| bytes.first_chunk()).copied().map_or(0, u32::from_ne_bytes);
    caught & (1 << (signal.as_raw() - 1)) != 0
}

/// The file that its standard error goes to.
pub fn stderr_of(pid: i32) -> Option<PathBuf> {
    let output =
        Command::new("/usr/sbin/lsof").args(["-a", "-d", "2", "-Fn", "-p", &pid.to_string()]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).lines().find_map(|line| line.strip_prefix('n')).map(PathBuf::from)
}

fn column(pid: i32, name: &str) -> String {
    ps(&["-ww", "-o", name, "-p", &pid.to_string()]).trim().to_owned()
}

fn ps(arguments: &[&str]) -> String {
    let output = Command::new("ps").args(arguments).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}
