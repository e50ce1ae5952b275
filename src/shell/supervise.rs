//! The process that owns one job: it runs one request, or conducts a call of several.

use std::path::Path;

use super::conductor;
use super::leftovers::Leftovers;
use super::store::{JobFile, Store};
use super::supervisor::{self, SupervisorError, inherited};
use crate::fs::failpoint;
use crate::machines::ids::JobId;
use crate::os::program;

/// Supervises a job to its end, as the whole life of this process.
///
/// # Errors
/// [`SupervisorError`] when it could not even begin.
pub fn run(jobs: &Path, id: JobId) -> Result<(), SupervisorError> {
    // A session of its own: no terminal's hang-up and no signal that was meant for the caller's group. It fails only
    // where this process already leads a group, and then it is apart already.
    let _ = rustix::process::setsid();
    program::show_name();
    failpoint::reach("supervise");
    let store = Store::new(jobs.to_path_buf());
    Leftovers::note_of_predecessor(&store, &id);
    let lock = inherited::lock(store.file(&id, JobFile::Lock))?;
    failpoint::reach("supervisor_named");
    let record = store.read(&id)?;
    if record.is_call() { conductor::conduct(&store, &record) } else { supervisor::supervise(store, &record, lock) }
}
