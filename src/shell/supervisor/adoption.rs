//! A run that goes on after its supervisor died: another one waits for its end and reads its answer from the file.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::output::{Output, session_named};
use super::place::Place;
use super::{Process, Supervision};
use crate::machines::dispatch::{self, Run};
use crate::machines::ids::{JobId, SessionRef};
use crate::machines::job;
use crate::machines::plan::{Format, MAX_TIMEOUT_SECONDS, RunPlan, SessionPlan};
use crate::shell::abandon::abandon;
use crate::shell::atomic::Durability;
use crate::shell::record::Record;
use crate::shell::spawner::{Exit, ProcessSpawner};
use crate::shell::store::{JobFile, Patch, Store, StoreError};
use crate::shell::{clock, failpoint, leftovers, orphan, random, surroundings};

/// How often to look whether the worker is gone. It is not our child, so nobody tells us.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// Claude itself is searched for once a second, because that reads what all processes were started with.
const LOOKS_FOR_EACH_SEARCH: u32 = 10;
/// So many searches in a row must have been in vain: a process that was forked a moment ago does not bear its mark yet.
const ABSENCES: u32 = 2;
/// Milliseconds of a second.
const MS_PER_SECOND: f64 = 1_000.0;

impl<S: ProcessSpawner> Supervision<'_, S> {
    /// Takes over a run that the record calls running. It may work on, it may be over: its fence tells.
    pub(super) fn adopt(&mut self, record: &Record) {
        let left_seconds = record.deadline_at.map_or(0.0, |deadline| deadline - clock::unix_seconds());
        // A clock that was set may say anything; no run gets more than its whole time again.
        #[expect(clippy::cast_precision_loss, reason = "a timeout is at most some thousand seconds")]
        let left_ms = (left_seconds * MS_PER_SECOND).clamp(0.0, self.timeout_ms() as f64);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a timeout")]
        let left_ms = left_ms as u64;
        let deadline = clock::monotonic().plus(left_ms);
        let resumes_left = self.plan.resume_attempts.saturating_sub(record.resumptions.unwrap_or_default());
        failpoint::reach("adopt");
        self.run = Run::new(self.timeout_ms(), resumes_left).waiting(self.plan.limit_waits());
        self.state = dispatch::adopted(self.run, deadline);
        self.output = Output::open(&self.store.file(&self.id, JobFile::Stdout), 0, &self.plan.directory);
        self.output.mcp_file = surroundings::mcp_file_of(self.plan);
        let exit = Box::pin(over(self.store.file(&self.id, JobFile::Stderr), self.id));
        self.process = Some(Process { group: None, exit });
        // Nobody may have touched the record for long.
        let adopted = self.store.step(&self.id, &job::Event::Adopt, Patch::default(), Durability::Cached);
        tracing::info!(id = %self.id, left_ms, "job adopted");
        self.claimed = Some(adopted.map_or_else(|_| record.clone(), |stepped| stepped.record));
        self.place = Place::of_adopted(self.store.directory(), &self.id, self.plan);
    }
}

/// What is to be run. `None`: that cannot be read, and the job is given up. Of a job whose claude may work or have answered,
/// the record says as much as is needed to wait for it and to judge it: an answer is not lost with the plan.
///
/// # Errors
/// [`StoreError`].
pub(super) fn plan_of(store: &Store, record: &Record) -> Result<Option<RunPlan>, StoreError> {
    let error = match store.plan(&record.id) {
        Ok(plan) => return Ok(Some(plan)),
        Err(error) => error,
    };
    if matches!(record.state(), job::State::Running | job::State::Adopted) {
        tracing::error!(id = %record.id, %error, "the plan is lost; what runs is waited for");
        return Ok(Some(of_record(store, record)));
    }
    give_up(store, record, &error).map(|()| None)
}

/// A plan to wait by, and to start nothing by.
fn of_record(store: &Store, record: &Record) -> RunPlan {
    let recorded = record.session_id.as_deref().and_then(|session| SessionRef::try_from(session).ok());
    let session = match recorded.or_else(|| session_named(&store.file(&record.id, JobFile::Stdout))) {
        Some(id) => SessionPlan::Resume { id },
        // It may begin yet, and its output names it then. This one is nobody's.
        None => SessionPlan::Fresh { id: random::session_id() },
    };
    let left_seconds = record.deadline_at.map_or(0.0, |deadline| deadline - clock::unix_seconds()).ceil();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
    let timeout_seconds = (left_seconds as u64).min(MAX_TIMEOUT_SECONDS);
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
        timeout_seconds,
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
    if record.status.is_terminal() {
        return Ok(());
    }
    let ended = leftovers::end_all(&record.id);
    tracing::error!(id = %record.id, %error, ended, "a job without a plan");
    let patch = orphan::given_up(store, record, &format!("the job cannot be taken up: {error}"));
    match abandon(store, record, patch, Durability::Synced) {
        Ok(_) | Err(StoreError::Rejected(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Completes when the run is over: nobody holds the fence, or claude itself is gone and a leftover of it has the fence,
/// perhaps for ever.
async fn over(fence: PathBuf, id: JobId) -> Exit {
    let file = match File::open(&fence) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Exit::Unknown,
        Err(error) => {
            tracing::warn!(%error, "the fence cannot be read; the run's time decides");
            return std::future::pending().await;
        }
    };
    let mut absences = 0;
    for look in 1_u32.. {
        if file.try_lock().is_ok() {
            break;
        }
        if look.is_multiple_of(LOOKS_FOR_EACH_SEARCH) {
            absences = if leftovers::leads(&id) == Some(false) { absences + 1 } else { 0 };
            if absences == ABSENCES {
                break;
            }
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
    Exit::Unknown
}
