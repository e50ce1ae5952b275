//! Processes, as `ps` shows them: no environment, and an age in seconds. A process belongs to a run by its ancestors.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::process::{Pid, Signal};

use crate::machines::kinship::{Mark, Process, Roots, members};
use crate::os::process::{self, Found, Incarnation, Program, Run, SUPERVISE, Shown};
use crate::os::reading::ps::{BLUR_SECONDS, COLUMNS, Row};
use crate::os::tool;

pub fn find(run: &Run<'_>) -> Found {
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let table = Table::read().unwrap_or_default();
    let rows = &table.rows;
    let lives = |process: &Incarnation| table.has(*process);
    let known = run.known.iter().filter(|process| lives(process)).map(|process| process.pid).collect::<BTreeSet<_>>();
    // Its group may outlive it: then no process has its id.
    let leader = run.leader.filter(|leader| lives(leader) || !rows.iter().any(|row| row.pid == leader.pid));
    let processes = rows.iter().filter(|row| row.pid != own).map(as_process).collect::<Vec<_>>();
    let supervisor =
        run.supervisor.filter(|pid| *pid == own || !rows.iter().any(|row| row.pid == *pid && !supervises(row)));
    let pids = members(&processes, &Roots { leader: leader.map(|leader| leader.pid), supervisor, known });
    let found = rows.iter().filter(|row| pids.contains(&row.pid));
    Found { members: found.map(|row| Incarnation { pid: row.pid, started: row.started }).collect(), bare: Vec::new() }
}

fn as_process(row: &Row) -> Process {
    let mark = if supervises(row) { Mark::Foreign } else { Mark::Hidden };
    Process { pid: row.pid, parent: row.parent, group: row.group, session: process::session_of(row.pid), mark }
}

fn supervises(row: &Row) -> bool {
    row.arguments.split(' ').nth(1) == Some(SUPERVISE)
}

/// No process is seen between two programs.
pub const fn await_program(_bare: &[i32], _deadline: Instant) -> bool {
    false
}

/// It was seen a moment ago, and an id is not given anew so soon.
pub fn signal(process: Incarnation, _run: &Run<'_>, signal: Signal) -> bool {
    Pid::from_raw(process.pid).is_some_and(|pid| rustix::process::kill_process(pid, signal).is_ok())
}

pub fn leader_lives(run: &Run<'_>) -> Option<bool> {
    let table = Table::read()?;
    if table.leader(run).is_some() {
        return Some(true);
    }
    // Whoever is told that it is gone starts another one: a doubt about when it was started is no proof of that.
    let leader = run.leader?;
    Some(table.rows.iter().any(|row| row.pid == leader.pid))
}

pub fn leader(run: &Run<'_>) -> Option<Incarnation> {
    let table = Table::read()?;
    table.leader(run).map(|row| Incarnation { pid: row.pid, started: row.started })
}

pub const fn shows_marks() -> bool {
    false
}

pub fn to_note(pid: i32) -> Option<Incarnation> {
    Some(Incarnation { pid, started: now() })
}

/// Without a look at its arguments the held lock is the only proof: its holder wrote its id there.
pub fn terminate_holder(pid: Pid, _argument: &OsStr) -> bool {
    rustix::process::kill_process(pid, Signal::TERM).is_ok()
}

pub fn of_user(wanted: &dyn Fn(&[OsString]) -> bool) -> Option<Vec<Shown>> {
    let rows = Table::read()?.rows;
    let own = i32::try_from(std::process::id()).ok()?;
    let user = rows.iter().find(|row| row.pid == own)?.user.clone();
    let shown = rows.iter().filter(|row| row.user == user).filter_map(|row| {
        let arguments = row.arguments.split(' ').map(OsString::from).collect::<Vec<_>>();
        wanted(&arguments).then(|| {
            let path = arguments.first().map(PathBuf::from);
            let program = path.map(|path| Program { gone: false, again: Some(path.clone()), path });
            Shown { pid: row.pid, arguments, program, environment: None, directory: None }
        })
    });
    let mut shown = shown.collect::<Vec<_>>();
    shown.sort_by_key(|process| process.pid);
    Some(shown)
}

/// Whether the processes can be listed.
#[cfg(any(feature = "portable", not(target_os = "linux")))]
pub fn can_list() -> bool {
    Table::read().is_some()
}

/// Now, in seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

/// All processes.
#[derive(Debug, Default)]
struct Table {
    rows: Vec<Row>,
    /// How far the start of one may be from what its row says, in seconds.
    blur: u64,
}

impl Table {
    /// `None` where there is no `ps`, or it cannot list them.
    fn read() -> Option<Self> {
        let began = now();
        let mut command = Command::new("ps");
        command.arg("-A").args(COLUMNS.into_iter().flat_map(|column| ["-o", column]));
        let output = tool::output(&mut command, tool::LIMIT);
        let output = output.inspect_err(
            |error| tracing::warn!(%error, "ps does not list the processes: only process groups are ended"),
        );
        let text = String::from_utf8_lossy(&output.ok()?).into_owned();
        // On a busy machine the list takes its time, and each age is of another moment.
        let blur = now().saturating_sub(began) + BLUR_SECONDS;
        let rows = text.lines().filter_map(|line| Row::read(line, began)).collect::<Vec<_>>();
        (!rows.is_empty()).then_some(Self { rows, blur })
    }

    /// The process that leads a group in the session of the supervisor.
    fn leader(&self, run: &Run<'_>) -> Option<&Row> {
        let session = run.supervisor?;
        let leads = |row: &&Row| row.pid == row.group && row.pid != session && !supervises(row);
        self.rows.iter().filter(leads).find(|row| process::session_of(row.pid) == Some(session))
    }

    fn has(&self, process: Incarnation) -> bool {
        let is_it = |row: &Row| row.pid == process.pid && row.started.abs_diff(process.started) <= self.blur;
        self.rows.iter().any(is_it)
    }
}
