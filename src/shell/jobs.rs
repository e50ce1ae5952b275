//! The jobs of all servers and sessions: reading them, finding out which have lost their supervisor, ending and removing
//! them. Whoever reads a job that has lost its supervisor gives it a new one.

use std::fs::{File, TryLockError};
use std::io;
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::Serialize;

use super::atomic::Durability;
use super::engine::Engine;
use super::record::Record;
use super::session_lock::{self, SessionLock};
use super::store::{JobFile, Patch, Store, StoreError};
use super::watch::Watch;
use super::{clock, leftovers, pause};
use crate::config::plan::Request;
use crate::machines::answer::Answer;
use crate::machines::ids::{JobId, SessionRef};
use crate::machines::job::{Event, State, Status};
use crate::machines::refused::Refused;
use crate::machines::summary::{Filter, Summary};

/// How long a cancelled run may take to go: SIGTERM, the grace, SIGKILL.
const END_WAIT: Duration = Duration::from_secs(4);
/// How often to look meanwhile.
const END_RETRY: Duration = Duration::from_millis(5);
/// A look may bring the next news itself, where no supervisor can be started for want of processes say. So many looks may
/// follow each other at once (the end of a run closes five files), then there is a pause between them.
const QUICK_LOOKS: u32 = 8;
/// How long.
const LOOK_PAUSE: Duration = Duration::from_millis(50);
/// Records of the older implementation have no lock. A running one that nobody touched for so long is abandoned (its rule).
const FOREIGN_RUNNING_LIMIT: Duration = Duration::from_secs(3_600);
/// Likewise a pending one, counted from its submission, in seconds.
const FOREIGN_PENDING_LIMIT_SECONDS: f64 = 24.0 * 3_600.0;
/// Seconds of a day.
const DAY_SECONDS: f64 = 86_400.0;

/// What became of a wish to cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelOutcome {
    /// It had not begun.
    Cancelled,
    /// It ran, and is ended.
    CancelledRunning,
    /// It had its end before.
    AlreadyTerminal,
    /// It belongs to a process of the older implementation, which cannot be told.
    Running,
}

/// What a removal found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// Ids of the jobs that are, or would be, removed; oldest first.
    pub ids: Vec<JobId>,
    /// How many were removed.
    pub purged: usize,
}

/// The jobs in one directory.
#[derive(Debug, Clone)]
pub struct Jobs {
    engine: Engine,
}

impl Jobs {
    /// The jobs of this engine's store.
    #[must_use]
    pub const fn new(engine: Engine) -> Self {
        Self { engine }
    }

    fn store(&self) -> &Store {
        self.engine.store()
    }

