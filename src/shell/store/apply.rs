//! One event, applied to a record in memory.

use super::{Patch, Shown};
use crate::machines::job::{self, Effect, Event};
use crate::machines::rejected::Rejected;
use crate::shell::clock;
use crate::shell::record::Record;

/// What a step asks for beside the new record.
pub(super) struct Did {
    /// The supervisor must be told to end the run.
    pub(super) end_run: bool,
    /// The record and its folder are to be removed.
    pub(super) remove: bool,
}

/// Takes one event: the record's new state, and what the machine's effects write into it.
pub(super) fn apply(record: &mut Record, event: &Event, patch: Patch) -> Result<Did, Rejected> {
    let (next, effects) = job::step(record.state(), event)?;
    if let Some((status, phase)) = next.in_record() {
        (record.status, record.phase) = (status, phase);
    }
    let mut did = Did { end_run: false, remove: false };
    let Patch { mut result, mut error, mut progress, deadline_at, resumptions, no_session } = patch;
    for effect in effects {
        match effect {
            Effect::StampStarted => record.started_at = Some(clock::unix_seconds()),
            Effect::StampDeadline => record.deadline_at = deadline_at,
            Effect::CountResumption => record.resumptions = resumptions,
            Effect::StampCompleted => record.completed_at = Some(clock::unix_seconds()),
            Effect::StoreProgress => {
                if let Some(Shown { lines, activity }) = progress.take() {
                    record.progress = Some(lines);
                    record.activity = activity.or_else(|| record.activity.take());
                }
                record.progress_updated_at = Some(clock::unix_seconds());
            }
            Effect::StoreResult => {
                record.result = result.take();
                record.error = error.take();
                record.session_id = record.session_id.take().filter(|_| !no_session);
            }
            Effect::StoreReason => {
                record.error = error.take();
                record.session_id = record.session_id.take().filter(|_| !no_session);
            }
            Effect::EndRun => did.end_run = true,
            Effect::RemoveFiles => did.remove = true,
        }
    }
    Ok(did)
}
