//! Processes, as the kernel of macOS tells them. It hides the environment of the programs that Apple signs: such a process
//! belongs to a run by its ancestors.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::table;
use crate::machines::kinship::{Mark, Process, Roots, members};
use crate::os::process::{self, Found, Incarnation, Program, Run, SUPERVISE, Shown};
use crate::os::reading::kinfo::Row;
use crate::os::reading::lsof;
use crate::os::reading::procargs::Block;
use crate::os::tool;

/// How much older than the process that leads a run another one of it may look, in microseconds: starts are told by the clock,
/// which may have been set back in between. What is older is not looked at: most processes of a user are as old as the login.
const CLOCK_SLACK: u64 = 3_600_000_000;
/// Microseconds of a second.
const SECOND: u64 = 1_000_000;
/// How long after the start of a program its file may change and still be the one that runs, in seconds: macOS notes at the
/// first start of a new file where it came from.
const FIRST_START_SECONDS: u64 = 10;
/// How often to look whether a process has become another program. That takes a millisecond or so.
const EXEC_LOOK: Duration = Duration::from_millis(1);

pub fn find(run: &Run<'_>) -> Found {
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let rows = table::of_user().unwrap_or_default();
    let lives = |process: &Incarnation| rows.iter().any(|row| row.incarnation() == *process);
    let known = run.known.iter().filter(|process| lives(process)).map(|process| process.pid).collect::<BTreeSet<_>>();
    // Its group may outlive it: then no process has its id.
    let leader = run.leader.filter(|leader| lives(leader) || !rows.iter().any(|row| row.pid == leader.pid));
    let oldest = run.leader.map_or(0, |leader| leader.started.saturating_sub(CLOCK_SLACK));
    let (mut processes, mut bare) = (Vec::new(), Vec::new());
    for row in rows.iter().filter(|row| row.pid != own && row.started >= oldest) {
        let start = table::start_of(row.pid);
        let mark = mark(start.as_deref(), run.mark);
        processes.push(Process {
            pid: row.pid,
            parent: row.parent,
            group: row.group,
            session: process::session_of(row.pid),
            mark,
        });
        if start.is_none() {
            bare.push(row.pid);
        }
    }
    // One that lives and does not supervise has the id by now.
    let supervises = |pid: i32| {
        let start = table::start_of(pid).unwrap_or_default();
        Block::read(&start).is_some_and(|block| block.arguments.contains(&SUPERVISE.as_bytes()))
    };
    let is_there = |pid: i32| rows.iter().any(|row| row.pid == pid);
    let supervisor = run.supervisor.filter(|pid| *pid == own || !is_there(*pid) || supervises(*pid));
    let pids = members(&processes, &Roots { leader: leader.map(|leader| leader.pid), supervisor, known });
    bare.retain(|pid| !pids.contains(pid));
    Found { members: rows.iter().filter(|row| pids.contains(&row.pid)).map(Row::incarnation).collect(), bare }
}

/// What is seen of the mark, by what a process was started with.
fn mark(start: Option<&[u8]>, mark: &str) -> Mark {
    match start.and_then(Block::read).and_then(|block| block.has(mark)) {
        Some(true) => Mark::Own,
        Some(false) => Mark::Foreign,
        None => Mark::Hidden,
    }
}

/// For a moment nothing is told of a process that is becoming another program; who reads it then takes it for none of the run.
pub fn await_program(bare: &[i32], deadline: Instant) -> bool {
    let own = i32::try_from(std::process::id()).ok().and_then(table::of_id);
    let Some(own) = own.filter(|_| !bare.is_empty() && Instant::now() < deadline) else { return false };
    let may_begin = |pid: &&i32| table::of_id(**pid).is_some_and(|row| !row.has_ended && row.started >= own.started);
    let beginning = bare.iter().filter(may_begin).collect::<Vec<_>>();
    while !beginning.is_empty() && Instant::now() < deadline {
        if beginning.iter().any(|pid| table::start_of(**pid).is_some()) {
            break;
        }
        thread::sleep(EXEC_LOOK);
    }
    !beginning.is_empty()
}

