//! Memory of other processes, as the kernel counts it.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::Result;

/// How often a peak is read. The kernel keeps the peak itself, so that only what comes after the last reading and before
/// the process's end can be missed.
const PEAK_INTERVAL: Duration = Duration::from_millis(1);

/// A number from `/proc/<pid>/status`; kilobytes for sizes.
pub fn status(pid: u32, field: &str) -> Result<f64> {
    number_in(&format!("/proc/{pid}/status"), field)
}

/// Memory of a process with what it shares counted in proportion, in kilobytes.
pub fn proportional_kb(pid: u32) -> Result<f64> {
    number_in(&format!("/proc/{pid}/smaps_rollup"), "Pss")
}

fn number_in(file: &str, field: &str) -> Result<f64> {
    let text = fs::read_to_string(file)?;
    let found = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let word = found.and_then(|rest| rest.split_whitespace().next());
    Ok(word.ok_or_else(|| format!("{file} has no {field}"))?.parse()?)
}

/// The largest memory of a server and of its largest supervisor, in kilobytes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Peaks {
    pub server: f64,
    /// 0 where it has none.
    pub supervisor: f64,
}

/// Reads the peaks of a server and of its supervisors while they live.
pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Peaks>,
}

impl Watch {
    /// Begins to watch the server with this id.
    pub fn start(server: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut peaks = Peaks::default();
            let mut supervisor = None;
            while !stopped.load(Ordering::Relaxed) {
                peaks.server = status(server, "VmHWM").unwrap_or(0.0).max(peaks.server);
                supervisor = supervisor.or_else(|| supervisor_of(server));
                if let Some(pid) = supervisor {
                    peaks.supervisor = status(pid, "VmHWM").unwrap_or(0.0).max(peaks.supervisor);
                }
                thread::sleep(PEAK_INTERVAL);
            }
            peaks
        });
        Self { stop, thread }
    }

    pub fn end(self) -> Result<Peaks> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| "the watch of memory failed".into())
    }
}

/// Processor time that a process has used, in milliseconds.
pub fn used_ms(pid: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/schedstat"))?;
    let nanoseconds = text.split_whitespace().next().ok_or("no processor time")?.parse::<f64>()?;
    Ok(nanoseconds / 1e6)
}

/// Whether a process has ended. It may still be listed, where nobody has asked how it ended.
pub fn is_gone(pid: u32) -> bool {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    text.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['Z', 'X']))
}

/// A process's command line, its words apart by spaces.
pub fn command(pid: u32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ")
}

/// The child of `server` that supervises a job.
fn supervisor_of(server: u32) -> Option<u32> {
    supervisors_of(server).first().copied()
}

/// The children of `server` that supervise jobs.
pub fn supervisors_of(server: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let children = pids.filter(|pid| parent(*pid) == Some(server));
    let verb = agent_dispatch::os::process::SUPERVISE;
    children.filter(|pid| command(*pid).split(' ').any(|word| word == verb)).collect()
}

fn parent(pid: u32) -> Option<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    fields.split_whitespace().nth(1)?.parse().ok()
}
