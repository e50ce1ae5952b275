//! `supervise`, which only this program itself types.

use std::path::Path;

use super::failure::Exit;
use crate::machines::ids::JobId;
use crate::shell::supervisor;

/// Owns one job to its end. Nothing may be printed: standard input and output are the leash and the job's lock.
pub fn run(jobs_dir: &Path, id: &str) -> Exit {
    let Ok(id) = JobId::try_from(id) else { return Exit::Usage };
    match supervisor::run(jobs_dir, id) {
        Ok(()) => Exit::Success,
        Err(error) => {
            tracing::error!(%id, %error, "the supervisor failed");
            Exit::Failure
        }
    }
}
