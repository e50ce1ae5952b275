//! Waiting for a run, whoever supervises it: a supervisor that dies meanwhile is replaced, and its claude works on. What
//! happens next is decided by [`takeover::step`]; a [`Wait`] performs its effects.

use std::fs::File;
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::Duration;

use super::{Delivery, Engine, EngineError, Files, Receipt, pending};
use crate::fs::atomic::Durability;
use crate::fs::failpoint;
use crate::machines::ids::JobId;
use crate::machines::job::{self, State};
use crate::machines::next_call;
use crate::machines::plan::RunPlan;
use crate::machines::takeover::{self, Effect, Event};
use crate::shell::leash::{Intake, News, OnNews};
use crate::shell::record::Record;
use crate::shell::store::{JobFile, Store, StoreError};
use crate::shell::{cancelled, job_lock, leftovers, random, supervisor};

/// How often to look whether a run that is supervised within this process is to end.
const WISH_LOOK: Duration = Duration::from_millis(500);

/// How many pieces of progress were told. A supervisor that takes a run over reads its output from the beginning.
#[derive(Default)]
struct Told {
    so_far: usize,
    by_this_one: usize,
}

impl Told {
    /// The news without what was told before.
    fn fresh(&mut self, news: News) -> Option<News> {
        let pieces = match news {
            News::Progress { .. } => 1,
            News::Missed(pieces) => pieces,
            News::Queued(_) | News::Started | News::Rescued(_) | News::Ended => return Some(news),
        };
        self.by_this_one += pieces;
        let fresh = self.by_this_one.saturating_sub(self.so_far);
        self.so_far += fresh;
        match news {
            _ if fresh == 0 => None,
            News::Missed(_) => Some(News::Missed(fresh)),
            news => Some(news),
        }
    }
}

impl Engine {
    /// Runs a job to its end, in its turn. Dropping the future ends the run, also while it waits.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn run(&self, plan: &RunPlan, on_news: OnNews<'_>) -> Result<Delivery, EngineError> {
        let plan = plan.clone();
        let submit = move |engine: Self| {
            let record = pending(random::job_id(), &plan);
            let leash = engine.submit(&record, &plan, |id, files| engine.start_on_leash(id, files))?;
            Ok::<_, EngineError>((record.id, leash))
        };
        let (id, intake) = self.in_turn(submit).await?;
        let (record, leash) = Wait::new(self, id, intake).run(on_news).await?;
        let receipt = Receipt { leash, ..self.receipt(id) };
        Ok(Delivery { answer: record.into_answer(), receipt: Some(receipt) })
    }

    /// Both ends of a leash.
    pub(super) fn leash(&self) -> Result<(Intake, UnixStream), EngineError> {
        failpoint::check("leash").map_err(EngineError::Supervisor)?;
        let (ours, theirs) = UnixStream::pair().map_err(EngineError::Supervisor)?;
        ours.set_nonblocking(true).map_err(EngineError::Supervisor)?;
        let ours = tokio::net::UnixStream::from_std(ours).map_err(EngineError::Supervisor)?;
        Ok((Intake::new(ours), theirs))
    }
}

/// A caller's wait for a run. Dropping it is the caller leaving.
struct Wait<'a> {
    engine: &'a Engine,
    id: JobId,
    state: takeover::State,
    leash: Option<Intake>,
    /// The job lock, between its taking and the start of a supervisor that gets it.
    lock: Option<File>,
    /// The record as it was read last, or why it could not be.
    found: Result<Box<Record>, EngineError>,
    told: Told,
}

impl<'a> Wait<'a> {
    fn new(engine: &'a Engine, id: JobId, leash: Intake) -> Self {
        let (state, found) = (takeover::begin().0, Err(StoreError::NotFound(id).into()));
        Self { engine, id, state, leash: Some(leash), lock: None, found, told: Told::default() }
    }

    /// Waits for the end of the run: its record, and the leash of the supervisor process that came to it.
    async fn run(mut self, on_news: OnNews<'_>) -> Result<(Record, Option<Intake>), EngineError> {
        let (_, mut effects) = takeover::begin();
        loop {
            let mut happened = None;
            for effect in effects {
                happened = self.perform(effect, on_news).await;
            }
            let Some(event) = happened else { break };
            match takeover::step(self.state, &event) {
                Ok((state, due)) => (self.state, effects) = (state, due),
                Err(rejected) => {
                    tracing::error!(id = %self.id, "bug: takeover rejected {} in {}", event.name(), self.state.name());
                    return Err(StoreError::Rejected(rejected).into());
                }
            }
        }
        let found = std::mem::replace(&mut self.found, Err(StoreError::NotFound(self.id).into()));
        found.map(|record| (*record, self.leash.take()))
    }