    /// A job as it stands. One that has lost its supervisor gets a new one first. Blocks for some milliseconds.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn read(&self, id: &JobId) -> Result<Record, StoreError> {
        let record = self.store().read(id)?;
        Ok(match record.state() {
            State::Pending | State::Running | State::Adopted | State::Resuming => self.recover(record),
            State::Stopping => self.stop(record),
            State::Done | State::Failed | State::Cancelled | State::Collected => record,
        })
    }

    /// The record with the time until which it waits for the account's usage limit, as `limit_resets_at`, where it does.
    #[must_use]
    pub fn with_pause(&self, mut record: Record) -> Record {
        let waits = matches!(record.state(), State::Pending | State::Resuming)
            && self.store().plan(&record.id).is_ok_and(|plan| plan.wait_for_limit);
        if let Some(until) = pause::until(self.store().directory()).filter(|_| waits) {
            record.extra.insert("limit_resets_at".to_owned(), until.into());
        }
        record
    }

    /// Waits for the end of a job, at most `patience`. The second value says whether it came. Nobody is asked meanwhile:
    /// the kernel tells when the job's supervisor leaves.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn wait(&self, id: JobId, patience: Duration) -> Result<(Record, bool), StoreError> {
        let give_up = tokio::time::Instant::now() + patience;
        // Before the first look: an end between look and watch would be missed.
        let watch = Watch::of(&self.store().folder(&id));
        let mut quick_looks = 0;
        loop {
            let looked = Instant::now();
            let jobs = self.clone();
            let read = tokio::task::spawn_blocking(move || jobs.read(&id)).await;
            let record = read.map_err(|_| StoreError::NotFound(id))??;
            if record.status.is_terminal() {
                return Ok((record, true));
            }
            let news = async {
                watch.changed().await;
                quick_looks = if looked.elapsed() < LOOK_PAUSE { quick_looks + 1 } else { 0 };
                if quick_looks > QUICK_LOOKS {
                    tokio::time::sleep(LOOK_PAUSE).await;
                }
            };
            // Asked as well, because news that is there at once is no time out.
            if tokio::time::timeout_at(give_up, news).await.is_err() || tokio::time::Instant::now() >= give_up {
                return Ok((record, false));
            }
        }
    }

    /// Gives a job that has lost its supervisor a new one; the lock shows that there is none, and is handed on.
    fn recover(&self, record: Record) -> Record {
        let id = record.id;
        let path = self.store().file(&id, JobFile::Lock);
        // Looked at for reading only: whoever waits for this job is told when a writer closes the file.
        match File::open(&path).map(|lock| lock.try_lock()) {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return record,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self.age(record),
            Err(error) => {
                tracing::warn!(%id, %error, "lock not readable");
                return record;
            }
        }
        let Ok(lock) = File::options().read(true).write(true).open(&path) else { return record };
        if lock.try_lock().is_err() {
            return record;
        }
        // Read again under the lock: its supervisor may have ended it in between.
        match self.store().read(&id) {
            Ok(fresh) if fresh.status.is_terminal() => fresh,
            Ok(fresh) => {
                tracing::warn!(%id, status = fresh.status.name(), "a job without a supervisor gets a new one");
                if let Err(error) = self.engine.supervise_again(&id, lock) {
                    tracing::error!(%id, %error, "no supervisor could be started");
                }
                fresh
            }
            Err(_) => record,
        }
    }

    /// Applies the older implementation's rules to one of its records.
    fn age(&self, record: Record) -> Record {
        let old = match record.status {
            Status::Running => self
                .store()
                .touched(&record.id)
                .and_then(|touched| SystemTime::now().duration_since(touched).ok())
                .is_some_and(|age| age > FOREIGN_RUNNING_LIMIT),
            Status::Pending => clock::unix_seconds() - record.created_at > FOREIGN_PENDING_LIMIT_SECONDS,
            Status::Done | Status::Failed | Status::Cancelled => false,
        };
        if !old {
            return record;
        }
        let error = "the process that ran this job is gone; submit the task again".to_owned();
        let patch = Patch { error: Some(error), ..Patch::default() };
        match self.store().step(&record.id, &Event::Abandon, patch, Durability::Cached) {
            Ok(stepped) => stepped.record,
            Err(_) => record,
        }
    }

    /// Summaries of the jobs that match, newest first. Blocks while it reads the directory.
    #[must_use]
    pub fn list(&self, filter: &Filter, limit: usize) -> Vec<Summary> {
        let mut found = self
            .store()
            .ids()
            .filter_map(|id| self.store().summary(&id).ok())
            .filter(|summary| filter.matches(summary))
            .collect::<Vec<_>>();
        found.sort_by(|a, b| b.created_at.total_cmp(&a.created_at).then_with(|| a.id.cmp(&b.id)));
        found.truncate(limit);
        for summary in &mut found {
            if summary.state.is_unsettled()
                && let Ok(record) = self.read(&summary.id)
                && record.status != summary.status
                && let Ok(fresh) = self.store().summary(&summary.id)
            {
                *summary = fresh;
            }
        }
        found
    }

    /// Gives every job that has lost its supervisor a new one. Blocks while it reads the directory.
    pub fn recover_all(&self) {
        for id in self.store().ids() {
            if self.store().summary(&id).is_ok_and(|job| job.state.is_unsettled()) {
                drop(self.read(&id));
            }
        }
    }

    /// Marks a job cancelled, then ends its run and everything that it started. Blocks until that is gone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn cancel(&self, id: &JobId) -> Result<(CancelOutcome, Status), StoreError> {
        let record = self.store().read(id)?;
        let ours = self.store().file(id, JobFile::Lock).exists();
        if !ours && record.status == Status::Running {
            return Ok((CancelOutcome::Running, Status::Running));
        }
        let patch = Patch { error: Some(cancelled_reason(&record)), ..Patch::default() };
        let stepped = match self.store().step(id, &Event::Cancel, patch, Durability::Cached) {
            Ok(stepped) => stepped,
            Err(StoreError::Refused(Refused::AlreadyThere { .. } | Refused::NotHere { .. })) => {
                // Whoever asked first may have died before the run was ended.
                let record = self.store().read(id)?;
                if record.state() == State::Stopping {
                    self.finish_stopping(&record);
                }
                return Ok((CancelOutcome::AlreadyTerminal, record.status));
            }
            Err(error) => return Err(error),
        };
        if stepped.end_run {
            self.finish_stopping(&stepped.record);
        }
        let began = stepped.record.started_at.is_some();
        let outcome = if began { CancelOutcome::CancelledRunning } else { CancelOutcome::Cancelled };
        Ok((outcome, Status::Cancelled))
    }

    /// Ends what is left of a job that was told to end. Blocks until that is gone.
    fn finish_stopping(&self, record: &Record) {
        let id = &record.id;
        if self.store().file(id, JobFile::Lock).exists() {
            if !self.end_run(id) {
                return;
            }
            self.give_session_back(record);
        }
        // Refused where its supervisor has said so itself.
        if let Err(error) = self.store().step(id, &Event::Stopped, Patch::default(), Durability::Cached) {
            tracing::debug!(%id, %error, "not noted that the run is ended");
        }
    }

    /// A job that was told to end by somebody who may have died before it was ended. Its supervisor is told once more; the
    /// rest is ended here where it has none.
    fn stop(&self, record: Record) -> Record {
        let path = self.store().file(&record.id, JobFile::Lock);
        if File::open(&path).is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock))) {
            tell_supervisor(&path);
            return record;
        }
        self.finish_stopping(&record);
        self.store().read(&record.id).unwrap_or(record)
    }

    /// Tells the supervisor, whose identity its lock proves, and waits for it to leave. Without one, or when it does not
    /// leave, the run's processes are ended here. Returns whether none is left that could start another.
    fn end_run(&self, id: &JobId) -> bool {
        let path = self.store().file(id, JobFile::Lock);
        let Ok(lock) = File::open(&path) else { return false };
        let give_up = Instant::now() + END_WAIT;
        let mut told = false;
        let mut gone = true;
        while matches!(lock.try_lock(), Err(TryLockError::WouldBlock)) {
            told = told || tell_supervisor(&path);
            if Instant::now() >= give_up {
                gone = false;
                break;
            }
            std::thread::sleep(END_RETRY);
        }
        let ended = leftovers::end_all(id);
        tracing::debug!(%id, told, ended, gone, "run ended");
        gone
    }

    /// A supervisor that was killed, before it could take notice of the signal say, leaves the file of its session's lock.
    fn give_session_back(&self, record: &Record) {
        if let Some(Ok(session)) = record.session_id.as_deref().map(SessionRef::try_from) {
            drop(SessionLock::try_acquire(self.store().directory(), &session));
        }
    }

    /// Removes terminal jobs that ended more than `max_age_days` ago, or only says which. Blocks.
    #[must_use]
    pub fn collect(&self, max_age_days: f64, dry_run: bool) -> Collected {
        let before = clock::unix_seconds() - max_age_days * DAY_SECONDS;
        let mut old = self
            .store()
            .ids()
            .filter_map(|id| self.store().summary(&id).ok())
            .filter(|job| job.status.is_terminal() && job.completed_at.unwrap_or(job.created_at) <= before)
            .collect::<Vec<_>>();
        old.sort_by(|a, b| a.created_at.total_cmp(&b.created_at).then_with(|| a.id.cmp(&b.id)));
        let ids = old.iter().map(|job| job.id).collect::<Vec<_>>();
        if !dry_run {
            session_lock::tidy(self.store().directory());
        }
        let purged = if dry_run { 0 } else { ids.iter().filter(|id| self.remove(id)).count() };
        Collected { ids, purged }
    }

    fn remove(&self, id: &JobId) -> bool {
        // Settled first, where somebody died who was about to end it.
        drop(self.read(id));
        let removed = self.store().step(id, &Event::Collect, Patch::default(), Durability::Cached);
        removed.inspect_err(|error| tracing::warn!(%id, %error, "job not removed")).is_ok()
    }

    /// Stores an answer that no job was run for as a finished one, and returns its id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep(&self, request: &Request, answer: &Answer) -> Result<JobId, StoreError> {
        let id = JobId::from_bytes(*uuid::Uuid::new_v4().as_bytes());
        let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let record = Record {
            context: given(&request.context),
            caller: given(&request.caller),
            goal: given(&request.goal),
            status: if answer.success { Status::Done } else { Status::Failed },
            completed_at: Some(clock::unix_seconds()),
            // Our own type: text keys and finite numbers.
            result: serde_json::to_value(answer).ok(),
            error: answer.error.clone(),
            session_id: answer.session_id.clone(),
            ..Record::pending(id, &request.agent, &request.task)
        };
        self.store().write_finished(&record)?;
        Ok(id)
    }
}

/// Sends SIGTERM to the supervisor that the lock file names. The handle is opened before its command line is looked at, so
/// that a reused process id is never hit.
fn tell_supervisor(lock: &std::path::Path) -> bool {
    let pid = std::fs::read_to_string(lock).ok().and_then(|text| text.trim().parse::<i32>().ok());
    let Some(pid) = pid.and_then(Pid::from_raw) else { return false };
    let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { return false };
    let Some(id) = lock.parent().and_then(|folder| folder.file_name()) else { return false };
    let command = std::fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
    let named = command.split(|byte| *byte == 0).any(|argument| argument == id.as_encoded_bytes());
    named && pidfd_send_signal(handle, Signal::TERM).is_ok()
}

fn cancelled_reason(record: &Record) -> String {
    match (&record.session_id, record.started_at) {
        (Some(session), Some(_)) => format!(
            "cancelled; go on with dispatch_session(agent={:?}, task=\"Continue where you left off\", session_id={session:?})",
            record.agent
        ),
        _ => "cancelled before it began".to_owned(),
    }
}
