//! From a request to its answer: the order of checks, the cache, and the run that identical requests share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{broadcast, watch};
use tokio::task::AbortHandle;

use super::engine::{Engine, EngineError, Receipt};
use super::leash::News;
use super::{claude, clock, environment};
use crate::config::group;
use crate::config::model::Config;
use crate::config::plan::{self, Request, RequestError, Surroundings};
use crate::config::settings::Settings;
use crate::machines::answer::{Answer, ErrorType, Outcome};
use crate::machines::cache::{self, Cache, Facts, Key, Limits, Lookup, Ticket};
use crate::machines::command_line;
use crate::machines::dispatch::Omitted;
use crate::machines::ids::{JobId, SessionRef};
use crate::machines::plan::RunPlan;
use crate::machines::verdict::{self, Ending, Evidence, NotStarted};

/// How long an agent's directory may take to answer.
const DIRECTORY_PATIENCE: Duration = Duration::from_secs(5);
/// How much progress is kept for an asker who does not read, in pieces.
const NEWS_BACKLOG: usize = 64;

/// Whether an answer may come from the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caching {
    /// If the settings allow it.
    Allowed,
    /// Never: the request is part of a conversation, or wants to see the work.
    Never,
}

/// An answer, and the receipt that is to be redeemed once somebody has it.
#[derive(Debug)]
pub struct Delivery {
    /// What to say.
    pub answer: Answer,
    /// For an answer that was paid for.
    pub receipt: Option<Receipt>,
}

/// What became of a request that nobody waits for.
#[derive(Debug)]
pub enum Submitted {
    /// It is a job.
    Job(JobId),
    /// It cannot run; nothing was submitted.
    Refused(Box<Answer>),
}

/// Runs requests. One for each process.
#[derive(Debug)]
pub struct Dispatcher {
    engine: Engine,
    cache: Arc<Mutex<Cached>>,
}

#[derive(Debug, Default)]
struct Cached {
    answers: Cache<Answer>,
    flights: BTreeMap<Ticket, Flight>,
}

/// A run that several askers may share.
#[derive(Debug, Clone)]
struct Flight {
    news: broadcast::Sender<News>,
    landed: watch::Receiver<Option<Arc<Landed>>>,
    run: AbortHandle,
}

#[derive(Debug)]
struct Landed {
    answer: Answer,
    /// Goes to the first asker who takes it: one delivery is enough.
    receipt: Mutex<Option<Receipt>>,
}

