//! The one way to run claude: submit a job, and wait for it or let it be.

mod takeover;

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use thiserror::Error;
use tokio::sync::Semaphore;

use super::abandon::abandon;
use super::blocking::BlockingTasks;
use super::call::CallPlan;
use super::leash::Intake;
use super::record::{Form, Record};
use super::slots::{self, SlotRequest};
use super::store::{Patch, Store, StoreError, elsewhere};
use super::watch::Watches;
use super::{environment, random};
use crate::fs::atomic::Durability;
use crate::fs::failpoint;
use crate::machines::answer::Answer;
use crate::machines::ids::JobId;
use crate::machines::job::Event;
use crate::machines::plan::RunPlan;
use crate::machines::prompt::{self, PromptError};
use crate::os::process::SUPERVISE;
use crate::os::program;

/// Threads that remove the jobs of a call of several requests: a server that leaves has little time for it.
const REDEEMERS: usize = 4;

/// Why a job could not be submitted or its answer not be had. Nothing has been paid where it could not be submitted.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The prompt cannot be given to the CLI.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// The job's files.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The job could not be put into the queue.
    #[error("cannot queue for a slot in {}: {source}{}", directory.display(), elsewhere(source))]
    Queue {
        /// The jobs directory.
        directory: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The supervisor could not be started.
    #[error("cannot start a supervisor process: {0}; too many processes, or no memory?")]
    Supervisor(#[source] io::Error),
    /// The job was submitted, its supervisor died, and no other one could be given to it.
    #[error(
        "the supervisor of job {id} died and no other can be started (no memory, or too many processes or open files?): {left}"
    )]
    Unsupervised {
        /// The job.
        id: JobId,
        /// What becomes of it, and the next step.
        left: String,
    },
}

/// Submits jobs.
#[derive(Debug, Clone)]
pub struct Engine {
    store: Store,
    program: PathBuf,
    blocking: BlockingTasks,
    watches: Watches,
    /// For one submission after the other: all of them take their numbers from one counter, and many threads would only
    /// stand in each other's way.
    arrivals: Arc<Semaphore>,
}

/// What a supervisor inherits beside its leash, locked before it starts.
struct Files {
    lock: File,
    ticket: Stdio,
}

/// An answer that is to be delivered to its caller.
#[derive(Debug)]
pub struct Delivery {
    /// What to say.
    pub answer: Answer,
    /// For an answer that was paid for: to be redeemed when it was delivered.
    pub receipt: Option<Receipt>,
}

impl Delivery {
    /// An answer that this dispatch paid nothing for.
    #[must_use]
    pub const fn unpaid(answer: Answer) -> Self {
        Self { answer, receipt: None }
    }
}

/// Proof that an answer waits in the job store. What nobody received stays there.
#[derive(Debug)]
pub struct Receipt {
    store: Store,
    id: JobId,
    /// While this is open the supervisor waits. When it closes and the record was not removed, the supervisor syncs it.
    leash: Option<Intake>,
    blocking: BlockingTasks,
}

impl Receipt {
    /// The job.
    #[must_use]
    pub const fn id(&self) -> JobId {
        self.id
    }

    /// As [`Self::redeem`] for all of them, without holding up the loop that delivered them. When the process leaves before
    /// it is done, the records stay.
    ///
    /// # Panics
    /// Outside a runtime.
    pub fn redeem_soon(mut receipts: Vec<Self>) {
        let each = receipts.len().div_ceil(REDEEMERS);
        while let Some(blocking) = receipts.last().map(|receipt| receipt.blocking.clone()) {
            let some = receipts.split_off(receipts.len().saturating_sub(each));
            blocking.start(move || some.into_iter().for_each(Self::redeem));
        }
    }

    /// Lets the supervisor go, for an answer that is not delivered at once: it puts it on the disk for good and leaves. The
    /// receipt can be redeemed as before.
    pub fn release(&mut self) {
        self.leash = None;
    }

    /// The answer was delivered: the record is no longer needed.
    pub fn redeem(self) {
        if let Err(error) = self.store.collect(&self.id) {
            tracing::warn!(id = %self.id, %error, "a received job could not be removed");
        }
        drop(self.leash);
    }
}

impl Engine {
    /// An engine over the jobs in `store`, whose supervisors run `program`.
    #[must_use]
    pub fn new(store: Store, program: PathBuf) -> Self {
        Self {
            store,
            program,
            blocking: BlockingTasks::default(),
            watches: Watches::default(),
            arrivals: Arc::new(Semaphore::new(1)),
        }
    }

    /// The job store.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Work on files that is under way: to be waited for before the process leaves.
    #[must_use]
    pub const fn blocking(&self) -> &BlockingTasks {
        &self.blocking
    }

    /// The watches on jobs.
    #[must_use]
    pub const fn watches(&self) -> &Watches {
        &self.watches
    }

