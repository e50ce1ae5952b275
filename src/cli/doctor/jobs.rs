//! Where job records are kept.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{Access, access, statvfs};

use super::report::Report;
use crate::config::path::{JOBS_DIR_VARIABLE, USAGE_LOG_VARIABLE};
use crate::config::rights::{self, Use};
use crate::fs::owner_only::{self, OTHERS};
use crate::shell::usage::Journal;

/// Below this a long answer may not fit, in bytes.
const LOW_SPACE: u64 = 100 * 1024 * 1024;
const MIB: u64 = 1024 * 1024;

/// A directory that is not there is made by the first dispatch; then what it is made in counts.
pub fn check(report: &mut Report, directory: &Path) {
    let usable = |said| rights::remedy(directory, Use::Write, said, JOBS_DIR_VARIABLE, "directory");
    let unusable = |report: &mut Report, message, remedy| {
        report.failure(message, format!("{remedy}; until then nothing can be dispatched"))
    };
    let Some(existing) = directory.ancestors().find(|path| path.exists()) else {
        return unusable(report, format!("{} cannot be reached", directory.display()), usable(ErrorKind::NotFound));
    };
    let shown = existing.display();
    if !existing.is_dir() {
        return unusable(report, format!("{shown} is not a directory"), usable(ErrorKind::NotADirectory));
    }
    let made = if existing == directory { String::new() } else { format!("{} cannot be made: ", directory.display()) };
    if let Err(error) = access(existing, Access::WRITE_OK | Access::EXEC_OK) {
        let remedy = usable(std::io::Error::from(error).kind());
        return unusable(report, format!("{made}{shown} cannot be written: {error}"), remedy);
    }
    if let Err(error) = owner_only::check_creatable(existing) {
        let message = format!("{} cannot be used: nothing can be made in {shown}: {error}", directory.display());
        return unusable(report, message, usable(error.kind()));
    }
    let mode = std::fs::metadata(existing).map_or(0, |metadata| metadata.permissions().mode());
    if existing == directory && mode & OTHERS != 0 {
        let message = format!("others may look into {shown} (mode {:o})", mode & 0o777);
        let remedy = rights::closing(directory, "700", JOBS_DIR_VARIABLE, "directory");
        let limits = match (rights::is_tightened(directory), rights::is_ours(directory)) {
            (true, _) => "; the next dispatch does so as well",
            (false, true) => "",
            (false, false) => ", if it is for job records only",
        };
        report.warning(message, remedy + limits);
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
        let usable = rights::remedy(file, Use::Write, error.kind(), USAGE_LOG_VARIABLE, "file");
        let remedy = format!("{usable}, or usage_log: false in the settings");
        report.warning(message, remedy);
    }
}
