//! Runs that several askers share: identical requests at the same time pay once.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{broadcast, watch};
use tokio::task::AbortHandle;

use super::{Cached, Dispatcher, Held, facts, limits, lock, perform, tasks};
use crate::config::settings::Settings;
use crate::machines::answer::{Answer, ErrorType};
use crate::machines::cache::{self, Key, Limits, Lookup, Ticket};
use crate::machines::plan::RunPlan;
use crate::shell::clock;
use crate::shell::engine::{Delivery, Receipt};
use crate::shell::leash::{News, OnNews};

/// How much progress is kept for an asker who does not read, in pieces.
pub(super) const NEWS_BACKLOG: usize = 64;

/// A run that several askers may share.
#[derive(Debug, Clone)]
pub(super) struct Flight {
    pub(super) news: broadcast::Sender<News>,
    pub(super) landed: watch::Receiver<Option<Arc<Landed>>>,
    pub(super) run: AbortHandle,
    /// Of a run that is a task: its job, once there is one.
    pub(super) job: Option<watch::Receiver<Option<tasks::Job>>>,
}

#[derive(Debug)]
pub(super) struct Landed {
    pub(super) answer: Arc<Answer>,
    /// Goes to the first asker who takes it: one delivery is enough.
    receipt: Mutex<Option<Receipt>>,
}

impl Landed {
    /// The end of a run: the cache takes its answer or the ticket back.
    pub(super) fn with(delivery: Delivery, cache: &Mutex<Cached>, ticket: Ticket, limits: Limits) -> Arc<Self> {
        let mut cached = lock(cache);
        cached.flights.remove(&ticket);
        let answer = Arc::new(delivery.answer);
        if cache::cacheable(&facts(&answer)) {
            cached.answers.insert(ticket, Arc::clone(&answer), clock::monotonic(), limits);
        } else {
            cached.answers.discard(ticket);
        }
        drop(cached);
        Arc::new(Self { answer, receipt: Mutex::new(delivery.receipt) })
    }
}

/// Who waits for which run.
pub(super) struct Ride {
    pub(super) run: RunPlan,
    pub(super) ticket: Ticket,
    pub(super) pays: bool,
}

impl Dispatcher {
    /// Serves a request from the cache, from a run that is under way for the same request, or by a run of its own.
    pub(super) async fn share(
        &self,
        key: &Key,
        run: RunPlan,
        settings: &Settings,
        held: Held,
        on_news: OnNews<'_>,
    ) -> Delivery {
        let limits = limits(settings);
        let max_depth = settings.max_dispatch_depth;
        let own = held.may_have_begun();
        let found = {
            let mut cached = self.lock();
            match cached.answers.lookup(key, clock::monotonic(), limits) {
                // A run of its own is paid for, or about to be: it goes on, whatever identical ones have brought since.
                Lookup::Hit(_) if own => None,
                Lookup::Join(ticket) if own => {
                    let _others_wait_for_it = cached.answers.leave(ticket);
                    None
                }
                Lookup::Hit(answer) => {
                    return Delivery::unpaid(super::cached(&self.engine, &run, answer));
                }
                Lookup::Join(ticket) => Some((ticket, cached.flights.get(&ticket).cloned(), false)),
                Lookup::Pay(ticket) => {
                    let flight = self.take_off(ticket, run.clone(), max_depth, limits, held.clone());
                    cached.flights.insert(ticket, flight.clone());
                    Some((ticket, Some(flight), true))
                }
            }
        };
        let Some((ticket, flight, pays)) = found else {
            return perform(&self.engine, &run, max_depth, held, on_news).await;
        };
        let ride = Ride { run, ticket, pays };
        self.ride(ride, flight, on_news).await
    }

    /// Waits for a run that others may wait for as well.
    pub(super) async fn ride(&self, ride: Ride, flight: Option<Flight>, on_news: OnNews<'_>) -> Delivery {
        let Ride { run, ticket, pays } = ride;
        let _seat = Seat { cache: Arc::clone(&self.cache), ticket };
        let landed = match flight {
            Some(flight) => flight.follow(on_news).await,
            None => None,
        };
        let Some(landed) = landed else {
            let error = "the run that identical requests shared ended without an answer; call again";
            return Delivery::unpaid(Answer::failure(run.agent, ErrorType::CliError, error));
        };
        let receipt = landed.receipt.lock().unwrap_or_else(PoisonError::into_inner).take();
        let answer =
            if pays { Answer::clone(&landed.answer) } else { super::cached(&self.engine, &run, &landed.answer) };
        Delivery { answer, receipt }
    }

    /// Starts a run as a task of its own, so that it outlives the asker who pays while others wait for it too.
    fn take_off(&self, ticket: Ticket, run: RunPlan, max_depth: u32, limits: Limits, held: Held) -> Flight {
        let (news, _) = broadcast::channel(NEWS_BACKLOG);
        let (landing, landed) = watch::channel(None);
        let (engine, cache, sender) = (self.engine.clone(), Arc::clone(&self.cache), news.clone());
        let task = tokio::spawn(async move {
            // An error only says that nobody listens.
            let mut tell = |news: &News| drop(sender.send(news.clone()));
            let delivery = perform(&engine, &run, max_depth, held, &mut tell).await;
            drop(landing.send(Some(Landed::with(delivery, &cache, ticket, limits))));
        });
        Flight { news, landed, run: task.abort_handle(), job: None }
    }
}

impl Flight {
    /// Passes on the news until the run has landed. `None` when it never does.
    async fn follow(mut self, on_news: OnNews<'_>) -> Option<Arc<Landed>> {
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
pub(super) struct Seat {
    pub(super) cache: Arc<Mutex<Cached>>,
    pub(super) ticket: Ticket,
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
