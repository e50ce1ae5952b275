//! Settling a job that has no supervisor and can be given none.

use super::job_lock;
use super::record::Record;
use super::session_lock::SessionLock;
use super::store::{JobFile, Patch, Stepped, Store, StoreError};
use crate::fs::atomic::Durability;
use crate::machines::ids::SessionRef;
use crate::machines::job::Event;

/// Records that a job has no supervisor and can be given none; `patch` has the reason. Where its claude process still holds
/// the fence, the job becomes adopted and is not settled. The session lock of a settled job is freed.
///
/// # Errors
/// [`StoreError`].
pub fn abandon(store: &Store, record: &Record, patch: Patch, durability: Durability) -> Result<Stepped, StoreError> {
    let worker = job_lock::is_held(&store.file(&record.id, JobFile::Stderr));
    let stepped = store.step(&record.id, &Event::Abandon { worker }, patch, durability)?;
    let session = record.session_id.as_deref().and_then(|session| SessionRef::try_from(session).ok());
    if let Some(session) = session.filter(|_| stepped.record.status.is_terminal()) {
        // Dropping the lock removes its file.
        drop(SessionLock::try_acquire(store.directory(), &session));
    }
    Ok(stepped)
}
