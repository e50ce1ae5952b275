//! Which agent each session belongs to: a line for every session that a run began, `jobs/.known/session-owners`, in
//! two generations of bounded size. It outlives the records, which go when their answer is delivered.
//!
//! Written after claude was started, so that no caller waits for it; read only for a call that goes on in a session.

use std::collections::BTreeSet;
use std::path::Path;

use super::generations::Generations;
use super::known;
use super::store::Store;
use crate::machines::ids::{JobId, SessionRef};
use crate::machines::owners::{self, Owner};
use crate::machines::plan::{RunPlan, SessionPlan};

const FILE: &str = "session-owners";
/// Says that the records of before are in the list.
const IMPORTED: &str = "session-owners-imported";
/// A generation of this size, in bytes, is moved aside: some 3,000 sessions, so that about as many are known, and that
/// both are searched in a fraction of a millisecond.
const MAX_BYTES: u64 = 512 * 1024;

/// Notes that a session that a run began belongs to its agent. A run that goes on in a session does not make it its own.
/// Whatever goes wrong is only logged: the session is as one that was begun by hand, then.
pub fn note(jobs: &Path, plan: &RunPlan, session: &str) {
    let owner = Owner::new(session, &plan.agent, plan.known_directory());
    append(jobs, &owner);
}

fn append(jobs: &Path, owner: &Owner) {
    if let Err(error) = lines(jobs).append(&owner.to_line()) {
        tracing::debug!(%error, "the owner of a session is not noted");
    }
}

/// The owner of a session; `None` for one that no run is known to have begun. Reads files.
#[must_use]
pub fn find(jobs: &Path, session: &SessionRef) -> Option<Owner> {
    // A title is unique in no way.
    Some(session).filter(|session| session.is_uuid())?;
    lines(jobs).newest_first().find_map(|bytes| owners::find(&bytes, session.as_str()))
}

/// Takes over what the records of before tell, once. Reads all of them; for a server that has begun to answer.
pub fn import(store: &Store) {
    let (jobs, imported) = (store.directory(), known::file(store.directory(), IMPORTED));
    if !jobs.is_dir() || imported.exists() {
        return;
    }
    let mut told = store.ids().filter_map(|id| told(store, &id)).collect::<Vec<_>>();
    // Whoever was there first began it.
    told.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut known = BTreeSet::new();
    for (_, owner) in told {
        let session = SessionRef::try_from(owner.session.as_str()).ok();
        let unknown = session.is_some_and(|session| find(jobs, &session).is_none());
        if unknown && known.insert(owner.session.clone()) {
            append(jobs, &owner);
        }
    }
    // Two servers that do this at once write some lines twice, which say the same.
    if let Err(error) = known::write(&imported, &[]) {
        tracing::debug!(%error, "the owners of sessions will be taken from the records once more");
    }
}

/// Whose session a record tells of, and when it was submitted.
fn told(store: &Store, id: &JobId) -> Option<(f64, Owner)> {
    let told = owners::of_record(&store.bytes(id).ok()?)?;
    let directory = match store.plan(id) {
        Ok(RunPlan { session: SessionPlan::Resume { .. }, .. }) => return None,
        Ok(plan) => Some(plan.directory),
        Err(_) => None,
    };
    Some((told.created_at, Owner::new(&told.session, &told.agent, directory.as_deref())))
}

fn lines(jobs: &Path) -> Generations {
    Generations::at(known::file(jobs, FILE), MAX_BYTES)
}