impl Dispatcher {
    /// A dispatcher with an empty cache.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        Self { engine, cache: Arc::default() }
    }

    /// The engine.
    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The cache's numbers; `None` when it is switched off.
    #[must_use]
    pub fn cache_stats(&self, settings: &Settings) -> Option<cache::Stats> {
        settings.cache.enabled.then(|| self.lock().answers.stats(clock::monotonic(), limits(settings)))
    }

    /// Empties the cache; the number of answers that were in it.
    #[must_use]
    pub fn cache_clear(&self) -> usize {
        self.lock().answers.clear()
    }

    /// Forgets what an agent answered, because its configuration changes.
    pub fn forget(&self, agent: &str) {
        self.lock().answers.drop_agent(agent);
    }

    /// Runs a request to its answer. Dropping the future ends the run, unless somebody else waits for the same.
    ///
    /// # Errors
    /// [`RequestError`] for the caller's mistakes. Whatever goes wrong with the run is an answer.
    pub async fn dispatch(
        &self,
        config: &Config,
        request: &Request,
        caching: Caching,
        on_news: impl FnMut(&News) + Send,
    ) -> Result<Delivery, RequestError> {
        self.dispatch_as(fresh_session(), config, request, caching, on_news).await
    }

    /// As [`Self::dispatch`], with the id that a new session gets: whoever gives up waiting can then still name it.
    ///
    /// # Errors
    /// As [`Self::dispatch`].
    pub async fn dispatch_as(
        &self,
        fresh_session: SessionRef,
        config: &Config,
        request: &Request,
        caching: Caching,
        on_news: impl FnMut(&News) + Send,
    ) -> Result<Delivery, RequestError> {
        let settings = &config.settings;
        let request = &*group::within(config, request)?;
        let run = planned(fresh_session, config, request)?;
        if caching == Caching::Never || !settings.cache.enabled {
            return Ok(perform(&self.engine, &run, settings.max_dispatch_depth, on_news).await);
        }
        let key = plan::cache_key(request, plan::agent(config, &request.agent)?, settings);
        Ok(self.share(&key, run, settings, on_news).await)
    }

    /// Checks a request as far as that is possible without a run.
    ///
    /// # Errors
    /// [`RequestError`] for the caller's mistakes.
    pub fn check(&self, config: &Config, request: &Request) -> Result<(), RequestError> {
        planned(fresh_session(), config, &*group::within(config, request)?).map(drop)
    }

    /// Submits a request as a job that runs whatever becomes of this process.
    ///
    /// # Errors
    /// [`RequestError`] for the caller's mistakes.
    pub async fn submit(&self, config: &Config, request: &Request) -> Result<Submitted, RequestError> {
        let run = planned(fresh_session(), config, &*group::within(config, request)?)?;
        if let Some(reason) = obstacle(&run, config.settings.max_dispatch_depth).await {
            return Ok(Submitted::Refused(Box::new(verdict::judge(Evidence::new(
                &run,
                Ending::NotStarted { reason },
            )))));
        }
        Ok(match self.engine.submit_detached(&run) {
            Ok(id) => Submitted::Job(id),
            Err(error) => Submitted::Refused(Box::new(without_answer(&run, error))),
        })
    }

    /// Serves a request from the cache, from a run that is under way for the same request, or by a run of its own.
    async fn share(&self, key: &Key, run: RunPlan, settings: &Settings, on_news: impl FnMut(&News) + Send) -> Delivery {
        let agent = run.agent.clone();
        let limits = limits(settings);
        let (ticket, flight, pays) = {
            let mut cached = self.lock();
            let (ticket, pays) = match cached.answers.lookup(key, clock::monotonic(), limits) {
                Lookup::Hit(answer) => {
                    return Delivery { answer: Answer { cached: Some(true), ..answer.clone() }, receipt: None };
                }
                Lookup::Join(ticket) => (ticket, false),
                Lookup::Pay(ticket) => {
                    let flight = self.take_off(ticket, run, settings.max_dispatch_depth, limits);
                    cached.flights.insert(ticket, flight);
                    (ticket, true)
                }
            };
            (ticket, cached.flights.get(&ticket).cloned(), pays)
        };
        let _seat = Seat { cache: Arc::clone(&self.cache), ticket };
        let landed = match flight {
            Some(flight) => flight.follow(on_news).await,
            None => None,
        };
        let Some(landed) = landed else {
            let error = "the run that identical requests shared ended without an answer; call again";
            return Delivery { answer: Answer::failure(agent, ErrorType::CliError, error), receipt: None };
        };
        let cached = if pays { landed.answer.cached } else { Some(true) };
        let receipt = landed.receipt.lock().unwrap_or_else(PoisonError::into_inner).take();
        Delivery { answer: Answer { cached, ..landed.answer.clone() }, receipt }
    }

    /// Starts a run as a task of its own, so that it outlives the asker who pays while others wait for it too.
    fn take_off(&self, ticket: Ticket, run: RunPlan, max_depth: u32, limits: Limits) -> Flight {
        let (news, _) = broadcast::channel(NEWS_BACKLOG);
        let (landing, landed) = watch::channel(None);
        let (engine, cache, sender) = (self.engine.clone(), Arc::clone(&self.cache), news.clone());
        let task = tokio::spawn(async move {
            // An error only says that nobody listens.
            let tell = |news: &News| drop(sender.send(news.clone()));
            let delivery = perform(&engine, &run, max_depth, tell).await;
            let mut cached = lock(&cache);
            cached.flights.remove(&ticket);
            if cache::cacheable(&facts(&delivery.answer)) {
                cached.answers.insert(ticket, delivery.answer.clone(), clock::monotonic(), limits);
            } else {
                cached.answers.discard(ticket);
            }
            drop(cached);
            let landed = Landed { answer: delivery.answer, receipt: Mutex::new(delivery.receipt) };
            drop(landing.send(Some(Arc::new(landed))));
        });
        Flight { news, landed, run: task.abort_handle() }
    }

    fn lock(&self) -> MutexGuard<'_, Cached> {
        lock(&self.cache)
    }
}