    /// Runs `submit` on a thread that may block: one submission after the other, in the order in which they were asked for.
    pub async fn in_turn<T: Send + 'static>(&self, submit: impl FnOnce(Self) -> T + Send + 'static) -> T {
        // Nobody closes it.
        let (engine, turn) = (self.clone(), Arc::clone(&self.arrivals).acquire_owned().await.ok());
        let in_turn = move || {
            let submitted = submit(engine);
            drop(turn);
            submitted
        };
        self.blocking.run(in_turn).await
    }

    /// Submits a job that runs whatever becomes of this process. `delivery` is how its caller gets the answer, if as a
    /// task. When this returns, the job is on disk and supervised: any other process can tell of it from then on.
    ///
    /// # Errors
    /// [`EngineError`]; then nothing was submitted.
    pub fn submit_detached(&self, plan: &RunPlan, delivery: Option<Form>) -> Result<JobId, EngineError> {
        let record = Record { delivery, ..pending(random::job_id(), plan) };
        self.submit(&record, plan, |id, files| self.start_supervisor(id, files, Stdio::null()))?;
        Ok(record.id)
    }

    /// Submits a part of a call under the id that the call noted for it, as [`Self::submit_detached`].
    ///
    /// # Errors
    /// [`EngineError`]; then nothing was submitted.
    pub fn submit_part(&self, id: JobId, call: JobId, plan: &RunPlan) -> Result<(), EngineError> {
        let record = Record { part_of: Some(call), ..pending(id, plan) };
        self.submit(&record, plan, |id, files| self.start_supervisor(id, files, Stdio::null()))
    }

    /// Submits a call of several requests as a job that goes on with it whatever becomes of this process. It has no slot:
    /// its parts have.
    ///
    /// # Errors
    /// [`EngineError`]; then nothing was submitted.
    pub fn submit_call(&self, call: &CallPlan) -> Result<JobId, EngineError> {
        let id = random::job_id();
        let lock = call.create(&self.store, id)?;
        self.started(&id, self.supervise_again(&id, lock))?;
        Ok(id)
    }

    /// The receipt of a job that nobody waited for on a leash.
    #[must_use]
    pub fn receipt(&self, id: JobId) -> Receipt {
        Receipt { store: self.store.clone(), id, leash: None, blocking: self.blocking.clone() }
    }

    /// Starts a supervisor for a job that has lost its own; `lock` is the proof of that, and goes to the new one. A job
    /// that waited for its slot waits at the end of the queue then: its ticket died with its supervisor.
    ///
    /// # Errors
    /// [`EngineError::Supervisor`].
    pub fn supervise_again(&self, id: &JobId, lock: File) -> Result<(), EngineError> {
        self.start_supervisor(id, Files { lock, ticket: Stdio::null() }, Stdio::null())
    }

    /// Writes the job, takes its ticket and has its supervisor started with both. The ticket is taken here, not by the
    /// supervisor: the order of submission is the order in the queue.
    fn submit<T>(
        &self,
        record: &Record,
        plan: &RunPlan,
        start: impl FnOnce(&JobId, Files) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let input = prompt::for_stdin(&plan.prompt)?;
        let lock = self.store.create(record, plan, input.as_bytes())?;
        let started = self.with_ticket(&record.id, plan, |ticket| start(&record.id, Files { lock, ticket }));
        self.started(&record.id, started)
    }

    /// What came of the start of a job's supervisor. Without one there is no job.
    fn started<T>(&self, id: &JobId, started: Result<T, EngineError>) -> Result<T, EngineError> {
        match &started {
            Ok(_) => tracing::info!(%id, "job submitted"),
            Err(error) => tracing::warn!(%id, %error, "job not submitted"),
        }
        if let Err(error) = &started {
            let patch = Patch { error: Some(error.to_string()), ..Patch::default() };
            drop(self.store.read(id).and_then(|record| abandon(&self.store, &record, patch, Durability::Cached)));
            drop(self.store.step(id, &Event::Collect, Patch::default(), Durability::Cached));
        }
        started
    }

    fn with_ticket<T>(
        &self,
        id: &JobId,
        plan: &RunPlan,
        start: impl FnOnce(Stdio) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let directory = self.store.directory();
        let failed = |source| EngineError::Queue { directory: directory.to_path_buf(), source };
        let limit = usize::try_from(plan.max_concurrency).unwrap_or(usize::MAX);
        slots::set_limit(directory, limit).map_err(failed)?;
        failpoint::check("ticket").map_err(failed)?;
        let request = SlotRequest::new(directory, plan.depth, &id.to_string()).map_err(failed)?;
        failpoint::check("took_ticket").map_err(failed)?;
        let started = start(Stdio::from(request.lend().map_err(failed)?))?;
        request.hand_over();
        Ok(started)
    }

    /// Starts a supervisor that ends the run when the other end of its leash is closed.
    fn start_on_leash(&self, id: &JobId, files: Files) -> Result<Intake, EngineError> {
        let (ours, theirs) = self.leash()?;
        self.start_supervisor(id, files, Stdio::from(std::os::fd::OwnedFd::from(theirs)))?;
        Ok(ours)
    }

    fn start_supervisor(&self, id: &JobId, files: Files, leash: Stdio) -> Result<(), EngineError> {
        // It may have been replaced by one in another folder meanwhile.
        let program = if self.program.exists() { self.program.clone() } else { program::own() };
        let mut command = tokio::process::Command::new(program);
        command
            .arg0("agent-dispatch")
            .arg(SUPERVISE)
            .arg(self.store.directory())
            .arg(id.to_string())
            // An outer run's leftovers are found by this variable; a supervisor is not one of them.
            .env_remove(environment::JOB)
            .stdin(leash)
            .stdout(Stdio::from(files.lock))
            .stderr(files.ticket);
        // The handle is dropped at once: the runtime reaps the process when it ends, nothing here waits for it.
        failpoint::check("spawn_supervisor").map_err(EngineError::Supervisor)?;
        command.spawn().map(drop).map_err(EngineError::Supervisor)?;
        failpoint::reach("spawned_supervisor");
        Ok(())
    }
}

fn pending(id: JobId, plan: &RunPlan) -> Record {
    Record {
        context: plan.context.clone(),
        caller: plan.caller.clone(),
        goal: plan.goal.clone(),
        session_id: Some(plan.session.id().to_string()),
        ..Record::pending(id, &plan.agent, &plan.task)
    }
}
