//! What became of the parts of a call: a line for each step, appended before what it announces is done.
//!
//! Whoever goes on with the call reads it first. A part is taken up under the file's lock and only while the record of the
//! call is open: once somebody has marked the call and had the lock after that, no further part begins, whoever lives.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::part::PartAnswer;
use crate::fs::{failpoint, lock, owner_only};
use crate::machines::answer::Answer;
use crate::machines::effect::Effects;
use crate::machines::ids::JobId;
use crate::machines::json;
use crate::machines::part::{self, Effect, Event, State};
use crate::shell::random;
use crate::shell::store::{JobFile, Store, StoreError};

/// How long to wait for somebody who takes a part up. That takes some milliseconds; whoever stands still meanwhile must not
/// keep others from ending the call.
const LOCK_WAIT: Duration = Duration::from_secs(5);
/// How often to try the lock meanwhile: about as long as a part needs to be taken up.
const LOCK_RETRY: Duration = Duration::from_millis(2);

/// Why a part has no job that could be waited for. `E`: why a job could not be submitted.
#[derive(Debug, Error)]
pub enum PartError<E> {
    /// Its job could not be submitted.
    #[error(transparent)]
    Submit(E),
    /// The files of the call.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The call has ended or is to end.
    #[error("the call has ended")]
    Closed,
    /// Somebody removed the record of its job.
    #[error("the record of job {0}, which had this answer, was removed; it is not paid for a second time")]
    Removed(JobId),
    /// It was settled before.
    #[error("this part of the call has its answer")]
    Settled,
}

/// What is known of a part.
#[derive(Debug, Clone, Default)]
struct Note {
    state: State,
    job: Option<JobId>,
    answer: Option<PartAnswer>,
}

/// A step of a part as it is written.
#[derive(Debug, Serialize, Deserialize)]
struct LedgerLine {
    part: u32,
    state: State,
    /// With `named`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    job: Option<JobId>,
    /// With `settled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Answer>,
    /// With `settled`, of an answer that stays in the job store: where, and how many characters of it are told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reference: Option<(JobId, usize)>,
}

/// The notes of one call.
#[derive(Debug)]
pub struct Ledger {
    store: Store,
    call: JobId,
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    parts: BTreeMap<u32, Note>,
    /// How much of the file they are, in bytes.
    length: u64,
}

