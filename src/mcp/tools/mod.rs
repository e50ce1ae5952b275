//! The tools: a row in the table each, and what it does.

mod agents;
mod cache;
mod dialogue;
mod discovery;
mod dispatch;
mod jobs;
pub mod misplaced;
mod parallel;

use std::sync::Arc;

use rmcp::RoleServer;
use rmcp::service::RequestContext;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::reply::{Mistake, Reply, Response};
use super::table::ToolRow;
use crate::config::cached::Cached;
use crate::config::model::Config;
use crate::config::path::{self, Environment};
use crate::config::rights;
use crate::shell::dispatcher::Dispatcher;
use crate::shell::engine::Engine;
use crate::shell::jobs::Jobs;
use crate::shell::session_owners;
use crate::shell::store::Store;
use crate::shell::usage::{History, Journal};

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

/// What the tools work with. One for each server.
#[derive(Debug)]
pub struct Desk {
    /// Where files are.
    pub environment: Environment,
    /// agents.yaml, as it is at each call.
    pub config: Cached,
    /// Runs requests.
    pub dispatcher: Dispatcher,
    /// What the runs of each agent usually take.
    pub history: Arc<History>,
}

/// A call whose arguments have been read.
#[derive(Debug)]
pub struct Call {
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
pub async fn perform(desk: &Desk, call: Call) -> Response {
    match call.row.name {
        "list_agents" => discovery::list(desk).await.into(),
        "inspect_agent" => discovery::inspect(desk, &call).await.into(),
        "list_groups" => discovery::list_groups(desk).await.into(),
        "inspect_group" => discovery::inspect_group(desk, &call).await.into(),
        "add_agent" => agents::add(desk, &call).await.into(),
        "update_agent" => agents::update(desk, &call).await.into(),
        "remove_agent" => agents::remove(desk, &call).await.into(),
        "dispatch" => dispatch::dispatch(desk, call).await,
        "dispatch_session" => dispatch::session(desk, call).await,
        "dispatch_stream" => dispatch::stream(desk, call).await,
        "dispatch_parallel" => parallel::parallel(desk, call).await,
        "dispatch_dialogue" => dialogue::dialogue(desk, call).await,
        "dispatch_async" => jobs::submit(desk, call).await.into(),
        "dispatch_status" => jobs::status(desk, &call).await.into(),
        "dispatch_wait" => jobs::wait(desk, call).await,
        "dispatch_cancel" => jobs::cancel(desk, &call).await.into(),
        "dispatch_jobs" => jobs::list(desk, &call).await.into(),
        "fetch_result" => jobs::fetch(desk, &call).await.into(),
        "dispatch_gc" => jobs::collect(desk, &call).await.into(),
        "cache_stats" => cache::stats(desk).into(),
        "cache_clear" => cache::clear(desk).into(),
        other => Mistake::new(format!("{other} is listed but not served")).into(),
    }
}

impl Desk {
    /// A desk for the files that the environment names.
    #[must_use]
    pub fn new(environment: Environment) -> Self {
        let config = Cached::new(path::config_path(&environment), environment.home.clone());
        let engine = Engine::new(Store::new(path::jobs_dir(&environment)), Engine::own_program());
        let usage_log = path::usage_log_path(&environment);
        let dispatcher = Dispatcher::new(engine, &usage_log);
        let history = Arc::new(History::of(Journal::at(usage_log)));
        Self { environment, config, dispatcher, history }
    }

    /// What a server does once, beside its answers: jobs that have lost their supervisor get a new one, what killed
    /// processes left is removed, and finished jobs that are older than the settings keep them go. Blocks.
    pub fn maintain(&self) {
        for directory in [self.config.path().parent(), Some(self.dispatcher.engine().store().directory())] {
            directory.into_iter().for_each(rights::tighten);
        }
        let jobs = Jobs::new(self.dispatcher.engine().clone());
        jobs.recover_all();
        jobs.tidy();
        session_owners::import(self.dispatcher.engine().store());
        let days = self.config.load().map_or(0, |config| config.settings.job_retention_days);
        if days > 0 {
            let collected = jobs.collect(f64::from(days), false);
            tracing::debug!(purged = collected.purged, days, "old jobs removed");
        }
    }

    fn config(&self) -> Result<Arc<Config>, Mistake> {
        self.config.load().map_err(|error| Mistake::new(error.to_string()).with_hint(error.hint()))
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
fn typed<T: DeserializeOwned>(call: &Call) -> Result<T, Mistake> {
    typed_at(call.row.name, &call.arguments)
}

/// Arguments that were given in `place` as a type of their own. They are in canonical form by the table, so that a mismatch
/// is a bug of the table.
fn typed_at<T: DeserializeOwned>(place: &str, arguments: &Value) -> Result<T, Mistake> {
    T::deserialize(arguments).map_err(|error| Mistake::new(format!("{place}: {error}")))
}
