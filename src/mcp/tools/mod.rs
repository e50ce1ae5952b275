//! The tools: a row in the table each, and what it does.

mod agents;
mod cache;
mod dialogue;
mod discovery;
mod dispatch;
mod jobs;
pub mod misplaced;
mod parallel;

use rmcp::RoleServer;
use rmcp::service::RequestContext;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::reply::{CallError, Reply, Response};
use super::state::ServerState;
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

/// A call whose arguments have been read.
#[derive(Debug)]
pub struct ToolCall {
    /// The tool.
    pub row: &'static ToolRow,
    /// Its arguments in canonical form.
    pub arguments: Value,
    /// Who calls.
    pub context: RequestContext<RoleServer>,
    /// Whether the client wants to see log messages.
    pub logs: bool,
    /// Whether the client takes a task for an answer.
    pub tasks: bool,
}

/// The tool of that name.
#[must_use]
pub fn row(name: &str) -> Option<&'static ToolRow> {
    ROWS.iter().find(|row| row.name == name)
}

/// Does what the call asks for.
pub async fn perform(state: &ServerState, call: ToolCall) -> Response {
    match call.row.name {
        "list_agents" => discovery::list(state).await.into(),
        "inspect_agent" => discovery::inspect(state, &call).await.into(),
        "list_groups" => discovery::list_groups(state).await.into(),
        "inspect_group" => discovery::inspect_group(state, &call).await.into(),
        "add_agent" => agents::add(state, &call).await.into(),
        "update_agent" => agents::update(state, &call).await.into(),
        "remove_agent" => agents::remove(state, &call).await.into(),
        "dispatch" => dispatch::dispatch(state, call).await,
        "dispatch_session" => dispatch::session(state, call).await,
        "dispatch_stream" => dispatch::stream(state, call).await,
        "dispatch_parallel" => parallel::parallel(state, call).await,
        "dispatch_dialogue" => dialogue::dialogue(state, call).await,
        "dispatch_async" => jobs::submit(state, call).await.into(),
        "dispatch_status" => jobs::status(state, &call).await.into(),
        "dispatch_wait" => jobs::wait(state, call).await,
        "dispatch_cancel" => jobs::cancel(state, &call).await.into(),
        "dispatch_jobs" => jobs::list(state, &call).await.into(),
        "fetch_result" => jobs::fetch(state, &call).await.into(),
        "dispatch_gc" => jobs::collect(state, &call).await.into(),
        "cache_stats" => cache::stats(state).into(),
        "cache_clear" => cache::clear(state).into(),
        other => CallError::new(format!("{other} is listed but not served")).into(),
    }
}

/// Does work that waits for a disk on a thread of its own, so that other calls are answered meanwhile.
async fn off_the_loop(work: impl FnOnce() -> Reply + Send + 'static) -> Reply {
    match tokio::task::spawn_blocking(work).await {
        Ok(reply) => reply,
        // The panic becomes the answer of the call's own task.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// The arguments as a tool's own type.
fn typed<T: DeserializeOwned>(call: &ToolCall) -> Result<T, CallError> {
    typed_at(call.row.name, &call.arguments)
}

/// Arguments that were given in `place` as a type of their own. They are in canonical form by the table, so that a mismatch
/// is a bug of the table.
fn typed_at<T: DeserializeOwned>(place: &str, arguments: &Value) -> Result<T, CallError> {
    T::deserialize(arguments).map_err(|error| CallError::new(format!("{place}: {error}")))
}
