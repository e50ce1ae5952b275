//! Processes as `/proc` shows them.

use std::fs;
use std::path::PathBuf;

use rustix::process::Signal;

/// Ticks of a process's clock in a second (Linux, all architectures).
const TICKS_PER_SECOND: f64 = 100.0;

/// Does the process live? A zombie does not.
pub fn alive(pid: i32) -> bool {
    fields(pid).is_some_and(|fields| !matches!(fields[0].as_str(), "Z" | "X"))
}

/// The processes that have this variable in their environment.
pub fn with_variable(variable: &str) -> Vec<i32> {
    with(|environment| environment.split(|byte| *byte == 0).any(|entry| entry == variable.as_bytes()))
}

/// The processes whose environment has this text.
pub fn with_text(text: &str) -> Vec<i32> {
    with(|environment| environment.windows(text.len()).any(|part| part == text.as_bytes()))
}

fn with(is_meant: impl Fn(&[u8]) -> bool) -> Vec<i32> {
    let pids = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| is_meant(&environment)))
        .collect()
}

/// The command line; empty for one that has ended and was not waited for.
pub fn command_line(pid: i32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ")
}

/// The parent.
pub fn parent(pid: i32) -> Option<i32> {
    fields(pid)?[1].parse().ok()
}

/// The process group, also where its leader is outside of the PID namespace (0 then), as in a container.
pub fn group(pid: i32) -> Option<i32> {
    fields(pid)?[2].parse().ok()
}

/// The file that its standard error goes to.
pub fn stderr_of(pid: i32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/fd/2")).ok()
}

/// Processor time that a process has used, in seconds.
pub fn seconds_used(pid: i32) -> f64 {
    let ticks: f64 = fields(pid).unwrap()[11..13].iter().map(|field| field.parse::<f64>().unwrap()).sum();
    ticks / TICKS_PER_SECOND
}

/// Whether the process has a handler for the signal.
pub fn catches(pid: i32, signal: Signal) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).map(str::trim);
    caught.is_some_and(|caught| u64::from_str_radix(caught, 16).unwrap() & (1 << (signal.as_raw() - 1)) != 0)
}

/// The fields of its state, see proc(5): what follows the name, which stands in parentheses.
fn fields(pid: i32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.rsplit_once(')')?.1.split_whitespace().map(str::to_owned).collect())
}