/// By its id, after a look at the moment of its start: macOS has no handles of processes.
pub fn signal(process: Incarnation, _run: &Run<'_>, signal: Signal) -> bool {
    let is_same = table::of_id(process.pid).is_some_and(|row| row.incarnation() == process && !row.has_ended);
    is_same && Pid::from_raw(process.pid).is_some_and(|pid| kill_process(pid, signal).is_ok())
}

/// By its mark; where that is hidden, because claude is started by a script for one of Apple's shells, by the note of it.
pub fn leader_lives(run: &Run<'_>) -> Option<bool> {
    let rows = table::of_user()?;
    let leads = |row: &&Row| row.group == row.pid && !row.leads_session;
    let is_marked = |row: &Row| mark(table::start_of(row.pid).as_deref(), run.mark) == Mark::Own;
    if rows.iter().filter(leads).any(is_marked) {
        return Some(true);
    }
    run.leader.map(|leader| rows.iter().any(|row| row.incarnation() == leader))
}

pub fn leader(run: &Run<'_>) -> Option<Incarnation> {
    let session = run.supervisor?;
    let leads = |row: &Row| row.group == row.pid && !row.leads_session && process::session_of(row.pid) == Some(session);
    table::of_user()?.iter().find(|row| leads(row)).map(Row::incarnation)
}

pub const fn shows_marks() -> bool {
    false
}

pub fn to_note(pid: i32) -> Option<Incarnation> {
    table::of_id(pid).as_ref().map(Row::incarnation)
}

pub fn terminate_holder(pid: Pid, argument: &OsStr) -> bool {
    let id = pid.as_raw_nonzero().get();
    let incarnation = || table::of_id(id).as_ref().map(Row::incarnation);
    let before = incarnation();
    let start = table::start_of(id).unwrap_or_default();
    let is_named = Block::read(&start).is_some_and(|block| block.arguments.contains(&argument.as_bytes()));
    // It is still the process whose arguments were looked at.
    is_named && before.is_some() && incarnation() == before && kill_process(pid, Signal::TERM).is_ok()
}

pub fn of_user(wanted: &dyn Fn(&[OsString]) -> bool) -> Option<Vec<Shown>> {
    let rows = table::of_user()?;
    let mut shown = rows.iter().filter_map(|row| shown(row, wanted)).collect::<Vec<_>>();
    shown.sort_by_key(|process| process.pid);
    let mut directories = lsof::directories(&ask_lsof(&shown));
    for process in &mut shown {
        process.directory = directories.remove(&process.pid);
    }
    Some(shown)
}

fn shown(row: &Row, wanted: &dyn Fn(&[OsString]) -> bool) -> Option<Shown> {
    let start = table::start_of(row.pid)?;
    let block = Block::read(&start)?;
    let arguments = block.arguments.iter().map(|argument| OsString::from_vec(argument.to_vec())).collect::<Vec<_>>();
    wanted(&arguments).then(|| Shown {
        pid: row.pid,
        arguments,
        program: program(PathBuf::from(OsStr::from_bytes(block.program)), row.started),
        environment: block.environment.map(<[u8]>::to_vec),
        directory: None,
    })
}

/// By its path, as it was given: a relative one says nothing to us, for it began in a directory that the process may have
/// left. What was put there since is another program.
fn program(path: PathBuf, started: u64) -> Option<Program> {
    let changed = fs::metadata(&path).map(|metadata| u64::try_from(metadata.ctime()).unwrap_or_default());
    let is_same = changed.is_ok_and(|changed| changed <= (started / SECOND).saturating_add(FIRST_START_SECONDS));
    path.is_absolute().then(|| Program { gone: !is_same, again: is_same.then(|| path.clone()), path })
}

/// Their current directories; without `lsof`, which is part of macOS, nothing.
fn ask_lsof(processes: &[Shown]) -> String {
    if processes.is_empty() {
        return String::new();
    }
    let ids = processes.iter().map(|process| process.pid.to_string()).collect::<Vec<_>>().join(",");
    let mut command = Command::new("/usr/sbin/lsof");
    let output = tool::output(command.args(lsof::OPTIONS).arg(ids), tool::LIMIT);
    let output = output.inspect_err(|error| tracing::debug!(%error, "lsof tells no directories"));
    String::from_utf8_lossy(&output.unwrap_or_default()).into_owned()
}
