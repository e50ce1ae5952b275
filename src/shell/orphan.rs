//! A run whose supervisor died: killed by hand or by the system for want of memory.
//!
//! Its caller still waits, so it is settled at once: what is left of the run is ended, and what it wrote is judged. (A run
//! that nobody waits for is worth adopting instead: its output goes on growing in its file.)

use std::fs::{File, TryLockError};
use std::time::{Duration, Instant};

use super::atomic::Durability;
use super::failpoint;
use super::leftovers;
use super::record::Record;
use super::session_lock::SessionLock;
use super::store::{JobFile, Patch, Store};
use super::supervisor::output::Output;
use super::usage;
use crate::machines::answer::Answer;
use crate::machines::ids::JobId;
use crate::machines::job::Event;
use crate::machines::plan::RunPlan;
use crate::machines::verdict::{self, Canceller, Ending, Evidence};

/// The system closes a dead process's files one after the other: its lock is free a moment after its leash.
const LOCK_WAIT: Duration = Duration::from_millis(500);
/// How often to look meanwhile.
const LOCK_RETRY: Duration = Duration::from_millis(2);

/// Ends what is left of the run and stores what it came to. `None` when its supervisor lives after all, or when nothing can
/// be said about it. Blocks for some milliseconds.
#[must_use]
pub fn settle(store: &Store, id: &JobId, plan: &RunPlan) -> Option<Record> {
    let _lock = lock(store, id)?;
    failpoint::reach("settle");
    let ended = leftovers::end_all(id);
    // Its lock on the session is free with its death; taken and given back, the file goes too.
    drop(SessionLock::try_acquire(store.directory(), plan.session.id()));
    let (answer, answered) = judge(store, id, plan, Ending::Abandoned);
    let started_at = store.read(id).ok().and_then(|record| record.started_at);
    if let Some(line) = usage::Line::of_run(plan, &answer, usage::Run { job: id, started_at, cancelled: false }) {
        line.write_once(id);
    }
    let event = if answered { Event::Finish { success: answer.success } } else { Event::Abandon };
    let result = serde_json::to_value(&answer).ok();
    let patch = Patch { error: answer.error, result: result.clone(), ..Patch::default() };
    tracing::warn!(%id, ended, answered, "settled a run whose supervisor died");
    let stepped = store.step(id, &event, patch.clone(), Durability::Cached).map(|stepped| stepped.record);
    failpoint::reach("settled");
    // A record that cannot be written is told all the same.
    let record = stepped.ok().or_else(|| Store::preview(store.read(id).ok()?, &event, patch).ok())?;
    Some(Record { result, ..record })
}

/// Has a cancelled run accounted for whose supervisor is gone, unless that did it. For whoever holds the lock of the job.
pub fn account_cancelled(store: &Store, record: &Record) {
    let Ok(plan) = store.plan(&record.id) else { return };
    if usage::Journal::of(&plan).is_none_or(|journal| journal.mentions(&record.id)) {
        return;
    }
    let (answer, _) = judge(store, &record.id, &plan, Ending::Cancelled { by: Canceller::Request });
    let run = usage::Run { job: &record.id, started_at: record.started_at, cancelled: true };
    if let Some(line) = usage::Line::of_run(&plan, &answer, run) {
        line.write();
    }
}

/// What a run amounts to of which only the output is left, and whether it had answered.
fn judge(store: &Store, id: &JobId, plan: &RunPlan, ending: Ending) -> (Answer, bool) {
    let mut output = Output::open(&store.file(id, JobFile::Stdout), 0, &plan.directory);
    let end = output.length();
    while output.position() < end && output.read().1 {}
    drop(output.finish());
    let resumptions = store.read(id).ok().and_then(|record| record.resumptions).unwrap_or_default();
    let evidence = Evidence {
        resumptions,
        result: output.result.take(),
        last_text: output.last_text.take(),
        stray: output.stray.take(),
        session_id: output.session_id.take(),
        last_retry: output.last_retry.take(),
        rate_limit: output.rate_limit.take(),
        unfinished: output.tasks.unfinished(),
        ..Evidence::new(plan, ending)
    };
    let answered = evidence.result.is_some();
    (verdict::judge(evidence), answered)
}

/// Proof that no supervisor lives.
pub(super) fn lock(store: &Store, id: &JobId) -> Option<File> {
    let file = File::options().read(true).write(true).open(store.file(id, JobFile::Lock)).ok()?;
    let give_up = Instant::now() + LOCK_WAIT;
    loop {
        match file.try_lock() {
            Ok(()) => return Some(file),
            Err(TryLockError::WouldBlock) if Instant::now() < give_up => std::thread::sleep(LOCK_RETRY),
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => return None,
        }
    }
}