    /// Performs an effect; what happens next, unless it is the last one.
    async fn perform(&mut self, effect: Effect, on_news: OnNews<'_>) -> Option<Event> {
        Some(match effect {
            Effect::Listen => self.listen(on_news).await,
            Effect::ListenAndLook => {
                let (engine, id) = (self.engine, self.id);
                let looked = tokio::select! {
                    biased;
                    event = self.listen(on_news) => return Some(event),
                    record = is_to_end(engine, id) => record,
                };
                self.noted(Ok(looked), Event::LeashClosed)
            }
            Effect::Follow => self.follow(on_news).await,
            Effect::TakeLock => self.take_lock().await,
            Effect::StartProcess => self.start_process().await,
            Effect::StartThread => self.start_thread(),
            Effect::Pause => {
                tokio::time::sleep(Duration::from_millis(takeover::RETRY_PAUSE_MS)).await;
                Event::PauseOver
            }
            Effect::Look => {
                let read = self.read().await;
                let manned = read.as_ref().is_ok_and(|record| record.state().is_manned());
                self.noted(read, Event::StillOpen { manned })
            }
            Effect::LetGo => {
                self.leash = None;
                return None;
            }
            // Both are what was found.
            Effect::Answer | Effect::Fail => return None,
            Effect::TellWhere => {
                let left = format!("it goes on, and its answer is kept for {}", next_call::wait(&self.id));
                return self.leave(left);
            }
            Effect::Cancel => {
                let left = self.cancel().await;
                return self.leave(left);
            }
            Effect::Renounce => {
                self.renounce_soon();
                return None;
            }
        })
    }

    /// What a look at the record shows; `open`: what it means that it has no end.
    fn noted(&mut self, read: Result<Record, StoreError>, open: Event) -> Event {
        let event = match &read {
            Ok(record) if record.status.is_terminal() => Event::RecordEnded,
            Ok(_) => open,
            Err(StoreError::NotFound(_)) => Event::RecordGone,
            Err(error) => {
                tracing::warn!(id = %self.id, %error, "the record cannot be read yet");
                Event::Unreadable
            }
        };
        self.found = read.map(Box::new).map_err(EngineError::from);
        event
    }

    async fn read(&self) -> Result<Record, StoreError> {
        let (store, id) = (self.engine.store.clone(), self.id);
        // An answer may have 50 MB.
        self.engine.blocking.run(move || store.read(&id)).await
    }

    /// Passes on the news until the supervisor has no more.
    async fn listen(&mut self, on_news: OnNews<'_>) -> Event {
        self.told.by_this_one = 0;
        let mut rescued = None;
        if let Some(leash) = &mut self.leash {
            while let Some(news) = leash.next().await {
                match news {
                    News::Ended => break,
                    News::Rescued(record) => rescued = Some(*record),
                    news @ (News::Queued(_) | News::Started | News::Progress { .. } | News::Missed(_)) => {
                        self.told.fresh(news).iter().for_each(&mut *on_news);
                    }
                }
            }
        }
        let read = match rescued {
            Some(record) => Ok(record),
            None => self.read().await,
        };
        let event = self.noted(read, Event::LeashClosed);
        // A supervisor that waits for its farewell leaves.
        self.leash = self.leash.take().filter(|_| event == Event::RecordEnded);
        event
    }

    /// Follows a run whose supervisor has no leash, by its record.
    async fn follow(&mut self, on_news: OnNews<'_>) -> Event {
        // Before the first look: an end between look and watch would be missed.
        let mut watch = self.engine.watches.of(&self.engine.store.folder(&self.id));
        let mut told = None;
        loop {
            let (store, id) = (self.engine.store.clone(), self.id);
            let look = move || (store.read(&id), job_lock::is_held(&store.file(&id, JobFile::Lock)));
            let (read, supervised) = self.engine.blocking.run(look).await;
            match (self.noted(read, Event::Unsupervised), &self.found) {
                (Event::Unsupervised, Ok(record)) if supervised => {
                    let news = News::standing(record, None);
                    if news.is_some() && news != told {
                        news.iter().for_each(&mut *on_news);
                        told = news;
                    }
                }
                (event, _) => return event,
            }
            watch.changed().await;
        }
    }

    async fn take_lock(&mut self) -> Event {
        let (store, id) = (self.engine.store.clone(), self.id);
        let take = move || {
            let lock = job_lock::take(&store, &id);
            failpoint::reach("take_over");
            // Read under the lock: the run may have been taken over and ended in between.
            (lock, store.read(&id))
        };
        match self.engine.blocking.run(take).await {
            (Ok(None), _) => Event::LockBusy,
            (Ok(Some(lock)), read) => {
                self.lock = Some(lock);
                self.noted(read, Event::LockTaken)
            }
            (Err(error), read) => {
                tracing::warn!(%id, %error, "the run cannot be taken over yet");
                self.noted(read, Event::Unreadable)
            }
        }
    }