impl Ledger {
    /// The notes as they are.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn open(store: Store, call: JobId) -> Result<Self, StoreError> {
        let ledger = Self { store, call, notes: Mutex::default() };
        drop(ledger.locked()?);
        Ok(ledger)
    }

    /// The jobs that the parts of a call are, as far as they have names. Nobody begins another one after this, if the
    /// record of the call has ended.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn jobs(store: Store, call: JobId) -> Result<Vec<JobId>, StoreError> {
        let ledger = Self::open(store, call)?;
        let notes = ledger.lock();
        Ok(notes.parts.values().filter_map(|note| note.job).collect())
    }

    /// The job of the call.
    #[must_use]
    pub const fn call(&self) -> JobId {
        self.call
    }

    /// Whether a job may be there that is this part's own.
    #[must_use]
    pub fn may_have_job(&self, part: u32) -> bool {
        self.lock().parts.get(&part).is_some_and(|note| note.state.may_have_job())
    }

    /// Whether this part's own job was submitted.
    #[must_use]
    pub fn was_submitted(&self, part: u32) -> bool {
        self.lock().parts.get(&part).is_some_and(|note| note.state == State::Submitted)
    }

    /// The answer of a part that has one without a job.
    #[must_use]
    pub fn answer(&self, part: u32) -> Option<PartAnswer> {
        self.lock().parts.get(&part)?.answer.clone()
    }

    /// Takes a part up: its job, which is there from then on. `submit` writes it under that name. Blocks.
    ///
    /// # Errors
    /// [`PartError`]; then no job of this part runs.
    pub fn take_up<E>(&self, part: u32, submit: impl FnOnce(JobId) -> Result<(), E>) -> Result<JobId, PartError<E>> {
        let mut file = self.locked()?;
        if self.store.summary(&self.call)?.state.is_terminal() {
            return Err(PartError::Closed);
        }
        let Note { state, job, .. } = self.lock().parts.get(&part).cloned().unwrap_or_default();
        let id = job.unwrap_or_else(random::job_id);
        let job_is_there = self.store.has_record(&id)?;
        let (next, effects) = part::step(state, &Event::TakeUp { job_is_there }).map_err(|_| PartError::Settled)?;
        if next != state {
            self.write(&mut file, LedgerLine { part, state: next, job: Some(id), answer: None, reference: None })?;
        }
        self.perform_all(effects, (part, next, id), &mut file, submit)
    }

    /// Performs the effects of a step that is noted, and of those that follow from them: the job to wait for.
    fn perform_all<E>(
        &self,
        effects: Effects<Effect>,
        (part, state, id): (u32, State, JobId),
        file: &mut File,
        submit: impl FnOnce(JobId) -> Result<(), E>,
    ) -> Result<JobId, PartError<E>> {
        let (mut due, mut submit, mut awaited) = (VecDeque::from_iter(effects), Some(submit), None);
        while let Some(effect) = due.pop_front() {
            match effect {
                Effect::Submit => {
                    let Some(submit) = submit.take() else { break };
                    failpoint::reach("part_named");
                    self.store.remove_folder(&id)?;
                    submit(id).map_err(PartError::Submit)?;
                    failpoint::reach("part_submitted");
                    let (state, effects) = part::step(state, &Event::Submitted).map_err(|_| PartError::Settled)?;
                    let line = LedgerLine { part, state, job: Some(id), answer: None, reference: None };
                    // It runs. Whoever comes next finds its record under the name that is noted.
                    if let Err(error) = self.write(file, line) {
                        tracing::warn!(call = %self.call, part, job = %id, %error, "not noted that a part was submitted");
                    }
                    due.extend(effects);
                }
                // By the caller, who does not hold the ledger meanwhile.
                Effect::Await => awaited = Some(id),
                Effect::GiveUp => awaited = None,
            }
        }
        awaited.ok_or(PartError::Removed(id))
    }

    /// Notes the answer of a part that has none of a job of its own. Blocks. A note that cannot be written costs nothing but
    /// the same question again.
    pub fn settle(&self, part: u32, answer: PartAnswer) {
        let state = self.lock().parts.get(&part).map_or(State::Unnamed, |note| note.state);
        let Ok((state, effects)) = part::step(state, &Event::Settle) else { return };
        if !effects.as_slice().is_empty() {
            tracing::error!(call = %self.call, part, %effects, "bug: part is settled and has effects");
        }
        let PartAnswer { answer, reference } = answer;
        let line = LedgerLine { part, state, job: None, answer: Some(answer), reference };
        let written = self.locked().and_then(|mut file| self.write(&mut file, line));
        if let Err(error) = written {
            tracing::debug!(call = %self.call, part, %error, "an answer of a part is not noted");
        }
    }

    fn path(&self) -> PathBuf {
        self.store.file(&self.call, JobFile::Parts)
    }

    /// The file, locked, and all that it says taken in. A line that somebody was cut off in is removed.
    fn locked(&self) -> Result<File, StoreError> {
        let path = self.path();
        let failed = |error| StoreError::io("read", &path)(error);
        let mut file = owner_only::create_or_append(&path).map_err(failed)?;
        if !lock::obtained_within(LOCK_WAIT, LOCK_RETRY, || file.try_lock()).map_err(failed)? {
            return Err(StoreError::Busy(self.call));
        }
        // Only whoever has the job's lock writes.
        if file.metadata().map_err(failed)?.len() != self.lock().length {
            *self.lock() = Notes::of(&mut file).map_err(failed)?;
        }
        Ok(file)
    }

    fn write(&self, file: &mut File, line: LedgerLine) -> Result<(), StoreError> {
        let written = append(file, &line).map_err(StoreError::io("write", &self.path()))?;
        let mut notes = self.lock();
        notes.length += written;
        notes.take(line);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notes {
    fn of(file: &mut File) -> io::Result<Self> {
        let mut bytes = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let length = u64::try_from(whole).unwrap_or(u64::MAX);
        if whole < bytes.len() {
            file.set_len(length)?;
        }
        let mut notes = Self { parts: BTreeMap::new(), length };
        for line in bytes[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            notes.take(serde_json::from_slice(line)?);
        }
        Ok(notes)
    }

    fn take(&mut self, line: LedgerLine) {
        let note = self.parts.entry(line.part).or_default();
        note.state = line.state;
        note.job = line.job.or(note.job);
        note.answer = line.answer.map(|answer| PartAnswer { answer, reference: line.reference });
    }
}

/// Appends a line; how long it is, in bytes.
fn append(file: &mut File, line: &LedgerLine) -> io::Result<u64> {
    failpoint::check("note_part")?;
    let bytes = json::line(line);
    file.write_all(&bytes)?;
    failpoint::check("noted_part")?;
    Ok(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
}
