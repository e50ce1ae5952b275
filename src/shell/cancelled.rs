//! What is said of a job that somebody cancelled: how to go on with it, where there is anything to go on with.

use super::record::Record;
use super::run_output::session_began;
use super::store::{JobFile, Patch, Store};
use crate::machines::next_call;

/// What its record takes.
#[must_use]
pub fn patch(store: &Store, record: &Record) -> Patch {
    let session = record.session_id.as_deref().filter(|_| has_session(store, record));
    let reason = match record.started_at {
        Some(_) if record.is_call() => "cancelled; none of its parts runs any more".to_owned(),
        Some(_) => next_call::after_cancel(&record.agent, session),
        None => "cancelled before it began".to_owned(),
    };
    Patch { error: Some(reason), no_session: session.is_none(), ..Patch::default() }
}

/// Whether there is a session under the record's id. A job of the older implementation tells only of one that began; of
/// ours, the id is planned before the run begins.
fn has_session(store: &Store, record: &Record) -> bool {
    let id = &record.id;
    !store.file(id, JobFile::Lock).exists()
        || session_began(&store.file(id, JobFile::Stdout))
        || store.plan(id).is_ok_and(|plan| plan.session.is_resume())
}
