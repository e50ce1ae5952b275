//! Requests that become tasks: the caller gets the id of a job instead of waiting, and asks any server for it later.
//!
//! A task's job is on disk and supervised before its id is given away, and it belongs to nobody's connection. Its record
//! stays when the answer was read, since a client may ask again, after a restart say; it goes as every job goes that
//! nobody waited for: with `dispatch_gc`, `agent-dispatch gc` or `settings.job_retention_days`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::{broadcast, oneshot, watch};

use super::shared::{Flight, Landed, NEWS_BACKLOG, Ride, Seat};
use super::{Caching, Dispatcher, cached, limits, refused, without_answer};
use crate::config::group;
use crate::config::model::Config;
use crate::config::plan::{self, Request, RequestError};
use crate::machines::answer::{Answer, ErrorType};
use crate::machines::cache::{Limits, Lookup, Ticket};
use crate::machines::ids::JobId;
use crate::machines::plan::RunPlan;
use crate::shell::clock;
use crate::shell::engine::{Delivery, Engine};
use crate::shell::jobs::Jobs;
use crate::shell::random;
use crate::shell::record::{Form, Record};
use crate::shell::store::StoreError;

/// What became of a request that may become a task.
#[derive(Debug)]
pub enum Begun {
    /// It was answered at once: from the cache, or because it cannot run. Or it waited for another one's run.
    Answer(Box<Delivery>),
    /// It is a task.
    Task(Handed),
}

/// The job of a task, whose id is about to be given away. When all that hold it are dropped and none was delivered, the
/// job is cancelled: nobody knows of it, and it would cost unseen.
#[derive(Debug)]
pub struct Handed(Job);

/// A job that may be handed to several callers.
pub(super) type Job = Arc<Claim>;

/// Who knows of a job.
#[derive(Debug)]
pub(super) struct Claim {
    engine: Engine,
    id: JobId,
    form: Form,
    holders: AtomicUsize,
    delivered: AtomicBool,
}

impl Handed {
    /// Of a job that was just submitted: held from here on, whatever becomes of the caller.
    pub(super) fn first(engine: Engine, id: JobId, form: Form) -> Self {
        let (holders, delivered) = (AtomicUsize::new(0), AtomicBool::new(false));
        Self::new(&Arc::new(Claim { engine, id, form, holders, delivered }))
    }

    fn new(job: &Job) -> Self {
        job.holders.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(job))
    }

    /// The job.
    #[must_use]
    pub fn id(&self) -> JobId {
        self.0.id
    }

    /// Its id has left this process.
    pub fn delivered(self) {
        self.0.delivered.store(true, Ordering::Release);
    }
}

impl Drop for Handed {
    fn drop(&mut self) {
        if self.0.holders.fetch_sub(1, Ordering::AcqRel) > 1 || self.0.delivered.load(Ordering::Acquire) {
            return;
        }
        let (id, blocking) = (self.0.id, self.0.engine.blocking().clone());
        let jobs = Jobs::new(self.0.engine.clone());
        let cancel = move || match jobs.cancel(&id) {
            Ok(_) => tracing::info!(%id, "a task whose caller never heard of it is cancelled"),
            Err(error) => tracing::warn!(%id, %error, "a task whose caller never heard of it is not cancelled"),
        };
        match tokio::runtime::Handle::try_current() {
            Ok(_) => blocking.start(cancel),
            // The process ends.
            Err(_) => cancel(),
        }
    }
}

