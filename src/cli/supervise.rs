//! `supervise`, which only this program itself types.

use std::path::Path;

use super::failure::ExitCode;
use crate::machines::ids::JobId;
use crate::shell::supervise;

/// Owns one job to its end. Nothing may be printed: standard input and output are the leash and the job's lock.
pub fn run(jobs_dir: &Path, id: &str) -> ExitCode {
    let Ok(id) = JobId::try_from(id) else { return ExitCode::Usage };
    match supervise::run(jobs_dir, id) {
        Ok(()) => ExitCode::Success,
        Err(error) => {
            tracing::error!(%id, %error, "the supervisor failed");
            ExitCode::Failure
        }
    }
}
