//! What can go wrong with jobs on disk.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::config::path::JOBS_DIR_VARIABLE;
use crate::machines::ids::JobId;
use crate::machines::refused::Refused;

/// What went wrong with a job's files.
#[derive(Debug, Error)]
pub enum StoreError {
    /// No record of that id, or one that cannot be read or names another id; such a file is left alone.
    #[error("job {0} not found; list the jobs with dispatch_jobs or `agent-dispatch jobs`")]
    NotFound(JobId),
    /// The file system said no.
    #[error("cannot {doing} {}: {source}{}", path.display(), moved(doing, source))]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process holds the record for too long.
    #[error("job {0} is being edited by another process that does not finish; try again")]
    Busy(JobId),
    /// The machine refused the event.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// What to do about a jobs directory that cannot be listed.
pub const JOBS_ELSEWHERE: &str = "correct it, or set AGENT_DISPATCH_JOBS_DIR to the directory that holds the jobs";

impl StoreError {
    pub(in crate::shell) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_path_buf();
        move |source| Self::Io { doing, path, source }
    }
}

/// What cannot be read is there, and stays where it is.
fn moved(doing: &str, error: &io::Error) -> String {
    if matches!(doing, "list" | "read" | "look for") { String::new() } else { elsewhere(error) }
}

/// Where to go from a place that must not be written.
pub(in crate::shell) fn elsewhere(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            format!("; set {JOBS_DIR_VARIABLE} to a directory that can be written")
        }
        _ => String::new(),
    }
}
