//! Where job records are kept.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{Access, access, statvfs};

use super::report::Report;
use crate::config::rights;
use crate::fs::owner_only::{self, OTHERS};
use crate::shell::usage::Journal;

/// Below this a long answer may not fit, in bytes.
const LOW_SPACE: u64 = 100 * 1024 * 1024;
const MIB: u64 = 1024 * 1024;

/// A directory that is not there is made by the first dispatch; then what it is made in counts.
pub fn check(report: &mut Report, directory: &Path) {
    let Some(existing) = directory.ancestors().find(|path| path.exists()) else {
        let message = format!("{} cannot be reached", directory.display());
        return report.failure(message, "set AGENT_DISPATCH_JOBS_DIR to a directory that can be written");
    };
    let shown = existing.display();
    if !existing.is_dir() {
        let remedy = format!("move {shown} away, or set AGENT_DISPATCH_JOBS_DIR");
        return report.failure(format!("{shown} is not a directory"), remedy);
    }
    if let Err(error) = access(existing, Access::WRITE_OK | Access::EXEC_OK) {
        let remedy = format!(
            "chmod u+rwx {shown}, or set AGENT_DISPATCH_JOBS_DIR to a directory that can be written; until then nothing can be dispatched"
        );
        return report.failure(format!("{shown} cannot be written: {error}"), remedy);
    }
    if let Err(error) = owner_only::check_creatable(existing) {
        let remedy =
            "set AGENT_DISPATCH_JOBS_DIR to a directory that can be written; until then nothing can be dispatched";
        let message = format!("{} cannot be used: nothing can be made in {shown}: {error}", directory.display());
        return report.failure(message, remedy);
    }
    let mode = std::fs::metadata(existing).map_or(0, |metadata| metadata.permissions().mode());
    if existing == directory && mode & OTHERS != 0 {
        let message = format!("others may look into {shown} (mode {:o})", mode & 0o777);
        let remedy = if rights::is_ours(directory) {
            format!("chmod 700 {shown}; the next dispatch does so as well")
        } else {
            format!("chmod 700 {shown}, if it is for job records only")
        };
        report.warning(message, remedy);
    }
    match statvfs(existing) {
        Ok(disk) if disk.f_bavail.saturating_mul(disk.f_frsize) < LOW_SPACE => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize) / MIB;
            let message = format!("only {free} MiB are free for {}", directory.display());
            report.warning(message, "free some space: an answer that does not fit is only held in memory");
        }
        Ok(_) => report.ok(format!("{} can be written", directory.display())),
        Err(error) => {
            let message = format!("free space at {shown} is unknown: {error}");
            report.warning(message, "check the file system");
        }
    }
}

/// Adds what there is to say of the usage journal: nothing, where it can be written.
pub fn check_usage_log(report: &mut Report, file: &Path) {
    if let Err(error) = Journal::at(file.to_path_buf()).check() {
        let message = format!("the usage journal {} cannot be written: {error}", file.display());
        let remedy = "set AGENT_DISPATCH_USAGE_LOG to a file that can be written, or usage_log: false in the settings";
        report.warning(message, remedy);
    }
}