    async fn start_process(&mut self) -> Event {
        let (engine, id, state) = (self.engine.clone(), self.id, self.state);
        tracing::warn!(%id, ?state, "the supervisor died; the run is taken over");
        let Some(lock) = self.lock.as_ref().and_then(|lock| lock.try_clone().ok()) else { return Event::StartFailed };
        let start = move || engine.start_on_leash(&id, Files { lock, ticket: Stdio::null() });
        match self.engine.blocking.run(start).await {
            Ok(leash) => {
                (self.leash, self.lock) = (Some(leash), None);
                Event::Started
            }
            Err(error) => {
                tracing::error!(%id, %error, "no supervisor could be started");
                Event::StartFailed
            }
        }
    }

    fn start_thread(&mut self) -> Event {
        let Some((lock, (ours, theirs))) = self.lock.take().zip(self.engine.leash().ok()) else {
            return Event::StartFailed;
        };
        let (store, id) = (self.engine.store.clone(), self.id);
        tracing::warn!(%id, "the run is supervised within this process");
        self.engine.blocking.start(move || {
            if let Err(error) = supervisor::stand_in(store, id, lock, theirs) {
                tracing::error!(%id, %error, "the run cannot be supervised");
            }
        });
        self.leash = Some(ours);
        Event::Started
    }

    /// Marks the job cancelled; what is told of that.
    async fn cancel(&self) -> String {
        let (store, id) = (self.engine.store.clone(), self.id);
        let Ok(record) = self.found.as_ref().map(|record| (**record).clone()) else { return String::new() };
        let cancel = move || {
            let patch = cancelled::patch(&store, &record);
            let reason = patch.error.clone().unwrap_or_default();
            match store.step(&id, &job::Event::Cancel, patch, Durability::Synced) {
                Ok(_) => reason,
                Err(error) => format!("and it could not be cancelled: {error}"),
            }
        };
        self.engine.blocking.run(cancel).await
    }

    fn renounce_soon(&self) {
        let (store, id) = (self.engine.store.clone(), self.id);
        if tokio::runtime::Handle::try_current().is_ok() {
            self.engine.blocking.start(move || renounce(&store, &id));
        }
    }

    fn leave(&mut self, left: String) -> Option<Event> {
        tracing::error!(id = %self.id, left, "nobody supervises the run");
        self.found = Err(EngineError::Unsupervised { id: self.id, left });
        None
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        // A supervisor that is gone ends nothing when the leash closes: that comes before the leaving.
        if self.leash.as_mut().is_some_and(Intake::is_over)
            && let Ok((state, _)) = takeover::step(self.state, &Event::LeashClosed)
        {
            self.state = state;
        }
        let left = takeover::step(self.state, &Event::CallerLeft);
        if left.is_ok_and(|(_, effects)| effects.as_slice() == [Effect::Renounce]) {
            self.renounce_soon();
        }
    }
}

/// Completes with the record once somebody wants the job to end.
async fn is_to_end(engine: &Engine, id: JobId) -> Record {
    loop {
        tokio::time::sleep(WISH_LOOK).await;
        let store = engine.store.clone();
        let look = move || store.summary(&id).is_ok_and(|job| job.state == State::Stopping).then(|| store.read(&id));
        if let Some(Ok(record)) = engine.blocking.run(look).await {
            return record;
        }
    }
}

/// Marks a run that nobody waits for any more, and tells its supervisor, which ends it.
fn renounce(store: &Store, id: &JobId) {
    let cancelled = store.read(id).map_err(drop).and_then(|record| {
        let patch = cancelled::patch(store, &record);
        store.step(id, &job::Event::Cancel, patch, Durability::Cached).map_err(drop)
    });
    if cancelled.is_ok_and(|stepped| stepped.end_run) {
        tracing::info!(%id, "job cancelled: its caller left");
        let lock = store.file(id, JobFile::Lock);
        if job_lock::tell_holder(&lock) {
            return;
        }
        // It may be held by this process, for the moment that a take-over needs, or by a supervisor that is not named yet.
        match job_lock::take(store, id) {
            Ok(Some(held)) => {
                // The next reader of the record says so in it.
                let ended = leftovers::end_all(store, id);
                tracing::debug!(%id, ended, "ended without a supervisor");
                drop(held);
            }
            Ok(None) | Err(_) => {
                let told = job_lock::tell_holder(&lock);
                tracing::debug!(%id, told, "its supervisor ends it");
            }
        }
    }
}
