//! The jobs of all servers and sessions: reading them, finding out which have lost their supervisor, ending and removing
//! them. Whoever reads a job that has lost its supervisor gives it a new one.

mod collect;
mod ending;
mod parts;
mod waiting;

use std::fs::File;
use std::path::Path;

pub use self::collect::Collected;
use super::abandon::abandon;
use super::engine::Engine;
use super::record::Record;
use super::store::{JobFile, Patch, Store, StoreError};
use super::watch::Watch;
use super::{clock, job_lock, orphan, pause, random, slots};
use crate::config::plan::Request;
use crate::fs::atomic::Durability;
use crate::fs::failpoint;
use crate::machines::adoption::{Care, LockSeen};
use crate::machines::answer::Answer;
pub use crate::machines::cancel::CancelOutcome;
use crate::machines::ids::JobId;
use crate::machines::job::{State, Status};
use crate::machines::retention;
use crate::machines::summary::{Filter, Summary};

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

    /// News of a job, from this moment on.
    ///
    /// # Panics
    /// Outside a runtime.
    #[must_use]
    pub fn watch(&self, id: &JobId) -> Watch {
        self.engine.watches().of(&self.store().folder(id))
    }

    /// A job as it stands. One that has lost its supervisor gets a new one first. Blocks for some milliseconds.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn read(&self, id: &JobId) -> Result<Record, StoreError> {
        let record = self.store().read(id)?;
        let lock = self.store().file(id, JobFile::Lock);
        Ok(match Care::of(record.state(), || job_lock::look(&lock)) {
            Care::Leave => record,
            Care::Recover => self.recover(record, &lock),
            Care::Age => self.age(record),
            Care::Tell => {
                job_lock::tell_holder(&lock);
                record
            }
            Care::End => {
                self.finish_stopping(&record);
                self.store().read(id).unwrap_or(record)
            }
        })
    }

    /// A waiting job's place in the queue for a slot, 1 for the next one. `None` for one that does not wait there: it runs
    /// or has ended, or waits for its session.
    #[must_use]
    pub fn place(&self, record: &Record) -> Option<usize> {
        let waits = record.status == Status::Pending;
        waits.then(|| slots::place_of(self.store().directory(), &record.id.to_string())).flatten()
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

    /// Gives a job that has lost its supervisor a new one; the lock shows that there is none, and is handed on.
    fn recover(&self, record: Record, lock: &Path) -> Record {
        let id = record.id;
        let Ok(lock) = File::options().read(true).write(true).open(lock) else { return record };
        if lock.try_lock().is_err() {
            return record;
        }
        failpoint::reach("recover");
        // Read again under the lock: its supervisor may have ended it in between.
        match self.store().read(&id) {
            Ok(fresh) if Care::of(fresh.state(), || LockSeen::Free) == Care::Recover => {
                tracing::warn!(%id, status = fresh.status.name(), "a job without a supervisor gets a new one");
                if let Err(error) = self.engine.supervise_again(&id, lock) {
                    tracing::error!(%id, %error, "no supervisor could be started");
                }
                fresh
            }
            Ok(fresh) => fresh,
            Err(_) => record,
        }
    }

    /// Applies the older implementation's rules to one of its records.
    fn age(&self, record: Record) -> Record {
        let untouched = self.store().touched(&record.id).and_then(|at| clock::now().duration_since(at).ok());
        let untouched = untouched.map(|age| age.as_secs_f64());
        if !retention::is_foreign_abandoned(record.status, clock::unix_seconds() - record.created_at, untouched) {
            return record;
        }
        let why = "the process that ran this job is gone";
        let patch = if self.store().file(&record.id, JobFile::Stdout).exists() {
            // One of ours, whose lock somebody took away.
            orphan::given_up(self.store(), &record, why)
        } else {
            Patch { error: Some(format!("{why}; submit the task again")), ..Patch::default() }
        };
        match abandon(self.store(), &record, patch, Durability::Cached) {
            Ok(stepped) => stepped.record,
            Err(_) => record,
        }
    }

    /// Summaries of the jobs that match, newest first. Blocks while it reads the directory.
    #[must_use]
    pub fn list(&self, filter: &Filter, limit: usize) -> Vec<Summary> {
        let newest_first = self.store().matching(filter).into_iter();
        let read = newest_first.filter_map(|candidate| self.store().summary(&candidate.id).ok());
        let mut found = read.filter(|summary| filter.matches(summary)).take(limit).collect::<Vec<_>>();
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
        for candidate in self.store().live() {
            drop(self.read(&candidate.id));
        }
    }

    /// Stores an answer that no job was run for as a finished one, and returns its id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep(&self, request: &Request, answer: &Answer) -> Result<JobId, StoreError> {
        let id = random::job_id();
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
