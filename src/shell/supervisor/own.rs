//! Where a supervisor runs: in a process of its own, or, where no such process lives for long, on a thread of the process
//! that waits for the job.

use std::fs::File;
use std::io;
use std::os::unix::net::UnixStream;

use thiserror::Error;

use super::{Happened, Supervision, adoption, inherited};
use crate::fs::failpoint;
use crate::machines::adoption::FirstStep;
use crate::machines::dispatch::CancelledBy;
use crate::machines::ids::JobId;
use crate::machines::plan::RunPlan;
use crate::shell::leash::Outlet;
use crate::shell::record::Record;
use crate::shell::slots::SlotRequest;
use crate::shell::spawner::SystemSpawner;
use crate::shell::store::{Store, StoreError};

/// Why a job could not be supervised at all.
#[derive(Debug, Error)]
pub enum SupervisorError {
    /// The job's files.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The process's own handles, runtime or signals.
    #[error("cannot set up the supervisor: {0}")]
    Setup(#[from] io::Error),
}

/// Supervises a job to its end, in a process that was started for it. `lock` is the job's, held.
///
/// # Errors
/// [`SupervisorError`] when it could not even begin.
pub fn supervise(store: Store, record: &Record, lock: Option<File>) -> Result<(), SupervisorError> {
    let Some((step, plan)) = adoption::first_step(&store, record)? else { return Ok(()) };
    let ticket = inherited::ticket(store.directory(), &record.id, plan.depth)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let (leash, caller_is_gone) = inherited::leash()?;
        to_the_end(store, record, (step, &plan), ticket, (leash, caller_is_gone)).await
    });
    failpoint::reach("leave");
    drop(lock);
    runtime.shutdown_background();
    result
}

/// Supervises a job to its end on this thread, on `leash`. `lock` is the job's, held: no other supervisor lives.
///
/// # Errors
/// [`SupervisorError`] when it could not even begin.
pub fn stand_in(store: Store, id: JobId, lock: File, leash: UnixStream) -> Result<(), SupervisorError> {
    // The process that it names is gone, and its id may be another's by now. This one is not to be ended with the job.
    lock.set_len(0)?;
    let record = store.read(&id)?;
    let Some((step, plan)) = adoption::first_step(&store, &record)? else { return Ok(()) };
    leash.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let leash = Outlet::new(tokio::net::UnixStream::from_std(leash)?);
        to_the_end(store, &record, (step, &plan), None, (Some(leash), false)).await
    });
    drop(lock);
    runtime.shutdown_background();
    result
}

/// From wherever the record says that the job stands. `caller_is_gone`: the leash was let go of before anything began.
async fn to_the_end(
    store: Store,
    record: &Record,
    (step, plan): (FirstStep, &RunPlan),
    ticket: Option<SlotRequest>,
    (leash, caller_is_gone): (Option<Outlet>, bool),
) -> Result<(), SupervisorError> {
    let spawner = SystemSpawner::of(&store, record.id);
    let mut supervision = Supervision::new(store, record.id, plan, spawner, leash)?;
    // Before a slot is asked for: one that is free at once would be used for nobody.
    if caller_is_gone {
        supervision.note(Happened::Cancelled(CancelledBy::CallerGone));
    }
    match step {
        FirstStep::Begin => supervision.with_ticket(ticket).run().await,
        FirstStep::Adopt | FirstStep::AdoptWithoutPlan => supervision.go_on(record).await,
        FirstStep::GiveUp | FirstStep::Leave => {}
    }
    Ok(())
}
