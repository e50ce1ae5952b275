//! Single flight: identical requests at the same time share one run, and later ones find its answer in the cache.
//!
//! A request that finds nothing *pays*: its run starts as a task of its own, so that it outlives the payer while others wait
//! for it too. How the run is owned (by the caller's connection, a call's ledger or a task) is the starter's business. The
//! last waiter to leave ends the run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{broadcast, watch};
use tokio::task::AbortHandle;

use super::task_handle::{TaskClaim, TaskHandle};
use crate::machines::answer::Answer;
use crate::machines::cache::{self, Cache, Inserted, Key, Limits, Lookup, Ticket};
use crate::shell::clock;
use crate::shell::engine::{Delivery, Receipt};
use crate::shell::leash::{News, OnNews};
use crate::shell::record::Form;

/// How many pieces of progress are kept for a waiter that does not read.
const NEWS_BACKLOG: usize = 64;

/// The cache of this process, and the runs under way whose answers it waits for. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct SingleFlight(Arc<Mutex<Shared>>);

#[derive(Debug, Default)]
pub(super) struct Shared {
    /// An answer may have 50 MB: those who wait for it share it.
    pub(super) answers: Cache<Arc<Answer>>,
    runs: BTreeMap<Ticket, Run>,
}

/// What a request finds.
pub(super) enum Asked {
    /// The answer.
    Cached(Arc<Answer>),
    /// An identical request pays already.
    Joined(Waiter),
    /// Its own run has started.
    Paid(Waiter),
}

/// A run under way.
#[derive(Debug, Clone)]
struct Run {
    news: broadcast::Sender<News>,
    ended: watch::Receiver<Option<Arc<Ended>>>,
    abort: AbortHandle,
    /// Its job, once it has one that is handed out as a task. The channel closes when the run has no task.
    task: watch::Receiver<Option<Arc<TaskClaim>>>,
}

/// How a run tells its waiters what happens.
pub(super) struct Announcer {
    news: broadcast::Sender<News>,
    task: watch::Sender<Option<Arc<TaskClaim>>>,
}

/// The answer of a run that ended.
#[derive(Debug)]
struct Ended {
    answer: Arc<Answer>,
    /// Goes to the first waiter that takes it: one delivery is enough.
    receipt: Mutex<Option<Receipt>>,
}

impl Announcer {
    /// Passes on a piece of news. An error would only say that nobody listens.
    pub(super) fn news(&self, news: &News) {
        drop(self.news.send(news.clone()));
    }

    /// Has the task handed out to those who ask for one.
    pub(super) fn task(&self, task: &TaskHandle) {
        self.task.send_replace(Some(task.claim()));
    }
}

impl SingleFlight {
    /// Serves a request from the cache, from an identical one's run, or by a run that `start` begins.
    pub(super) fn ask<F>(&self, key: &Key, limits: Limits, start: impl FnOnce(Announcer) -> F) -> Asked
    where
        F: Future<Output = Delivery> + Send + 'static,
    {
        let mut shared = self.lock();
        let (ticket, pays) = match shared.answers.lookup(key, clock::monotonic(), limits) {
            Lookup::Hit(answer) => return Asked::Cached(Arc::clone(answer)),
            Lookup::Join(ticket) => (ticket, false),
            Lookup::Pay(ticket) => (ticket, true),
        };
        if pays {
            let run = self.started(ticket, limits, start);
            shared.runs.insert(ticket, run);
        }
        let run = shared.runs.get(&ticket).cloned();
        let waiter = Waiter { run, guard: WaiterGuard { flight: self.clone(), ticket, leaves: true } };
        if pays { Asked::Paid(waiter) } else { Asked::Joined(waiter) }
    }

    fn started<F>(&self, ticket: Ticket, limits: Limits, start: impl FnOnce(Announcer) -> F) -> Run
    where
        F: Future<Output = Delivery> + Send + 'static,
    {
        let (news, _) = broadcast::channel(NEWS_BACKLOG);
        let (announce, task) = watch::channel(None);
        let (end, ended) = watch::channel(None);
        let run = start(Announcer { news: news.clone(), task: announce });
        let flight = self.clone();
        let running = tokio::spawn(async move {
            let Delivery { answer, receipt } = run.await;
            let answer = Arc::new(answer);
            flight.settle(ticket, Some(Arc::clone(&answer)), limits);
            drop(end.send(Some(Arc::new(Ended { answer, receipt: Mutex::new(receipt) }))));
        });
        Run { news, ended, abort: running.abort_handle(), task }
    }

    /// The end of a run: the cache takes its answer, or the ticket back where there is none that may be kept.
    pub(super) fn settle(&self, ticket: Ticket, answer: Option<Arc<Answer>>, limits: Limits) {
        let mut shared = self.lock();
        shared.runs.remove(&ticket);
        match answer.filter(|answer| cache::cacheable(answer)) {
            Some(answer) => {
                let inserted: Inserted = shared.answers.insert(ticket, answer, clock::monotonic(), limits);
                tracing::debug!(?inserted, "an answer for the cache");
            }
            None => shared.answers.discard(ticket),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that waits for a run. Dropping it leaves the run.
pub(super) struct Waiter {
    run: Option<Run>,
    guard: WaiterGuard,
}

impl Waiter {
    /// Passes on the news until the run has ended: its answer, and the receipt for the first who asks. `None` when it was
    /// lost without an answer.
    pub(super) async fn ended(self, on_news: OnNews<'_>) -> Option<(Arc<Answer>, Option<Receipt>)> {
        let ended = self.run?.follow(on_news).await?;
        let receipt = ended.receipt.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(self.guard);
        Some((Arc::clone(&ended.answer), receipt))
    }

    /// The run's task. `None` when it is none, or when its answer has another form.
    pub(super) async fn task(&self, form: Option<Form>) -> Option<TaskHandle> {
        let mut task = self.run.as_ref()?.task.clone();
        let claim = task.wait_for(Option::is_some).await.ok()?.clone()?;
        TaskHandle::shared(&claim, form)
    }

    /// Leaves the run to whoever holds its task.
    pub(super) fn leave_running(mut self) {
        self.guard.leaves = false;
    }

    /// Gives the place up; the answer of the run, once it is there.
    pub(super) fn leave(self) -> impl Future<Output = Option<Arc<Answer>>> + Send + 'static {
        let Self { run, guard } = self;
        drop(guard);
        async move {
            let mut ended = run?.ended;
            let ended = ended.wait_for(Option::is_some).await.ok()?;
            ended.as_ref().map(|ended| Arc::clone(&ended.answer))
        }
    }
}

impl Run {
    async fn follow(mut self, on_news: OnNews<'_>) -> Option<Arc<Ended>> {
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
                // Ended, or lost: a run that panicked says nothing more.
                _ = self.ended.changed() => break,
            }
        }
        while let Ok(told) = news.try_recv() {
            on_news(&told);
        }
        self.ended.wait_for(Option::is_some).await.ok()?.clone()
    }
}

/// A waiter's claim to a run. The last one to be dropped ends the run: nobody wants the answer.
struct WaiterGuard {
    flight: SingleFlight,
    ticket: Ticket,
    /// False where something else keeps the run alive in this waiter's place.
    leaves: bool,
}

impl Drop for WaiterGuard {
    fn drop(&mut self) {
        if !self.leaves {
            return;
        }
        let mut shared = self.flight.lock();
        // A ticket that was settled is unknown here, and nothing is ended.
        if shared.answers.leave(self.ticket)
            && let Some(run) = shared.runs.remove(&self.ticket)
        {
            run.abort.abort();
        }
    }
}
