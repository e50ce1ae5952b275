//! Processes as `/proc` shows them. Where it is not mounted, as in some containers, what is portable has to do.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::os::posix;
use crate::os::process::{Found, Incarnation, Program, Run, Shown};
use crate::os::reading::stat::Stat;

/// How often to look whether a process has become another program. That takes microseconds, and longer where the machine is
/// busy.
const EXEC_LOOK: Duration = Duration::from_millis(1);
/// What the kernel adds to the name of a program whose file is gone.
const DELETED: &[u8] = b" (deleted)";

pub fn find(run: &Run<'_>) -> Found {
    if !has_proc() {
        return posix::process::find(run);
    }
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let mut found = Found::default();
    for pid in pids().filter(|pid| *pid != own) {
        // Other users' processes cannot be read and are not ours.
        let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { continue };
        if environment.is_empty() {
            found.bare.push(pid);
        } else if names(&environment, run.mark)
            && let Some(stat) = Stat::of(pid)
        {
            found.members.insert(Incarnation { pid, started: stat.started });
        }
    }
    found
}

pub fn await_program(bare: &[i32], deadline: Instant) -> bool {
    if !has_proc() {
        return posix::process::await_program(bare, deadline);
    }
    let Some(own) = Stat::of("self").filter(|_| !bare.is_empty() && Instant::now() < deadline) else { return false };
    let may_begin = |pid: &&i32| Stat::of(pid).is_some_and(|stat| stat.may_begin_a_program(&own));
    let beginning = bare.iter().filter(may_begin).collect::<Vec<_>>();
    while !beginning.is_empty() && Instant::now() < deadline {
        if beginning.iter().any(|pid| !environment_of(**pid).is_empty()) {
            break;
        }
        thread::sleep(EXEC_LOOK);
    }
    !beginning.is_empty()
}

/// Through a process handle, so that a reused id is never hit: the handle is opened first, then the process is looked at
/// again. Where there are no handles, as before Linux 5.3, the second look is the last moment.
pub fn signal(process: Incarnation, run: &Run<'_>, signal: Signal) -> bool {
    if !has_proc() {
        return posix::process::signal(process, run, signal);
    }
    let Some(pid) = Pid::from_raw(process.pid) else { return false };
    send(pid, signal, || names(&environment_of(process.pid), run.mark))
}

pub fn leader_lives(run: &Run<'_>) -> Option<bool> {
    let leads = |process: &Incarnation| {
        Stat::of(process.pid).is_some_and(|stat| stat.group == process.pid && stat.session != process.pid)
    };
    if has_proc() { Some(find(run).members.iter().any(leads)) } else { posix::process::leader_lives(run) }
}

/// By their marks they are all found, with no note.
pub fn leader(run: &Run<'_>) -> Option<Incarnation> {
    if has_proc() { None } else { posix::process::leader(run) }
}

pub fn shows_marks() -> bool {
    has_proc() || posix::process::shows_marks()
}

/// Whether `/proc` is mounted.
fn has_proc() -> bool {
    static SHOWN: OnceLock<bool> = OnceLock::new();
    *SHOWN.get_or_init(|| Path::new("/proc/self/environ").exists())
}

pub fn to_note(pid: i32) -> Option<Incarnation> {
    if has_proc() { None } else { posix::process::to_note(pid) }
}

/// The handle is opened before the command line is looked at, so that a reused process id is never hit.
pub fn terminate_holder(pid: Pid, argument: &OsStr) -> bool {
    if !has_proc() {
        return posix::process::terminate_holder(pid, argument);
    }
    let is_named = || arguments_of(pid.as_raw_nonzero().get()).iter().any(|other| other == argument);
    send(pid, Signal::TERM, is_named)
}

/// Sends a signal to the process of this id, if it is the one meant.
fn send(pid: Pid, signal: Signal, is_meant: impl FnOnce() -> bool) -> bool {
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(handle) => is_meant() && pidfd_send_signal(handle, signal).is_ok(),
        Err(rustix::io::Errno::SRCH) => false,
        // No handle is to be had: an old kernel, a container that refuses the call, no file descriptor left.
        Err(_) => is_meant() && rustix::process::kill_process(pid, signal).is_ok(),
    }
}

pub fn of_user(wanted: &dyn Fn(&[OsString]) -> bool) -> Option<Vec<Shown>> {
    if !has_proc() {
        return posix::process::of_user(wanted);
    }
    let own = rustix::process::getuid().as_raw();
    let is_own = |pid: &i32| fs::metadata(format!("/proc/{pid}")).is_ok_and(|metadata| metadata.uid() == own);
    let mut shown = pids()
        .filter(is_own)
        .filter_map(|pid| {
            let arguments = arguments_of(pid);
            wanted(&arguments).then(|| Shown {
                pid,
                arguments,
                program: program_of(pid),
                environment: fs::read(format!("/proc/{pid}/environ")).ok(),
                directory: fs::read_link(format!("/proc/{pid}/cwd")).ok(),
            })
        })
        .collect::<Vec<_>>();
    shown.sort_by_key(|process| process.pid);
    Some(shown)
}

fn program_of(pid: i32) -> Option<Program> {
    let again = PathBuf::from(format!("/proc/{pid}/exe"));
    let path = fs::read_link(&again).ok()?;
    let (path, gone) = match path.as_os_str().as_bytes().strip_suffix(DELETED) {
        Some(path) => (PathBuf::from(OsStr::from_bytes(path)), true),
        None => (path, false),
    };
    Some(Program { path, gone, again: Some(again) })
}

fn pids() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn arguments_of(pid: i32) -> Vec<OsString> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0).map(|argument| OsString::from_vec(argument.to_vec())).collect()
}

/// What the process was started with.
fn environment_of(pid: i32) -> Vec<u8> {
    fs::read(format!("/proc/{pid}/environ")).unwrap_or_default()
}

fn names(environment: &[u8], wanted: &str) -> bool {
    environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
}
