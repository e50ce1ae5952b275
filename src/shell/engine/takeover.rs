//! Waiting for a run, whoever supervises it: a supervisor that dies meanwhile is replaced, and its claude works on.

use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::Duration;

use super::{Engine, EngineError, Files, Finished, Receipt};
use crate::machines::ids::JobId;
use crate::machines::job::{Event, State};
use crate::machines::next_call;
use crate::machines::plan::RunPlan;
use crate::machines::prompt;
use crate::shell::atomic::Durability;
use crate::shell::leash::{Intake, News, OnNews};
use crate::shell::record::Record;
use crate::shell::store::{JobFile, Store, StoreError};
use crate::shell::{cancelled, failpoint, job_lock, leftovers, supervisor};

/// How many supervisors a run is given after its first one, each as a process of its own. One dies by hand or for want of
/// memory; where so many did, something ends them all, and the next one would fare no better: the process that waits
/// does their work then.
const SUCCESSORS: u32 = 3;
/// How long to wait before a run is taken over once more where that failed, for want of memory or handles say.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// How often to try again, with a pause each: a shortage of handles or memory that is over sooner costs nobody their answer.
/// After that the caller is told where its answer will be; a model that waits knows nothing.
const RETRIES: u32 = 10;
/// How often to look whether a run that is supervised within this process is to end.
const WISH_LOOK: Duration = Duration::from_millis(500);

