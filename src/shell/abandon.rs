//! Giving up a job that nobody supervises and nobody can.

use super::atomic::Durability;
use super::job_lock;
use super::record::Record;
use super::session_lock::SessionLock;
use super::store::{JobFile, Patch, Stepped, Store, StoreError};
use crate::machines::ids::SessionRef;
use crate::machines::job::Event;

/// Tells the job that it has no supervisor and gets none. Whether its claude process lives is looked at here, for everyone:
/// such a job is not settled. The session of one that is settled is free again. `patch` has the reason.
///
/// # Errors
/// [`StoreError`].
pub fn abandon(store: &Store, record: &Record, patch: Patch, durability: Durability) -> Result<Stepped, StoreError> {
    let worker = job_lock::is_held(&store.file(&record.id, JobFile::Stderr));
    let stepped = store.step(&record.id, &Event::Abandon { worker }, patch, durability)?;
    let session = record.session_id.as_deref().and_then(|session| SessionRef::try_from(session).ok());
    if let Some(session) = session.filter(|_| stepped.record.status.is_terminal()) {
        // Taken and given back, its file goes too.
        drop(SessionLock::try_acquire(store.directory(), &session));
    }
    Ok(stepped)
}
