//! What can go wrong with jobs on disk.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::config::path::JOBS_DIR_VARIABLE;
use crate::machines::ids::JobId;
use crate::machines::rejected::Rejected;

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
    Rejected(#[from] Rejected),
}

/// What to do about a jobs directory that cannot be listed.
pub const JOBS_ELSEWHERE: &str = "correct it, or set AGENT_DISPATCH_JOBS_DIR to the directory that holds the jobs";

impl StoreError {
    pub(in crate::shell) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_path_buf();
        move |source| Self::Io { doing, path, source }
    }
}

/// Where to go from a place that must not be written. What cannot be read is there, and stays where it is; what is made first is
/// the directory itself.
fn moved(doing: &str, error: &io::Error) -> String {
    match (doing, error.kind()) {
        ("list" | "read" | "look for", _) => String::new(),
        ("create", _) | (_, io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) => elsewhere(error),
        _ => String::new(),
    }
}

/// Where to go from a place in which nothing can be made.
pub(in crate::shell) fn elsewhere(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; free some space".to_owned(),
        // That passes, or is no matter of the place.
        io::ErrorKind::OutOfMemory | io::ErrorKind::Interrupted => String::new(),
        _ => {
            let is_set = std::env::var_os(JOBS_DIR_VARIABLE).is_some_and(|place| !place.is_empty());
            let source = if is_set {
                format!("{JOBS_DIR_VARIABLE} names this place: set it")
            } else {
                format!("set {JOBS_DIR_VARIABLE}")
            };
            format!("; {source} to a directory that can be written (`agent-dispatch doctor` checks it)")
        }
    }
}
