//! What may stand in the way of a run, looked at before anything is submitted.

use std::time::Duration;

use super::accounted;
use crate::machines::answer::Answer;
use crate::machines::command_line;
use crate::machines::dispatch::Omitted;
use crate::machines::plan::RunPlan;
use crate::machines::verdict::{self, Ending, Evidence, NotStarted};
use crate::shell::claude;
use crate::shell::engine::Engine;

/// How long an agent's directory may take to answer.
const DIRECTORY_PATIENCE: Duration = Duration::from_secs(5);

/// The answer to a request that cannot run. `None` when nothing stands in its way.
pub(super) async fn refused(engine: &Engine, run: &RunPlan, max_depth: u32) -> Option<Answer> {
    let reason = obstacle(run, max_depth).await?;
    let answer = verdict::judge(Evidence::new(run, Ending::NotStarted { reason }));
    Some(accounted(engine, run, answer))
}

/// What stands in the way of a run, in the order of the contract: depth, CLI, directory, values.
async fn obstacle(run: &RunPlan, max_depth: u32) -> Option<NotStarted> {
    if run.depth > max_depth {
        return Some(NotStarted::TooDeep { max: max_depth });
    }
    if let Err(missing) = claude::find() {
        return Some(claude::not_started(&missing));
    }
    if let Some(reason) = unusable_directory(run.directory.clone()).await {
        return Some(reason);
    }
    command_line::arguments(run, Omitted::default()).err().map(NotStarted::BadValue)
}

/// Looks at the directory off the loop that answers: a dead network mount may never say anything.
async fn unusable_directory(directory: String) -> Option<NotStarted> {
    let look = tokio::task::spawn_blocking(move || match std::fs::metadata(&directory) {
        Ok(metadata) if metadata.is_dir() => match rustix::fs::access(&directory, rustix::fs::Access::EXEC_OK) {
            Ok(()) => None,
            Err(error) => Some(NotStarted::DirectoryUnusable(error.to_string())),
        },
        Ok(_) => Some(NotStarted::DirectoryUnusable("it is not a directory".to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(NotStarted::DirectoryMissing),
        Err(error) => Some(NotStarted::DirectoryUnusable(error.to_string())),
    });
    match tokio::time::timeout(DIRECTORY_PATIENCE, look).await {
        Ok(Ok(reason)) => reason,
        Ok(Err(_)) => Some(NotStarted::DirectoryUnusable("it could not be looked at".to_owned())),
        Err(_) => Some(NotStarted::DirectoryUnusable(format!(
            "the file system did not answer within {} s",
            DIRECTORY_PATIENCE.as_secs()
        ))),
    }
}