/// Who has a run whose supervisor died.
enum Heir {
    /// A supervisor on a leash of this caller.
    OnLeash(Intake),
    /// A thread of this process, on a leash as well. Nobody can send it a signal: that the job is to end shows in its record.
    Here(Intake),
    /// Somebody else who looked at the job gave it a supervisor, which knows of no caller.
    Elsewhere,
    /// Nobody: the run is over.
    Over(Box<Record>),
    /// Nobody, for the moment.
    Nobody,
}

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
    pub async fn run(&self, plan: &RunPlan, on_news: OnNews<'_>) -> Result<Finished, EngineError> {
        let input = prompt::for_stdin(&plan.prompt)?.into_owned();
        let (id, intake) = {
            let (engine, plan) = (self.clone(), plan.clone());
            let turn = self.arrival().await;
            let submit = move || {
                let job = engine.submit(&plan, None, input.as_bytes(), |id, files| engine.start_on_leash(id, files));
                drop(turn);
                job
            };
            self.errands.run(submit).await?
        };
        let (record, leash) = self.to_the_end(id, intake, on_news).await?;
        Ok(Finished { record, receipt: Receipt { leash, ..self.receipt(id) } })
    }

    /// Waits for the end of a run, through as many supervisors as it takes.
    async fn to_the_end(
        &self,
        id: JobId,
        first: Intake,
        on_news: OnNews<'_>,
    ) -> Result<(Record, Option<Intake>), EngineError> {
        let (mut heir, mut deaths, mut in_vain, mut told) = (Heir::OnLeash(first), 0, 0, Told::default());
        loop {
            match heir {
                Heir::OnLeash(mut intake) => {
                    let record = self.listen(id, &mut intake, &mut told, on_news).await?;
                    if record.status.is_terminal() {
                        return Ok((record, Some(intake)));
                    }
                    deaths += 1;
                }
                Heir::Here(mut intake) => {
                    let record = tokio::select! {
                        biased;
                        record = self.listen(id, &mut intake, &mut told, on_news) => record?,
                        record = self.is_to_end(id) => record?,
                    };
                    if record.status.is_terminal() {
                        // Which lets the thread go, or has it end the run.
                        return Ok((record, None));
                    }
                    in_vain += 1;
                }
                Heir::Elsewhere => {
                    if let Some(record) = self.follow(id, on_news).await? {
                        return Ok((record, None));
                    }
                }
                Heir::Over(record) => return Ok((*record, None)),
                Heir::Nobody => in_vain += 1,
            }
            // Until somebody has the run who ends it when this caller leaves, nobody else would.
            let mut wanted = Wanted { engine: self, id, settled: false };
            if in_vain > RETRIES {
                let engine = self.clone();
                let left = self.errands.run(move || engine.leave(id)).await;
                wanted.settled = true;
                return left.map(|record| (record, None));
            }
            if in_vain > 0 {
                tokio::time::sleep(RETRY_PAUSE).await;
            }
            let engine = self.clone();
            let taken = self.errands.run(move || engine.take_over(id, deaths)).await;
            wanted.settled = true;
            heir = taken?;
        }
    }

    /// Passes on the news until the supervisor has no more; the record then.
    async fn listen(
        &self,
        id: JobId,
        intake: &mut Intake,
        told: &mut Told,
        on_news: OnNews<'_>,
    ) -> Result<Record, EngineError> {
        told.by_this_one = 0;
        let mut rescued = None;
        while let Some(news) = intake.next().await {
            match news {
                News::Ended => break,
                News::Rescued(record) => rescued = Some(record),
                news @ (News::Queued(_) | News::Started | News::Progress { .. } | News::Missed(_)) => {
                    told.fresh(news).iter().for_each(&mut *on_news);
                }
            }
        }
        if let Some(record) = rescued {
            return Ok(*record);
        }
        let store = self.store.clone();
        // An answer may have 50 MB.
        Ok(self.errands.run(move || store.read(&id)).await?)
    }

    /// Completes with the record once somebody wants the job to end.
    async fn is_to_end(&self, id: JobId) -> Result<Record, EngineError> {
        loop {
            tokio::time::sleep(WISH_LOOK).await;
            let store = self.store.clone();
            let look = move || match store.summary(&id) {
                Ok(job) if job.state == State::Stopping => store.read(&id).map(Some),
                Ok(_) | Err(_) => Ok(None),
            };
            if let Some(record) = self.errands.run(look).await? {
                return Ok(record);
            }
        }
    }

    /// Gives a run whose supervisor died another one, on a leash as before: a process, or a thread of this one where too
    /// many processes died or none can be started. Blocks for some milliseconds.
    fn take_over(&self, id: JobId, deaths: u32) -> Result<Heir, EngineError> {
        let Some(lock) = job_lock::take(&self.store, &id) else { return Ok(Heir::Elsewhere) };
        failpoint::reach("take_over");
        // Read under the lock: it may have been taken over and ended in between.
        let record = match self.store.read(&id) {
            Ok(record) => record,
            // For want of handles say: it is there, and can be read later.
            Err(error @ StoreError::Io { .. }) => {
                tracing::warn!(%id, %error, "the run cannot be taken over yet");
                return Ok(Heir::Nobody);
            }
            Err(error) => return Err(error.into()),
        };
        if record.status.is_terminal() {
            return Ok(Heir::Over(Box::new(record)));
        }
        tracing::warn!(%id, status = record.status.name(), deaths, "the supervisor died; the run is taken over");
        if deaths <= SUCCESSORS
            && let Ok(lock) = lock.try_clone()
        {
            match self.start_on_leash(&id, Files { lock, ticket: Stdio::null() }) {
                Ok(intake) => return Ok(Heir::OnLeash(intake)),
                Err(error) => tracing::error!(%id, %error, "no supervisor could be started"),
            }
        }
        let Ok((ours, theirs)) = self.leash() else { return Ok(Heir::Nobody) };
        let store = self.store.clone();
        self.errands.start(move || {
            if let Err(error) = supervisor::stand_in(store, id, lock, theirs) {
                tracing::error!(%id, %error, "the run cannot be supervised");
            }
        });
        Ok(Heir::Here(ours))
    }

    /// Gives up a run that nobody can be given to. One whose claude may work is left to whoever looks at it next, who has
    /// what it takes: it is paid for. Any other must not begin by itself once its caller has left. The record of one that
    /// came to its end meanwhile, through another process.
    ///
    /// # Errors
    /// [`EngineError::Unsupervised`], or why even the record cannot be read.
    fn leave(&self, id: JobId) -> Result<Record, EngineError> {
        let record = self.store.read(&id)?;
        if record.status.is_terminal() {
            return Ok(record);
        }
        let left = if matches!(record.state(), State::Running | State::Adopted) {
            format!("it goes on, and its answer is kept for {}", next_call::wait(&id))
        } else {
            let patch = cancelled::patch(&self.store, &record);
            let reason = patch.error.clone().unwrap_or_default();
            match self.store.step(&id, &Event::Cancel, patch, Durability::Synced) {
                Ok(_) => reason,
                Err(error) => format!("and it could not be cancelled: {error}"),
            }
        };
        tracing::error!(%id, left, "nobody supervises the run");
        Err(EngineError::Unsupervised { id, left })
    }

    /// Both ends of a leash.
    pub(super) fn leash(&self) -> Result<(Intake, UnixStream), EngineError> {
        failpoint::check("leash").map_err(EngineError::Supervisor)?;
        let (ours, theirs) = UnixStream::pair().map_err(EngineError::Supervisor)?;
        ours.set_nonblocking(true).map_err(EngineError::Supervisor)?;
        let ours = tokio::net::UnixStream::from_std(ours).map_err(EngineError::Supervisor)?;
        Ok((Intake::new(ours), theirs))
    }

    /// Follows a run whose supervisor has no leash, by its record. `None` when that supervisor is gone as well. Dropping
    /// the future ends the run.
    async fn follow(&self, id: JobId, on_news: OnNews<'_>) -> Result<Option<Record>, EngineError> {
        // Before the first look: an end between look and watch would be missed.
        let mut watch = self.watches.of(&self.store.folder(&id));
        let mut wanted = Wanted { engine: self, id, settled: false };
        let mut told = None;
        loop {
            let store = self.store.clone();
            let look =
                move || store.read(&id).map(|record| (record, job_lock::is_held(&store.file(&id, JobFile::Lock))));
            let (record, supervised) = self.errands.run(look).await?;
            let over = record.status.is_terminal();
            if over || !supervised {
                wanted.settled = true;
                return Ok(over.then_some(record));
            }
            let news = News::standing(&record, None);
            if news.is_some() && news != told {
                news.iter().for_each(&mut *on_news);
                told = news;
            }
            watch.changed().await;
        }
    }
}

