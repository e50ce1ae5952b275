//! Calls of several requests that become tasks: a job of its own goes on with the call, whatever becomes of this process.
//!
//! What this process has in its cache goes with the call, and what the call brings comes back into it, as far as this
//! process lives then. A run of another call that is in flight meanwhile is not joined: it may end with its caller.

use std::sync::Arc;

use super::singleflight::SingleFlight;
use super::task_handle::TaskHandle;
use super::{Dispatcher, limits};
use crate::config::group;
use crate::config::model::Config;
use crate::config::plan::{self, Request};
use crate::machines::answer::Answer;
use crate::machines::cache::{Key, Lookup, Ticket};
use crate::machines::ids::JobId;
use crate::shell::call::batch::{Batch, BatchAnswers};
use crate::shell::call::{CallPlan, CallRequest};
use crate::shell::clock;
use crate::shell::engine::{Engine, EngineError};
use crate::shell::jobs::Jobs;
use crate::shell::record::Form;

/// What a cache says of the items of a call.
#[derive(Default)]
struct CacheView {
    /// The answers that it has.
    cached: Vec<(Request, Answer)>,
    /// Of the other items: which it is, and the ticket for its answer.
    owed: Vec<(usize, Ticket)>,
    /// The ticket for the answer of the aggregator, whose request is not known yet.
    aggregated: Option<Ticket>,
}

impl Dispatcher {
    /// Begins a call as a task. `None` for one that is to be answered at once, because the cache has all of its answers.
    ///
    /// # Errors
    /// [`EngineError`]; then nothing was begun.
    pub async fn begin_call(&self, config: &Config, what: CallRequest) -> Result<Option<TaskHandle>, EngineError> {
        let seen = match &what {
            CallRequest::Dialogue(_) => CacheView::default(),
            CallRequest::Parallel(batch) => match self.look_for(config, batch) {
                Some(seen) => seen,
                None => return Ok(None),
            },
        };
        let debt = Debt::of(&what, config, &seen);
        let call = CallPlan { config: what.snapshot(config), what, origin: self.origin.clone(), cached: seen.cached };
        let engine = self.engine.clone();
        let submit = move || {
            let id = engine.submit_call(&call)?;
            Ok(TaskHandle::first(engine, id, Some(Form::Call)))
        };
        let submitted = self.engine.blocking().run(submit).await;
        let id = submitted.as_ref().ok().map(TaskHandle::id);
        if let Some(debt) = debt {
            tokio::spawn(debt.settle(self.engine.clone(), self.runs.clone(), id));
        }
        submitted.map(Some)
    }

    /// What the cache has of a call's answers; `None` when it has all of them, also that of the aggregator.
    fn look_for(&self, config: &Config, batch: &Batch) -> Option<CacheView> {
        let (now, limits) = (clock::monotonic(), limits(&config.settings));
        let keys = batch.items.iter().map(|item| key(config, &item.request)).collect::<Vec<_>>();
        let mut shared = self.runs.lock();
        let cache = &mut shared.answers;
        let mut peek = |key: &Option<Key>| cache.peek(key.as_ref()?, now, limits).cloned();
        if let Some(answers) = keys.iter().map(&mut peek).collect::<Option<Vec<_>>>() {
            let answers = answers.iter().map(Arc::as_ref);
            let aggregation = batch.aggregation(answers);
            if aggregation.is_none_or(|request| peek(&key(config, &request)).is_some()) {
                return None;
            }
        }
        let mut seen = CacheView::default();
        for ((index, item), key) in batch.items.iter().enumerate().zip(keys) {
            let Some(key) = key else { continue };
            match cache.peek(&key, now, limits).cloned() {
                None => seen.owed.push((index, cache.reserve(key))),
                Some(answer) => {
                    // Counted, and not waited for.
                    if let Lookup::Join(ticket) = cache.lookup(&key, now, limits) {
                        let _others_wait = cache.leave(ticket);
                    }
                    seen.cached.push((item.request.clone(), Answer::clone(&answer)));
                }
            }
        }
        let aggregation = batch.aggregation([].iter());
        seen.aggregated = aggregation.and_then(|request| Some(cache.reserve(key(config, &request)?)));
        Some(seen)
    }

    /// Takes an answer into the cache that somebody else's cache has.
    pub fn remember(&self, config: &Config, request: &Request, answer: Answer) {
        let Some(key) = key(config, request) else { return };
        let ticket = self.runs.lock().answers.reserve(key);
        self.runs.settle(ticket, Some(Arc::new(answer)), limits(&config.settings));
    }
}

/// Under which key the answer to a request is cached; `None` where none is.
fn key(config: &Config, request: &Request) -> Option<Key> {
    let settings = &config.settings;
    let request = group::within(config, request).ok().filter(|_| settings.cache.enabled)?;
    Some(plan::cache_key(&request, plan::agent(config, &request.agent).ok()?, settings))
}

/// What a cache is to be told when a call has ended.
struct Debt {
    batch: Batch,
    config: Config,
    owed: Vec<(usize, Ticket)>,
    aggregated: Option<Ticket>,
}

impl Debt {
    fn of(what: &CallRequest, config: &Config, seen: &CacheView) -> Option<Self> {
        let CallRequest::Parallel(batch) = what else { return None };
        let CacheView { owed, aggregated, .. } = seen;
        let config = what.snapshot(config).into_config();
        let debt = Self { batch: batch.clone(), config, owed: owed.clone(), aggregated: *aggregated };
        (!owed.is_empty() || aggregated.is_some()).then_some(debt)
    }

    /// Takes what the runs of a call have brought into the cache, once the call has ended; nothing of one that never began.
    async fn settle(self, engine: Engine, runs: SingleFlight, call: Option<JobId>) {
        let told = match call {
            Some(call) => {
                Jobs::new(engine.clone()).to_the_end(call, &mut |_| {}).await.map(|record| record.into_answer().result)
            }
            None => Ok(String::new()),
        };
        let told = told.unwrap_or_default();
        let stored = move |id: &JobId| engine.store().read(id).ok();
        let told = tokio::task::spawn_blocking(move || BatchAnswers::read(&told, stored)).await.unwrap_or_default();
        let limits = limits(&self.config.settings);
        let items = self.owed.iter().map(|(index, ticket)| (*ticket, None, told.items.get(*index).cloned().flatten()));
        let aggregation = self.aggregation(&told).and_then(|request| key(&self.config, &request));
        let aggregated = told.aggregated.filter(|_| aggregation.is_some());
        let all = items.chain(self.aggregated.map(|ticket| (ticket, aggregation, aggregated)));
        for (ticket, key, answer) in all {
            if let Some(key) = key {
                runs.lock().answers.name(ticket, key);
            }
            runs.settle(ticket, answer.filter(|answer| answer.cached.is_none()).map(Arc::new), limits);
        }
    }

    /// What the aggregator was asked.
    fn aggregation(&self, told: &BatchAnswers) -> Option<Request> {
        let answers = told.items.iter().map(Option::as_ref).collect::<Option<Vec<_>>>()?;
        self.batch.aggregation(answers.into_iter())
    }
}
