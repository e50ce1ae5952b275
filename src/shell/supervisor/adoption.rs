//! A run that goes on after its supervisor died: another one waits for its end and reads its answer from the file.

use std::fs::File;
use std::io;
use std::time::Duration;

use super::admission::Admission;
use super::{Process, Supervision};
use crate::fs::atomic::Durability;
use crate::fs::failpoint;
use crate::machines::adoption::{self, FirstStep, WORKER_LOOK_MS, WorkerWatch};
use crate::machines::conclusion::ProcessExit;
use crate::machines::dispatch::{self, Run};
use crate::machines::ids::{JobId, SessionRef};
use crate::machines::job;
use crate::machines::plan::{Format, MAX_TIMEOUT_SECONDS, RunPlan, SessionPlan};
use crate::shell::abandon::abandon;
use crate::shell::record::Record;
use crate::shell::run_output::{RunOutput, session_named};
use crate::shell::spawner::ProcessSpawner;
use crate::shell::store::{JobFile, Patch, Store, StoreError};
use crate::shell::{clock, directory_facts, leftovers, orphan, random};

impl<S: ProcessSpawner> Supervision<'_, S> {
    /// Takes over a run whose record says that a worker may live. Whether one does is seen from the fence.
    pub(super) fn adopt(&mut self, record: &Record) {
        let left_ms = adoption::left_ms(record.deadline_at, clock::unix_seconds(), self.timeout_ms());
        let deadline = clock::monotonic().plus(left_ms);
        let resumes_left = self.plan.resume_attempts.saturating_sub(record.resumptions.unwrap_or_default());
        failpoint::reach("adopt");
        self.run = Run::new(self.timeout_ms(), resumes_left).waiting(self.plan.limit_waits());
        self.state = dispatch::adopted(self.run, deadline);
        self.output = RunOutput::open(&self.store.file(&self.id, JobFile::Stdout), 0, &self.plan.directory);
        self.output.mcp_file = directory_facts::mcp_file_of(self.plan);
        let exit = Box::pin(over(self.store.clone(), self.id));
        self.process = Some(Process { group: None, exit });
        // A reader that looks at the record sees that it has a supervisor again.
        let adopted = self.store.step(&self.id, &job::Event::Adopt, Patch::default(), Durability::Cached);
        tracing::info!(id = %self.id, left_ms, "job adopted");
        self.claimed = Some(adopted.map_or_else(|_| record.clone(), |stepped| stepped.record));
        self.admission = Admission::of_adopted(self.store.directory(), &self.id, self.plan);
    }
}

/// What is to be done first, and by which plan. `None`: nothing; a job that can be neither run nor waited for is given up.
///
/// # Errors
/// [`StoreError`].
pub(super) fn first_step(store: &Store, record: &Record) -> Result<Option<(FirstStep, RunPlan)>, StoreError> {
    let plan = store.plan(&record.id);
    match (FirstStep::of(record.state(), plan.is_ok()), plan) {
        (FirstStep::Leave, _) => Ok(None),
        (step, Ok(plan)) => Ok(Some((step, plan))),
        (FirstStep::AdoptWithoutPlan, Err(error)) => {
            tracing::error!(id = %record.id, %error, "the plan is lost; what runs is waited for");
            Ok(Some((FirstStep::Adopt, of_record(store, record))))
        }
        (FirstStep::GiveUp | FirstStep::Begin | FirstStep::Adopt, Err(error)) => {
            give_up(store, record, &error).map(|()| None)
        }
    }
}

/// A plan made from the record: enough to wait for the run and to judge it, too little to start anything.
fn of_record(store: &Store, record: &Record) -> RunPlan {
    let recorded = record.session_id.as_deref().and_then(|session| SessionRef::try_from(session).ok());
    let session = match recorded.or_else(|| session_named(&store.file(&record.id, JobFile::Stdout))) {
        Some(id) => SessionPlan::Resume { id },
        // The output names the session once the run begins. Until then this id stands for none.
        None => SessionPlan::Fresh { id: random::session_id() },
    };
    let left_ms = adoption::left_ms(record.deadline_at, clock::unix_seconds(), MAX_TIMEOUT_SECONDS * 1_000);
    RunPlan {
        agent: record.agent.clone(),
        directory: String::new(),
        task: record.task.clone(),
        context: record.context.clone(),
        caller: record.caller.clone(),
        goal: record.goal.clone(),
        format: Format::Text,
        prompt: String::new(),
        session,
        model: None,
        permission_mode: None,
        allowed_tools: Vec::new(),
        disallowed_tools: Vec::new(),
        system_prompt: None,
        max_budget_usd: None,
        response_schema: None,
        max_turns: None,
        timeout_seconds: left_ms.div_ceil(1_000),
        resume_attempts: 0,
        max_concurrency: 1,
        depth: 1,
        caller_job: None,
        wait_for_limit: false,
        wait_for_mcp: false,
        usage_log: None,
    }
}

/// Ends a job whose plan cannot be read: no supervisor will ever get further, and whoever waits would wait for ever.
fn give_up(store: &Store, record: &Record, error: &StoreError) -> Result<(), StoreError> {
    let ended = leftovers::end_all(store, &record.id);
    tracing::error!(id = %record.id, %error, ended, "a job without a plan");
    let patch = orphan::given_up(store, record, &format!("the job cannot be taken up: {error}"));
    match abandon(store, record, patch, Durability::Synced) {
        Ok(_) | Err(StoreError::Rejected(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Completes when the run is over: nobody holds the fence, or claude itself is gone and a leftover of it has the fence,
/// perhaps for ever.
async fn over(store: Store, id: JobId) -> ProcessExit {
    let file = match File::open(store.file(&id, JobFile::Stderr)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return ProcessExit::Unknown,
        Err(error) => {
            tracing::warn!(%error, "the fence cannot be read; the run's time decides");
            return std::future::pending().await;
        }
    };
    let mut watch = WorkerWatch::default();
    while file.try_lock().is_err() {
        if watch.is_to_search() && watch.is_gone(leftovers::leads(&store, &id)) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(WORKER_LOOK_MS)).await;
    }
    ProcessExit::Unknown
}