impl Flight {
    /// Passes on the news until the run has landed. `None` when it never does.
    async fn follow(mut self, mut on_news: impl FnMut(&News) + Send) -> Option<Arc<Landed>> {
        let mut news = self.news.subscribe();
        // The run's own sender is then the last: the news end when the run does.
        drop(self.news);
        loop {
            tokio::select! {
                biased;
                told = news.recv() => match told {
                    Ok(told) => on_news(&told),
                    Err(broadcast::error::RecvError::Lagged(missed)) => {
                        on_news(&News::Missed(usize::try_from(missed).unwrap_or(usize::MAX)));
                    }
                    Err(broadcast::error::RecvError::Closed) => break,
                },
                // Landed, or lost: a run that panicked says nothing more.
                _ = self.landed.changed() => break,
            }
        }
        while let Ok(told) = news.try_recv() {
            on_news(&told);
        }
        self.landed.wait_for(Option::is_some).await.ok()?.clone()
    }
}

/// An asker's claim to a run. The last one to give it up ends the run: nobody wants the answer.
struct Seat {
    cache: Arc<Mutex<Cached>>,
    ticket: Ticket,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut cached = lock(&self.cache);
        // A ticket that was settled by its answer is unknown here, and nothing is ended.
        if cached.answers.leave(self.ticket)
            && let Some(flight) = cached.flights.remove(&self.ticket)
        {
            flight.run.abort();
        }
    }
}

/// One run, from the checks that cost nothing to its answer.
async fn perform(engine: &Engine, run: &RunPlan, max_depth: u32, on_news: impl FnMut(&News) + Send) -> Delivery {
    if let Some(reason) = obstacle(run, max_depth).await {
        return unpaid(verdict::judge(Evidence::new(run, Ending::NotStarted { reason })));
    }
    match engine.run(run, on_news).await {
        Ok(finished) => {
            let answer = finished.record.result.and_then(|result| serde_json::from_value(result).ok());
            let answer = answer.unwrap_or_else(|| {
                let error = finished.record.error.unwrap_or_else(|| "the job ended without an answer".to_owned());
                Answer {
                    session_id: finished.record.session_id,
                    ..Answer::failure(&run.agent, ErrorType::CliError, error)
                }
            });
            Delivery { answer, receipt: Some(finished.receipt) }
        }
        Err(error) => unpaid(without_answer(run, error)),
    }
}

/// What an error of the engine means for the caller.
fn without_answer(run: &RunPlan, error: EngineError) -> Answer {
    match error {
        EngineError::Prompt(error) => {
            let reason = NotStarted::BadPrompt(error);
            verdict::judge(Evidence::new(run, Ending::NotStarted { reason }))
        }
        EngineError::Abandoned { .. } => verdict::judge(Evidence::new(run, Ending::Abandoned)),
        error @ (EngineError::Store(_) | EngineError::Queue { .. } | EngineError::Supervisor(_)) => {
            Answer::failure(&run.agent, ErrorType::CliError, error.to_string())
        }
    }
}

/// The request with everything that its run needs.
fn planned(fresh_session: SessionRef, config: &Config, request: &Request) -> Result<RunPlan, RequestError> {
    let agent = plan::agent(config, &request.agent)?;
    let around = Surroundings { fresh_session, depth: environment::depth(), caller_job: environment::caller_job() };
    plan::plan(request, agent, &config.settings, around)
}

/// What stands in the way of a run, in the order of the contract: depth, CLI, directory, values.
async fn obstacle(run: &RunPlan, max_depth: u32) -> Option<NotStarted> {
    if run.depth > max_depth {
        return Some(NotStarted::TooDeep { max: max_depth });
    }
    if let Err(missing) = claude::find() {
        return Some(NotStarted::CliMissing(missing.to_string()));
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

const fn unpaid(answer: Answer) -> Delivery {
    Delivery { answer, receipt: None }
}

fn facts(answer: &Answer) -> Facts {
    Facts {
        success: answer.success,
        denied_tools: answer.denied_tools.is_some(),
        budget_exceeded: answer.budget_exceeded == Some(true),
        unfinished: matches!(answer.outcome, Some(Outcome::Partial | Outcome::Blocked)),
    }
}

fn limits(settings: &Settings) -> Limits {
    Limits { ttl_seconds: settings.cache.ttl, max_size: usize::try_from(settings.cache.max_size).unwrap_or(usize::MAX) }
}

fn lock(cache: &Mutex<Cached>) -> MutexGuard<'_, Cached> {
    cache.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A session id that nobody has had.
#[must_use]
pub fn fresh_session() -> SessionRef {
    let uuid = uuid::Uuid::new_v4();
    SessionRef::from_uuid_bytes(*uuid.as_bytes())
}
