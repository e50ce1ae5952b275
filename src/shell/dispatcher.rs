//! From a request to its answer: the order of checks, the cache, and the run that identical requests share.

mod calls;
mod held;
mod preflight;
mod shared;
mod tasks;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use self::held::Held;
use self::preflight::refused;
use self::shared::Flight;
pub use self::tasks::{Begun, Handed};
use super::call::batch::Item;
use super::call::part::PartAnswer;
use super::engine::{Delivery, Engine, EngineError, Receipt};
use super::environment::Origin;
use super::jobs::Jobs;
use super::leash::OnNews;
use super::usage::Line;
use super::{clock, random};
use crate::config::group;
use crate::config::model::Config;
use crate::config::plan::{self, Request, RequestError, Surroundings};
use crate::config::settings::Settings;
use crate::machines::answer::{Answer, ErrorType, Outcome};
use crate::machines::cache::{self, Cache, Facts, Limits, Ticket};
use crate::machines::ids::{JobId, SessionRef};
use crate::machines::plan::RunPlan;
use crate::machines::verdict::{self, EndReason, Evidence, NotStarted};

/// Whether an answer may come from the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caching {
    /// If the settings allow it.
    Allowed,
    /// Never: the request is part of a conversation, or wants to see the work.
    Never,
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
    origin: Origin,
    cache: Arc<Mutex<Cached>>,
}

#[derive(Debug, Default)]
struct Cached {
    /// Shared with those who wait for them: an answer may have 50 MB.
    answers: Cache<Arc<Answer>>,
    flights: BTreeMap<Ticket, Flight>,
}

impl Dispatcher {
    /// A dispatcher with an empty cache.
    #[must_use]
    pub fn new(engine: Engine, origin: Origin) -> Self {
        Self { engine, origin, cache: Arc::default() }
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
        on_news: OnNews<'_>,
    ) -> Result<Delivery, RequestError> {
        self.dispatch_as(random::session_id(), config, request, caching, on_news).await
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
        on_news: OnNews<'_>,
    ) -> Result<Delivery, RequestError> {
        self.dispatch_held(Held::ByCaller, fresh_session, config, request, caching, on_news).await
    }

    /// As [`Self::dispatch_as`], for a run that is held by somebody.
    ///
    /// # Errors
    /// As [`Self::dispatch`].
    pub async fn dispatch_held(
        &self,
        held: Held,
        fresh_session: SessionRef,
        config: &Config,
        request: &Request,
        caching: Caching,
        on_news: OnNews<'_>,
    ) -> Result<Delivery, RequestError> {
        let settings = &config.settings;
        let request = &*group::within(config, request)?;
        let run = self.planned(fresh_session, config, request)?;
        if caching == Caching::Never || !settings.cache.enabled {
            return Ok(perform(&self.engine, &run, settings.max_dispatch_depth, held, on_news).await);
        }
        let key = plan::cache_key(request, plan::agent(config, &request.agent)?, settings);
        Ok(self.share(&key, run, settings, held, on_news).await)
    }

    /// Checks a request as far as that is possible without a run.
    ///
    /// # Errors
    /// [`RequestError`] for the caller's mistakes.
    pub fn check(&self, config: &Config, request: &Request) -> Result<(), RequestError> {
        self.planned(random::session_id(), config, &*group::within(config, request)?).map(drop)
    }

    /// Submits a request as a job that runs whatever becomes of this process.
    ///
    /// # Errors
    /// [`RequestError`] for the caller's mistakes.
    pub async fn submit(&self, config: &Config, request: &Request) -> Result<Submitted, RequestError> {
        let run = self.planned(random::session_id(), config, &*group::within(config, request)?)?;
        if let Some(answer) = refused(&self.engine, &run, config.settings.max_dispatch_depth).await {
            return Ok(Submitted::Refused(Box::new(answer)));
        }
        Ok(match self.engine.submit_detached(&run, None) {
            Ok(id) => Submitted::Job(id),
            Err(error) => Submitted::Refused(Box::new(without_answer(&self.engine, &run, error))),
        })
    }

    /// What is told of an answer, and the receipt to redeem once it was: an answer that was left in the store stays there.
    pub async fn part_answer(&self, item: &Item, delivery: Delivery) -> (PartAnswer, Option<Receipt>) {
        let Delivery { answer, receipt } = delivery;
        let Some(chars) = item.summary_chars else { return (PartAnswer::whole(answer), receipt) };
        let kept = match &receipt {
            // Not redeemed, so that it stays.
            Some(receipt) => Ok(receipt.id()),
            None => {
                let (jobs, request, answer) = (Jobs::new(self.engine.clone()), item.request.clone(), answer.clone());
                self.engine.blocking().run(move || jobs.keep(&request, &answer)).await
            }
        };
        match kept {
            Ok(id) => (PartAnswer { answer, reference: Some((id, chars)) }, None),
            // The answer is worth more than its reference.
            Err(error) => {
                tracing::warn!(%error, "an answer could not be stored");
                (PartAnswer::whole(answer), None)
            }
        }
    }

    /// The request with everything that its run needs.
    fn planned(&self, fresh_session: SessionRef, config: &Config, request: &Request) -> Result<RunPlan, RequestError> {
        let agent = plan::agent(config, &request.agent)?;
        let around = Surroundings {
            fresh_session,
            depth: self.origin.depth,
            caller_job: self.origin.caller_job.clone(),
            usage_log: self.origin.usage_log.clone(),
        };
        plan::plan(request, agent, &config.settings, around)
    }

    fn lock(&self) -> MutexGuard<'_, Cached> {
        lock(&self.cache)
    }
}

/// One run, from the checks that cost nothing to its answer.
async fn perform(engine: &Engine, run: &RunPlan, max_depth: u32, held: Held, on_news: OnNews<'_>) -> Delivery {
    if let Held::ByCall(ledger, part) = &held {
        return held::perform(engine, run, max_depth, (ledger, *part), on_news).await;
    }
    if let Some(answer) = refused(engine, run, max_depth).await {
        return Delivery::unpaid(answer);
    }
    match engine.run(run, on_news).await {
        Ok(delivery) => delivery,
        Err(error) => Delivery::unpaid(without_answer(engine, run, error)),
    }
}

/// What an error of the engine means for the caller.
fn without_answer(engine: &Engine, run: &RunPlan, error: EngineError) -> Answer {
    let answer = match error {
        EngineError::Prompt(error) => {
            let reason = NotStarted::BadPrompt(error);
            verdict::judge(Evidence::new(run, EndReason::NotStarted { reason }))
        }
        error @ (EngineError::Store(_)
        | EngineError::Queue { .. }
        | EngineError::Supervisor(_)
        | EngineError::Unsupervised { .. }) => Answer::failure(&run.agent, ErrorType::CliError, error.to_string()),
    };
    accounted(engine, run, answer)
}

/// The answer, once its line is on its way into the usage journal. For answers that no supervisor concluded; those that
/// one did have their line.
fn accounted(engine: &Engine, run: &RunPlan, answer: Answer) -> Answer {
    if let Some(line) = Line::of_answer(run, &answer) {
        engine.blocking().start(move || line.write());
    }
    answer
}

/// An answer that another run was paid for.
fn cached(engine: &Engine, run: &RunPlan, answer: &Answer) -> Answer {
    accounted(engine, run, Answer { cached: Some(true), ..answer.clone() })
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
