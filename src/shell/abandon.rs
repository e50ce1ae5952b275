//! Settling a job that has no supervisor and can be given none.

use super::record::Record;
use super::store::{JobFile, Patch, Stepped, Store, StoreError};
use super::{job_lock, session_lock};
use crate::fs::atomic::Durability;
use crate::machines::job::Event;

/// Records that a job has no supervisor and can be given none; `patch` has the reason. Where its claude process still holds
/// the fence, the job becomes adopted and is not settled. The session lock of a settled job is freed.
///
/// # Errors
/// [`StoreError`].
pub fn abandon(store: &Store, record: &Record, patch: Patch, durability: Durability) -> Result<Stepped, StoreError> {
    let worker = job_lock::is_held(&store.file(&record.id, JobFile::Stderr));
    let stepped = store.step(&record.id, &Event::Abandon { worker }, patch, durability)?;
    if stepped.record.status.is_terminal() {
        session_lock::release(store.directory(), record.session_id.as_deref());
    }
    Ok(stepped)
}
