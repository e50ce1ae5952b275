//! The processes that `kern.proc` of macOS lists: an array of `struct kinfo_proc`.
//!
//! The places of its fields are those of a 64-bit program: `struct user64_kinfo_proc` in xnu's `bsd/sys/sysctl.h` with
//! `struct user64_extern_proc` in `bsd/sys/proc_internal.h`; `KinfoProc` of golang.org/x/sys has the same for arm64 and amd64.

/// How long one is, in bytes.
pub const BYTES: usize = 648;

/// Where the seconds of `p_un.__p_starttime` begin: eight bytes.
const START_SECONDS: usize = 0;
/// Where its microseconds begin: four bytes, like all that follow but the state.
const START_MICROSECONDS: usize = 8;
/// `p_stat`, one byte.
const STATE: usize = 36;
/// `p_pid`.
const PID: usize = 40;
/// `e_ppid`.
const PARENT: usize = 560;
/// `e_pgid`.
const GROUP: usize = 564;
/// `e_flag`.
const FLAGS: usize = 612;

/// The state of a process that has ended and was not waited for, `SZOMB` in xnu's `bsd/sys/proc.h`.
const ENDED: u8 = 5;
/// The flag of a process that leads its session, `EPROC_SLEADER` in xnu's `bsd/sys/sysctl.h`.
const LEADS_SESSION: i32 = 0x02;
/// Microseconds of a second.
const SECOND: u64 = 1_000_000;

/// A process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Its id.
    pub pid: i32,
    /// The id of its parent.
    pub parent: i32,
    /// The id of its process group.
    pub group: i32,
    /// In microseconds since 1970, by the clock as it was then.
    pub started: u64,
    /// Whether it has ended and was not waited for.
    pub has_ended: bool,
    /// Whether it leads a session.
    pub leads_session: bool,
}

/// Reads an array of them. What is no whole one, at its end, is passed over, and so is one without a sensible start.
pub fn rows(array: &[u8]) -> Vec<Row> {
    array.chunks_exact(BYTES).filter_map(row).collect()
}

fn row(record: &[u8]) -> Option<Row> {
    let seconds = i64::from_ne_bytes(at(record, START_SECONDS)?);
    let microseconds = u64::try_from(number(record, START_MICROSECONDS)?).ok()?;
    Some(Row {
        pid: number(record, PID)?,
        parent: number(record, PARENT)?,
        group: number(record, GROUP)?,
        started: u64::try_from(seconds).ok()?.checked_mul(SECOND)?.checked_add(microseconds)?,
        has_ended: *record.get(STATE)? == ENDED,
        leads_session: number(record, FLAGS)? & LEADS_SESSION != 0,
    })
}

fn number(record: &[u8], place: usize) -> Option<i32> {
    at(record, place).map(i32::from_ne_bytes)
}

fn at<const LENGTH: usize>(record: &[u8], place: usize) -> Option<[u8; LENGTH]> {
    record.get(place..)?.first_chunk().copied()
}
