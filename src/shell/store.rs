//! Job records and job folders on disk.
//!
//! ```text
//! jobs/<id>.json        the record
//! jobs/<id>/lock        held by the supervisor for its whole life: who can take it knows that no supervisor lives
//! jobs/<id>/plan.json   what to run; locked for the length of one read-step-write of the record
//! jobs/<id>/prompt      becomes claude's standard input
//! jobs/<id>/continuation  likewise, when it goes on in its session
//! jobs/<id>/parts       of a call of several requests, whose plan says what is called: which jobs its parts are
//! jobs/<id>/stdout      claude's event stream; a further process goes on in the same file
//! jobs/<id>/stderr      claude's standard error, locked until claude and all that inherited it are gone
//! ```

mod apply;
mod error;
mod file;
mod index;
mod litter;
mod patch;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use self::apply::{Did, apply};
pub(super) use self::error::elsewhere;
pub use self::error::{JOBS_ELSEWHERE, StoreError};
pub use self::file::JobFile;
use self::index::Index;
pub use self::patch::{Patch, Shown};
use super::record::Record;
use crate::config::rights;
use crate::fs::atomic::{self, Durability};
use crate::fs::{failpoint, if_exists, lock, owner_only};
use crate::machines::ids::JobId;
use crate::machines::job::{self, Effect, Event};
use crate::machines::plan::RunPlan;
use crate::machines::rejected::Rejected;
use crate::machines::summary::{Brief, Summary};

/// How long to wait for another process that edits the same record. An edit takes well under a millisecond: one that takes
/// longer than this stands still.
const EDIT_WAIT: Duration = Duration::from_secs(5);
/// Lock for records that have no folder of their own: the one that the older implementation takes for every change.
const SHARED_EDIT_LOCK: &str = ".jobs.lock";
/// How often to try the lock meanwhile: a few edits long.
const EDIT_RETRY: Duration = Duration::from_millis(2);

/// The jobs directory.
#[derive(Debug, Clone)]
pub struct Store {
    directory: PathBuf,
    index: Arc<Index>,
}

/// A record after a step.
#[derive(Debug)]
pub struct Stepped {
    /// As written.
    pub record: Record,
    /// Whether the supervisor must be told to end the run.
    pub end_run: bool,
}

impl Store {
    /// The jobs in `directory`, which need not be there yet.
    #[must_use]
    pub fn new(directory: PathBuf) -> Self {
        Self { directory, index: Arc::default() }
    }

    /// Where the jobs are.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// A file in a job's folder.
    #[must_use]
    pub fn file(&self, id: &JobId, name: JobFile) -> PathBuf {
        self.folder(id).join(name.as_str())
    }

    /// A job's folder.
    #[must_use]
    pub fn folder(&self, id: &JobId) -> PathBuf {
        self.directory.join(id.folder_name())
    }

    fn record_path(&self, id: &JobId) -> PathBuf {
        self.directory.join(id.file_name())
    }

    /// Writes everything that a supervisor needs, and returns the job's lock, held. The record comes last: a job whose
    /// record is there is whole.
    ///
    /// # Errors
    /// [`StoreError::Io`]; then no record is there and what was written is removed.
    pub fn create(&self, record: &Record, plan: &RunPlan, prompt: &[u8]) -> Result<File, StoreError> {
        self.create_with(record, &[(JobFile::Plan, &to_json(plan)), (JobFile::Prompt, prompt)])
    }

