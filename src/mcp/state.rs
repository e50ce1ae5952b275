//! What the tools work with.

use std::sync::Arc;

use super::reply::CallError;
use crate::config::cached::Cached;
use crate::config::model::Config;
use crate::config::path::{self, Environment};
use crate::config::rights;
use crate::os::program;
use crate::shell::dispatcher::Dispatcher;
use crate::shell::engine::Engine;
use crate::shell::environment::Origin;
use crate::shell::jobs::Jobs;
use crate::shell::session_owners;
use crate::shell::store::Store;
use crate::shell::usage::{History, Journal};

/// What the tools work with. One for each server.
#[derive(Debug)]
pub struct ServerState {
    /// Where files are.
    pub environment: Environment,
    /// agents.yaml, as it is at each call.
    pub config: Cached,
    /// Runs the requests of all calls.
    pub dispatcher: Dispatcher,
    /// What the runs of each agent usually take.
    pub history: Arc<History>,
}

impl ServerState {
    /// The state for the files that the environment names.
    #[must_use]
    pub fn new(environment: Environment) -> Self {
        let config = Cached::new(path::config_path(&environment), environment.home.clone());
        let engine = Engine::new(Store::new(path::jobs_dir(&environment)), program::own());
        let usage_log = path::usage_log_path(&environment);
        let dispatcher = Dispatcher::new(engine, Origin::here(&usage_log));
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

    /// The configuration as it is now.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn config(&self) -> Result<Arc<Config>, CallError> {
        self.config.load().map_err(|error| CallError::new(error.to_string()).with_hint(error.hint()))
    }
}
