//! What may stand in the way of a run, looked at before anything is submitted.

use std::time::Duration;

use super::accounted;
use crate::machines::answer::Answer;
use crate::machines::command_line;
use crate::machines::flags::Omitted;
use crate::machines::plan::{RunPlan, SessionPlan};
use crate::machines::verdict::{self, EndReason, Evidence, NotStarted};
use crate::shell::claude;
use crate::shell::engine::Engine;
use crate::shell::session_owners;

/// How long an agent's directory may take to answer.
const DIRECTORY_PATIENCE: Duration = Duration::from_secs(5);

/// The answer to a request that cannot run. `None` when nothing stands in its way.
pub(super) async fn refused(engine: &Engine, run: &RunPlan, max_depth: u32) -> Option<Answer> {
    let reason = obstacle(engine, run, max_depth).await?;
    let answer = verdict::judge(Evidence::new(run, EndReason::NotStarted { reason }));
    Some(accounted(engine, run, answer))
}

/// What stands in the way of a run, in the order of the contract: depth, CLI, directory, values; then whose
/// session it is.
async fn obstacle(engine: &Engine, run: &RunPlan, max_depth: u32) -> Option<NotStarted> {
    if run.depth > max_depth {
        return Some(NotStarted::TooDeep { max: max_depth });
    }
    if let Err(missing) = claude::find() {
        return Some(claude::not_started(&missing));
    }
    if let Some(reason) = unusable_directory(run.directory.clone()).await {
        return Some(reason);
    }
    if let Err(bad) = command_line::arguments(run, Omitted::default()) {
        return Some(NotStarted::BadValue(bad));
    }
    foreign_session(engine, run).await
}

/// Looks up whose session it is that the run is to go on in. A look-up that fails tells of no owner.
async fn foreign_session(engine: &Engine, run: &RunPlan) -> Option<NotStarted> {
    let SessionPlan::Resume { id } = &run.session else { return None };
    let (jobs, session) = (engine.store().directory().to_path_buf(), id.clone());
    let find = tokio::task::spawn_blocking(move || session_owners::find(&jobs, &session));
    let owner = find.await.ok().flatten().filter(|owner| !owner.admits(&run.agent, &run.directory))?;
    Some(NotStarted::ForeignSession { owner: owner.agent, directory: owner.directory })
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