    /// As [`Self::create`], with these files.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn create_with(&self, record: &Record, files: &[(JobFile, &[u8])]) -> Result<File, StoreError> {
        self.create_directory()?;
        let written = self.write_new(record, files);
        if written.is_err() {
            drop(std::fs::remove_dir_all(self.folder(&record.id)));
        }
        written
    }

    /// Creates the jobs directory, for its owner only.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn create_directory(&self) -> Result<(), StoreError> {
        owner_only::create_directory(&self.directory).map_err(StoreError::io("create", &self.directory))?;
        rights::tighten(&self.directory);
        Ok(())
    }

    fn write_new(&self, record: &Record, files: &[(JobFile, &[u8])]) -> Result<File, StoreError> {
        let id = &record.id;
        let folder = self.folder(id);
        let failed = |path: &Path| StoreError::io("write", path);
        failpoint::check("create_folder").map_err(failed(&folder))?;
        owner_only::create_new_directory(&folder).map_err(StoreError::io("create", &folder))?;
        failpoint::check("create_lock").map_err(failed(&folder))?;
        let lock_path = self.file(id, JobFile::Lock);
        let lock = owner_only::create_new(&lock_path).map_err(StoreError::io("create", &lock_path))?;
        failpoint::check("created_lock").map_err(failed(&lock_path))?;
        lock.lock().map_err(StoreError::io("lock", &lock_path))?;
        failpoint::check("took_lock").map_err(failed(&lock_path))?;
        for (name, bytes) in files {
            let path = self.file(id, *name);
            let mut file = owner_only::create_new(&path).map_err(StoreError::io("create", &path))?;
            io::Write::write_all(&mut file, bytes).map_err(StoreError::io("write", &path))?;
            failpoint::check("wrote_input").map_err(failed(&path))?;
        }
        self.write(record, Durability::Cached)?;
        failpoint::reach("created");
        Ok(lock)
    }

    /// What to run.
    ///
    /// # Errors
    /// [`StoreError::Io`], also for a plan that is no plan.
    pub fn plan(&self, id: &JobId) -> Result<RunPlan, StoreError> {
        let path = self.file(id, JobFile::Plan);
        let bytes = std::fs::read(&path).map_err(StoreError::io("read", &path))?;
        serde_json::from_slice(&bytes).map_err(|error| StoreError::io("read", &path)(error.into()))
    }

    /// The record.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] also for a record that cannot be parsed or whose id is not its file's name.
    pub fn read(&self, id: &JobId) -> Result<Record, StoreError> {
        let record = serde_json::from_slice::<Record>(&self.bytes(id)?).ok();
        record.filter(|record| record.id == *id).ok_or(StoreError::NotFound(*id))
    }

    /// What a list shows of a record. Its long texts are passed over.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn summary(&self, id: &JobId) -> Result<Summary, StoreError> {
        let brief = serde_json::from_slice::<Brief>(&self.bytes(id)?).map_err(|_| StoreError::NotFound(*id))?;
        Some(Summary::from(brief)).filter(|summary| summary.id == *id).ok_or(StoreError::NotFound(*id))
    }

    pub(super) fn bytes(&self, id: &JobId) -> Result<Vec<u8>, StoreError> {
        let path = self.record_path(id);
        if_exists(std::fs::read(&path)).map_err(StoreError::io("read", &path))?.ok_or(StoreError::NotFound(*id))
    }

    /// Whether a file has the name of that record, also one that cannot be read.
    ///
    /// # Errors
    /// [`StoreError::Io`] when that cannot be told.
    pub fn has_record(&self, id: &JobId) -> Result<bool, StoreError> {
        let path = self.record_path(id);
        Ok(if_exists(path.symlink_metadata()).map_err(StoreError::io("look for", &path))?.is_some())
    }

    /// The ids of all records, in no order.
    pub fn ids(&self) -> impl Iterator<Item = JobId> + use<> {
        let entries = std::fs::read_dir(&self.directory).into_iter().flatten().flatten();
        entries.filter_map(|entry| id_of(entry.file_name().to_str()?))
    }

    /// When a record was last written.
    #[must_use]
    pub fn touched(&self, id: &JobId) -> Option<SystemTime> {
        std::fs::metadata(self.record_path(id)).and_then(|metadata| metadata.modified()).ok()
    }

    /// Writes the record of a job that needs no supervisor.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn write_finished(&self, record: &Record) -> Result<(), StoreError> {
        self.create_directory()?;
        self.write(record, Durability::Synced)
    }

    /// Takes one event: read, step, write, under the record's lock.
    ///
    /// # Errors
    /// [`StoreError`]; the record is then as it was.
    pub fn step(&self, id: &JobId, event: &Event, patch: Patch, durability: Durability) -> Result<Stepped, StoreError> {
        self.change(id, durability, |record| apply(record, event, patch))
    }

    /// Takes the last progress and the end of a run in one read and one write. The progress may be refused: it is worth
    /// nothing beside the end. It has no effect outside the record, so that nothing comes between the two.
    ///
    /// # Errors
    /// [`StoreError`]; the record is then as it was.
    pub fn conclude(
        &self,
        id: &JobId,
        progress: Option<Shown>,
        event: &Event,
        patch: Patch,
        durability: Durability,
    ) -> Result<Stepped, StoreError> {
        self.change(id, durability, |record| {
            if progress.is_some() {
                let patch = Patch { progress, ..Patch::default() };
                if let Err(refused) = apply(record, &Event::Progress, patch) {
                    tracing::debug!(%id, %refused, "last progress not written");
                }
            }
            apply(record, event, patch)
        })
    }

    fn change(
        &self,
        id: &JobId,
        durability: Durability,
        change: impl FnOnce(&mut Record) -> Result<Did, Rejected>,
    ) -> Result<Stepped, StoreError> {
        let held = self.edit_lock(id)?;
        failpoint::reach("edit_locked");
        let mut record = self.read(id)?;
        let did = change(&mut record)?;
        if did.remove {
            self.remove(id)?;
        } else {
            self.write(&record, durability)?;
        }
        failpoint::reach("edited");
        drop(held);
        Ok(Stepped { record, end_run: did.end_run })
    }

    /// What the record would be after an event that could not be written.
    ///
    /// # Errors
    /// [`Rejected`].
    pub fn preview(mut record: Record, event: &Event, patch: Patch) -> Result<Record, Rejected> {
        apply(&mut record, event, patch)?;
        Ok(record)
    }

    /// Removes a job whose answer was received. Of its record only the status matters: the answer is passed over.
    ///
    /// # Errors
    /// [`StoreError`]. A record that is none any more is left alone.
    pub fn collect(&self, id: &JobId) -> Result<(), StoreError> {
        let held = self.edit_lock(id)?;
        match self.summary(id).map(|summary| summary.state) {
            Ok(state) => {
                // It ended, was judged and was received; only the record could not be written, for want of space say.
                let ended = Event::Finish { success: false };
                let state = if state.is_terminal() { state } else { job::step(state, &ended)?.0 };
                if job::step(state, &Event::Collect)?.1.into_iter().any(|effect| effect == Effect::RemoveFiles) {
                    self.remove(id)?;
                }
            }
            // Somebody took the record away: the folder is nobody's.
            Err(StoreError::NotFound(_)) if !self.record_path(id).exists() => self.remove_folder(id)?,
            Err(error) => return Err(error),
        }
        drop(held);
        Ok(())
    }

    /// Puts a record on the disk for good, where it is still there.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn sync(&self, id: &JobId) -> Result<(), StoreError> {
        let path = self.record_path(id);
        let Some(file) = if_exists(File::open(&path)).map_err(StoreError::io("open", &path))? else { return Ok(()) };
        failpoint::check("sync").and_then(|()| file.sync_data()).map_err(StoreError::io("sync", &path))
    }

    fn edit_lock(&self, id: &JobId) -> Result<File, StoreError> {
        failpoint::reach("edit");
        let own = self.file(id, JobFile::Plan);
        // Some network file systems lock for one holder only what is open for writing.
        let (file, path) = match File::options().read(true).append(true).open(&own) {
            // A record without a folder is one of the older implementation's, or an answer that was only kept: those share a
            // lock.
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.record_path(id).exists() => {
                let shared = self.directory.join(SHARED_EDIT_LOCK);
                (owner_only::create_or_append(&shared), shared)
            }
            opened => (opened, own),
        };
        let file = if_exists(file).map_err(StoreError::io("open", &path))?.ok_or(StoreError::NotFound(*id))?;
        let obtained = lock::obtained_within(EDIT_WAIT, EDIT_RETRY, || file.try_lock());
        if obtained.map_err(StoreError::io("lock", &path))? { Ok(file) } else { Err(StoreError::Busy(*id)) }
    }

    fn write(&self, record: &Record, durability: Durability) -> Result<(), StoreError> {
        let path = self.record_path(&record.id);
        atomic::replace(&path, &to_json(record), durability).map_err(StoreError::io("write", &path))
    }

    /// Record first: a folder without a record is nobody's job, a record without a folder would look alive.
    fn remove(&self, id: &JobId) -> Result<(), StoreError> {
        let path = self.record_path(id);
        failpoint::check("remove").map_err(StoreError::io("remove", &path))?;
        std::fs::remove_file(&path).map_err(StoreError::io("remove", &path))?;
        tracing::info!(%id, "job removed");
        failpoint::reach("removed_record");
        self.remove_folder(id)?;
        failpoint::reach("removed_folder");
        Ok(())
    }

    /// Removes what a submission left that was cut off before it had written the record.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn remove_folder(&self, id: &JobId) -> Result<(), StoreError> {
        let folder = self.folder(id);
        if_exists(std::fs::remove_dir_all(&folder)).map_err(StoreError::io("remove", &folder))?;
        Ok(())
    }
}

/// The job whose record bears that name.
fn id_of(file_name: &str) -> Option<JobId> {
    JobId::try_from(file_name.strip_suffix(".json")?).ok()
}

/// Our own types have string keys and finite numbers only, so that this cannot fail.
pub(super) fn to_json<T: serde::Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
