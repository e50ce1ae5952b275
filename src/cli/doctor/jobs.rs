//! Where job records are kept.

use std::path::Path;

use rustix::fs::{Access, access, statvfs};

use super::report::{Report, Section};

/// Below this a long answer may not fit, in bytes.
const LOW_SPACE: u64 = 100 * 1024 * 1024;
const MIB: u64 = 1024 * 1024;
const SECTION: Section = Section::Jobs;

/// Adds the section. A directory that is not there is made by the first dispatch; then what it is made in counts.
pub fn check(report: &mut Report, directory: &Path) {
    let Some(existing) = directory.ancestors().find(|path| path.exists()) else {
        let message = format!("{} cannot be reached", directory.display());
        return report.failure(SECTION, message, "set AGENT_DISPATCH_JOBS_DIR to a directory that can be written");
    };
    let shown = existing.display();
    if !existing.is_dir() {
        let remedy = format!("move {shown} away, or set AGENT_DISPATCH_JOBS_DIR");
        return report.failure(SECTION, format!("{shown} is not a directory"), remedy);
    }
    if let Err(error) = access(existing, Access::WRITE_OK | Access::EXEC_OK) {
        let remedy =
            format!("chmod u+rwx {shown}, or set AGENT_DISPATCH_JOBS_DIR; without it nothing can be dispatched");
        return report.failure(SECTION, format!("{shown} cannot be written: {error}"), remedy);
    }
    match statvfs(existing) {
        Ok(disk) if disk.f_bavail.saturating_mul(disk.f_frsize) < LOW_SPACE => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize) / MIB;
            let message = format!("only {free} MiB are free for {}", directory.display());
            report.warning(SECTION, message, "free some space: an answer that does not fit is only held in memory");
        }
        Ok(_) => report.ok(SECTION, format!("{} can be written", directory.display())),
        Err(error) => {
            let message = format!("free space at {shown} is unknown: {error}");
            report.warning(SECTION, message, "check the file system");
        }
    }
}
