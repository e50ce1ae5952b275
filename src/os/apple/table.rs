//! The processes of the user, and what each was started with, as the kernel tells them by `sysctl`.

use sysctl::{Ctl, CtlValue, Sysctl};

use crate::os::process::Incarnation;
use crate::os::reading::kinfo::{Row, rows};

/// `CTL_KERN` of `sys/sysctl.h`.
const KERNEL: i32 = 1;
/// `KERN_PROC`.
const PROCESSES: i32 = 14;
/// `KERN_PROC_PID`: the process of an id.
const OF_ID: i32 = 1;
/// `KERN_PROC_UID`: the processes with the rights of a user.
const OF_USER: i32 = 5;
/// `KERN_PROCARGS2`: what a process was started with.
const ARGUMENTS: i32 = 49;
/// How often the list is asked for: it fails when more processes begin between the question for its size and the list than the
/// kernel leaves room for, which are five.
const ATTEMPTS: usize = 4;

impl Row {
    /// The process, told from a later one of the same id.
    pub const fn incarnation(&self) -> Incarnation {
        Incarnation { pid: self.pid, started: self.started }
    }
}

/// Those of the user that have not ended; `None` where the kernel does not tell.
pub fn of_user() -> Option<Vec<Row>> {
    // No id of a user is beyond this in the calls of the kernel.
    let user = rustix::process::geteuid().as_raw().cast_signed();
    let array = (0..ATTEMPTS).find_map(|_| ask(&[KERNEL, PROCESSES, OF_USER, user]));
    if array.is_none() {
        tracing::warn!("the kernel lists no processes: only process groups are ended");
    }
    let living = rows(&array?).into_iter().filter(|row| !row.has_ended);
    Some(living.collect::<Vec<_>>()).filter(|rows| !rows.is_empty())
}

/// The process of this id, also one that has ended and was not waited for.
pub fn of_id(pid: i32) -> Option<Row> {
    rows(&ask(&[KERNEL, PROCESSES, OF_ID, pid])?).into_iter().find(|row| row.pid == pid)
}

/// The block that [`Block`](crate::os::reading::procargs::Block) reads. `None` for a process of somebody else, one that has
/// ended, and one that is becoming another program.
pub fn start_of(pid: i32) -> Option<Vec<u8>> {
    ask(&[KERNEL, ARGUMENTS, pid])
}

fn ask(name: &[i32]) -> Option<Vec<u8>> {
    match Ctl::Oid(name.to_vec()).value() {
        Ok(CtlValue::Node(bytes) | CtlValue::Struct(bytes)) => Some(bytes),
        Ok(_) | Err(_) => None,
    }
}
