//! The tools: a row in the table and a handler for each.

mod agents;
mod cache;
mod dialogue;
mod discovery;
mod dispatch;
mod jobs;
pub mod misplaced;
mod parallel;

use super::call::{ToolCall, typed, typed_at};
use super::reply::{CallError, Response};
use super::table::ToolRow;

/// Every tool, in the order in which clients see them.
pub const ROWS: &[ToolRow] = &[
    discovery::LIST,
    discovery::INSPECT,
    discovery::GROUPS,
    discovery::INSPECT_GROUP,
    dispatch::DISPATCH,
    dispatch::SESSION,
    dispatch::STREAM,
    parallel::PARALLEL,
    dialogue::DIALOGUE,
    jobs::ASYNC,
    jobs::STATUS,
    jobs::WAIT,
    jobs::CANCEL,
    jobs::JOBS,
    jobs::FETCH,
    jobs::GC,
    agents::ADD,
    agents::UPDATE,
    agents::REMOVE,
    cache::STATS,
    cache::CLEAR,
];

/// The tool of that name.
#[must_use]
pub fn row(name: &str) -> Option<&'static ToolRow> {
    ROWS.iter().find(|row| row.name == name)
}

/// Does work that waits for a disk on a thread of its own, so that other calls are answered meanwhile.
async fn off_the_loop(
    work: impl FnOnce() -> Result<Response, CallError> + Send + 'static,
) -> Result<Response, CallError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(response) => response,
        // The panic becomes the answer of the call's own task.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
