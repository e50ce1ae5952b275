//! The current directories of processes, as `lsof` tells them.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// What makes `lsof` tell the current directories of the processes whose ids follow, with commas between them, in lines that
/// [`directories`] reads: no system call that could wait for a network drive is put into a process of its own, no names are
/// looked up, no warnings.
pub const OPTIONS: [&str; 6] = ["-OPlnw", "-a", "-d", "cwd", "-Fn", "-p"];

/// Reads its answer: a line for each process (`p123`), one that a file of it begins with (`fcwd`), one for the name of that
/// (`n/path`). A path with a backslash is left out: `lsof` writes what cannot be printed with one.
pub fn directories(answer: &str) -> BTreeMap<i32, PathBuf> {
    let mut directories = BTreeMap::new();
    let mut process = None;
    for line in answer.lines() {
        if let Some(pid) = line.strip_prefix('p') {
            process = pid.parse().ok();
        } else if let Some(path) = line.strip_prefix('n')
            && path.starts_with('/')
            && !path.contains('\\')
            && let Some(pid) = process
        {
            directories.insert(pid, PathBuf::from(path));
        }
    }
    directories
}