/// The wish for an answer of a run that has no leash: it ends with this.
struct Wanted<'a> {
    engine: &'a Engine,
    id: JobId,
    settled: bool,
}

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        if self.settled || tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        let (store, id) = (self.engine.store.clone(), self.id);
        self.engine.errands.start(move || renounce(&store, &id));
    }
}

/// Marks a run that nobody waits for any more, and tells its supervisor, which ends it.
fn renounce(store: &Store, id: &JobId) {
    let cancelled = store.read(id).map_err(drop).and_then(|record| {
        let patch = cancelled::patch(store, &record);
        store.step(id, &Event::Cancel, patch, Durability::Cached).map_err(drop)
    });
    if cancelled.is_ok_and(|stepped| stepped.end_run) {
        tracing::info!(%id, "job cancelled: its caller left");
        let lock = store.file(id, JobFile::Lock);
        if job_lock::tell_holder(&lock) {
            return;
        }
        // It may be held by this process, for the moment that a take-over needs, or by a supervisor that is not named yet.
        match job_lock::take(store, id) {
            Some(held) => {
                // The next reader of the record says so in it.
                let ended = leftovers::end_all(id);
                tracing::debug!(%id, ended, "ended without a supervisor");
                drop(held);
            }
            None => {
                let told = job_lock::tell_holder(&lock);
                tracing::debug!(%id, told, "its supervisor ends it");
            }
        }
    }
}