impl Dispatcher {
    /// Begins a run as a task whose answer is given in this form.
    ///
    /// # Errors
    /// [`RequestError`] for the caller's mistakes.
    pub async fn begin(
        &self,
        config: &Config,
        request: &Request,
        caching: Caching,
        form: Form,
    ) -> Result<Begun, RequestError> {
        let settings = &config.settings;
        let asked = group::within(config, request)?;
        let run = self.planned(random::session_id(), config, &asked)?;
        if caching == Caching::Never || !settings.cache.enabled {
            return Ok(match submit(&self.engine, &run, settings.max_dispatch_depth, form).await {
                Ok(task) => Begun::Task(task),
                Err(answer) => Begun::Answer(answer),
            });
        }
        let key = plan::cache_key(&asked, plan::agent(config, &request.agent)?, settings);
        let limits = limits(settings);
        let (ride, flight, mine) = {
            let mut cached = self.lock();
            match cached.answers.lookup(&key, clock::monotonic(), limits) {
                Lookup::Hit(answer) => {
                    return Ok(Begun::Answer(Box::new(Delivery::unpaid(super::cached(&self.engine, &run, answer)))));
                }
                Lookup::Join(ticket) => (Ride { run, ticket, pays: false }, cached.flights.get(&ticket).cloned(), None),
                Lookup::Pay(ticket) => {
                    let (flight, mine) =
                        self.take_off_as_task(ticket, run.clone(), settings.max_dispatch_depth, limits, form);
                    cached.flights.insert(ticket, flight.clone());
                    (Ride { run, ticket, pays: true }, Some(flight), Some(mine))
                }
            }
        };
        let task = match mine {
            Some(mine) => mine.await.ok(),
            None => match flight.clone().and_then(|flight| flight.job) {
                Some(job) => shared(job, form).await,
                None => None,
            },
        };
        match task {
            // Whoever joined takes its seat and leaves it: the run is held by its task, not by those who wait.
            Some(task) if ride.pays => Ok(Begun::Task(task)),
            Some(task) => {
                drop(Seat { cache: Arc::clone(&self.cache), ticket: ride.ticket });
                self.account_joined(ride.run, flight);
                Ok(Begun::Task(task))
            }
            None => Ok(Begun::Answer(Box::new(self.ride(ride, flight, &mut |_| {}).await))),
        }
    }

    /// Has the line of a request written that joined a task, once the run has landed: its answer cost nothing.
    fn account_joined(&self, run: RunPlan, flight: Option<Flight>) {
        let Some(mut flight) = flight else { return };
        let engine = self.engine.clone();
        tokio::spawn(async move {
            if let Ok(Some(landed)) = flight.landed.wait_for(Option::is_some).await.as_deref() {
                drop(cached(&engine, &run, &landed.answer));
            }
        });
    }

    /// As [`Self::take_off`], for a run that nobody's connection holds.
    fn take_off_as_task(
        &self,
        ticket: Ticket,
        run: RunPlan,
        max_depth: u32,
        limits: Limits,
        form: Form,
    ) -> (Flight, oneshot::Receiver<Handed>) {
        let (news, _) = broadcast::channel(NEWS_BACKLOG);
        let (landing, landed) = watch::channel(None);
        let (publish, job) = watch::channel(None);
        let (payer, mine) = oneshot::channel();
        let (engine, cache) = (self.engine.clone(), Arc::clone(&self.cache));
        let task = tokio::spawn(async move {
            let delivery = match submit(&engine, &run, max_depth, form).await {
                Ok(task) => {
                    let id = task.id();
                    publish.send_replace(Some(Arc::clone(&task.0)));
                    // A payer that is gone drops the task, and so cancels the job.
                    drop(payer.send(task));
                    follow(&engine, &run, id).await
                }
                Err(answer) => {
                    drop((publish, payer));
                    *answer
                }
            };
            drop(landing.send(Some(Landed::with(delivery, &cache, ticket, limits))));
        });
        (Flight { news, landed, run: task.abort_handle(), job: Some(job) }, mine)
    }
}

/// The task of a run that another caller pays for. `None` when there will be none, or when its answer has another form.
async fn shared(mut job: watch::Receiver<Option<Job>>, form: Form) -> Option<Handed> {
    let job = job.wait_for(Option::is_some).await.ok()?.clone()?;
    (job.form == form).then(|| Handed::new(&job))
}

/// Submits the job of a task, or answers at once.
async fn submit(engine: &Engine, run: &RunPlan, max_depth: u32, form: Form) -> Result<Handed, Box<Delivery>> {
    if let Some(answer) = refused(engine, run, max_depth).await {
        return Err(Box::new(Delivery::unpaid(answer)));
    }
    let submitted = {
        let (engine, run, blocking) = (engine.clone(), run.clone(), engine.blocking());
        let submit = move || {
            let id = engine.submit_detached(&run, Some(form))?;
            Ok(Handed::first(engine, id, form))
        };
        blocking.run(submit).await
    };
    submitted.map_err(|error| Box::new(Delivery::unpaid(without_answer(engine, run, error))))
}

/// Waits for the end of a task's job, for the cache and for those who share it without being told of tasks.
async fn follow(engine: &Engine, run: &RunPlan, id: JobId) -> Delivery {
    let ended = Jobs::new(engine.clone()).to_the_end(id, &mut |_| {}).await;
    let failed = |error: StoreError| Answer::failure(&run.agent, ErrorType::CliError, error.to_string());
    Delivery::unpaid(ended.map_or_else(failed, Record::into_answer))
}
