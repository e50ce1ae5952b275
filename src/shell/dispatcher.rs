//! The way of a request to its answer: what can be checked without a run, the cache, the run that identical requests share.
//!
//! | file | what |
//! |---|---|
//! | `preflight` | what would stop a run, looked at before anything is submitted |
//! | `singleflight` | ask the cache, join an identical run, or pay for one |
//! | `owner` | what keeps a run alive, and how it is started and waited for then |
//! | `tasks`, `task_handle` | requests that become tasks |
//! | `calls` | calls of several requests that become tasks |

mod calls;
mod owner;
mod preflight;
mod singleflight;
mod task_handle;
mod tasks;

pub use self::owner::Owner;
use self::singleflight::{Asked, SingleFlight, Waiter};
pub use self::task_handle::TaskHandle;
pub use self::tasks::Begun;
use super::call::batch::Item;
use super::call::part::PartAnswer;
use super::engine::{Delivery, Engine, EngineError, Receipt};
use super::environment::Origin;
use super::jobs::Jobs;
use super::leash::OnNews;
use super::usage::UsageLine;
use super::{clock, random};
use crate::config::group;
use crate::config::model::Config;
use crate::config::plan::{self, CallerContext, Request, RequestError};
use crate::config::settings::Settings;
use crate::machines::answer::{Answer, ErrorType};
use crate::machines::cache::{self, Key, Limits};
use crate::machines::ids::SessionRef;
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

/// How a request is dispatched.
#[derive(Debug)]
pub struct Options {
    /// Whether its answer may come from the cache.
    pub caching: Caching,
    /// What keeps its run alive.
    pub owner: Owner,
    /// The id that a new session gets: whoever gives up waiting can then still name it.
    pub session: SessionRef,
}

impl Options {
    /// For a caller that waits, in a session that nobody has had.
    #[must_use]
    pub fn new(caching: Caching) -> Self {
        Self { caching, owner: Owner::Caller, session: random::session_id() }
    }
}

/// Runs requests. One for each process.
#[derive(Debug)]
pub struct Dispatcher {
    engine: Engine,
    origin: Origin,
    runs: SingleFlight,
}

impl Dispatcher {
    /// A dispatcher with an empty cache.
    #[must_use]
    pub fn new(engine: Engine, origin: Origin) -> Self {
        Self { engine, origin, runs: SingleFlight::default() }
    }

    /// The engine.
    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The cache's numbers; `None` when it is switched off.
    #[must_use]
    pub fn cache_stats(&self, settings: &Settings) -> Option<cache::Stats> {
        settings.cache.enabled.then(|| self.runs.lock().answers.stats(clock::monotonic(), limits(settings)))
    }

    /// Empties the cache; the number of answers that were in it.
    #[must_use]
    pub fn cache_clear(&self) -> usize {
        self.runs.lock().answers.clear()
    }

    /// Forgets what an agent answered, because its configuration changes.
    pub fn forget(&self, agent: &str) {
        self.runs.lock().answers.drop_agent(agent);
    }

    /// Runs a request to its answer. Dropping the future ends a run that its caller owns, unless somebody else waits for the
    /// same.
    ///
    /// # Errors
    /// [`RequestError`] for the caller's mistakes. Whatever goes wrong with the run is an answer.
    pub async fn dispatch(
        &self,
        config: &Config,
        request: &Request,
        Options { caching, owner, session }: Options,
        on_news: OnNews<'_>,
    ) -> Result<Delivery, RequestError> {
        let (run, key) = self.prepare(config, request, session, caching)?;
        let max_depth = config.settings.max_dispatch_depth;
        let Some((key, limits)) = key else {
            return Ok(owner::perform(&self.engine, &run, max_depth, &owner, on_news).await);
        };
        let bound = owner.may_have_begun();
        let (engine, plan, owned) = (self.engine.clone(), run.clone(), owner.clone());
        let asked = self.runs.ask(&key, limits, |announcer| async move {
            owner::perform(&engine, &plan, max_depth, &owned, &mut |news| announcer.news(news)).await
        });
        Ok(match asked {
            // Its own run is paid for, or about to be: it goes on, whatever identical ones have brought since.
            Asked::Cached(_) | Asked::Joined(_) if bound => {
                drop(asked);
                owner::perform(&self.engine, &run, max_depth, &owner, on_news).await
            }
            Asked::Cached(answer) => Delivery::unpaid(cached(&self.engine, &run, &answer)),
            Asked::Joined(waiter) => self.waited_for(waiter, false, &run, on_news).await,
            Asked::Paid(waiter) => self.waited_for(waiter, true, &run, on_news).await,
        })
    }

    /// Waits for a run that others may wait for as well.
    async fn waited_for(&self, waiter: Waiter, pays: bool, run: &RunPlan, on_news: OnNews<'_>) -> Delivery {
        match waiter.ended(on_news).await {
            Some((answer, receipt)) if pays => Delivery { answer: Answer::clone(&answer), receipt },
            Some((answer, receipt)) => Delivery { answer: cached(&self.engine, run, &answer), receipt },
            None => {
                let error = "the run that identical requests shared ended without an answer; call again";
                Delivery::unpaid(Answer::failure(&run.agent, ErrorType::CliError, error))
            }
        }
    }

    /// Checks a request as far as that is possible without a run.
    ///
    /// # Errors
    /// [`RequestError`] for the caller's mistakes.
    pub fn check(&self, config: &Config, request: &Request) -> Result<(), RequestError> {
        self.prepare(config, request, random::session_id(), Caching::Never).map(drop)
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

    /// Everything that the run of a request needs, and the key and limits of its answer where that may be cached.
    fn prepare(
        &self,
        config: &Config,
        request: &Request,
        fresh_session: SessionRef,
        caching: Caching,
    ) -> Result<(RunPlan, Option<(Key, Limits)>), RequestError> {
        let settings = &config.settings;
        let request = group::within(config, request)?;
        let agent = plan::agent(config, &request.agent)?;
        let Origin { depth, caller_job, usage_log } = self.origin.clone();
        let run = plan::plan(&request, agent, settings, CallerContext { fresh_session, depth, caller_job, usage_log })?;
        let cached = caching == Caching::Allowed && settings.cache.enabled;
        Ok((run, cached.then(|| (plan::cache_key(&request, agent, settings), limits(settings)))))
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
    if let Some(line) = UsageLine::of_answer(run, &answer) {
        engine.blocking().start(move || line.write());
    }
    answer
}

/// An answer that another run was paid for.
fn cached(engine: &Engine, run: &RunPlan, answer: &Answer) -> Answer {
    accounted(engine, run, Answer { cached: Some(true), ..answer.clone() })
}

fn limits(settings: &Settings) -> Limits {
    Limits { ttl_seconds: settings.cache.ttl, max_size: usize::try_from(settings.cache.max_size).unwrap_or(usize::MAX) }
}
