//! MCP Tasks (`io.modelcontextprotocol/tasks`, protocol 2026-07-28) over the job store: a task *is* a job, its id is the
//! job's. Any server of the user answers for any of them, also after a restart.
//!
//! A task that was read stays: its client may ask again after a crash of its own. It goes with its job, by the user's rules
//! for jobs, and so its time to live is `null`: no server ends it.

use rmcp::model::{CallToolResult, DetailedTask, ErrorData, GetTaskResult, JsonObject, Task, TaskPayload, TaskStatus};
use serde_json::Value;

use super::reply::{CallError, Reply, Response};
use super::state::ServerState;
use crate::config::model::Config;
use crate::machines::answer::Answer;
use crate::machines::ids::JobId;
use crate::machines::job::Status;
use crate::machines::money;
use crate::machines::shorten;
use crate::machines::text;
use crate::machines::time;
use crate::shell::call::CallRequest;
use crate::shell::clock;
use crate::shell::dispatcher::TaskHandle;
use crate::shell::jobs::Jobs;
use crate::shell::leash;
use crate::shell::record::{Form, Record};
use crate::shell::store::StoreError;

/// Bounds of the interval at which a client is to ask, in ms. Claude Code asks every 250 ms at most.
const POLL_MS: std::ops::RangeInclusive<u64> = 500..=5_000;
/// A client that asks at this fraction of a task's age learns of its end at most so much later than it was.
const POLL_SHARE_OF_AGE: f64 = 0.05;
/// How long a task's result may be, in characters. Claude Code (2.1.332) shows its model 100,000 of it and drops what follows;
/// this leaves room for what it puts around them.
const MAX_RESULT_CHARS: usize = 95_000;
/// How long a reason may be in a status, in characters. It names the call that goes on with the session.
const REASON_CHARS: usize = 500;

/// The response to a call that became a task.
pub async fn created(state: &ServerState, handle: TaskHandle) -> Response {
    let id = handle.id();
    let task = look(state, id).await.map_or_else(|_| new_task(id), |(record, place)| working(&record, place));
    Response::Task(Box::new(task), Some(handle))
}

/// The response to a call of several requests that became a task; `None` for one that is to be answered here and now.
pub async fn of_call(state: &ServerState, config: &Config, what: CallRequest) -> Option<Response> {
    match state.dispatcher.begin_call(config, what).await {
        Ok(Some(handle)) => Some(created(state, handle).await),
        Ok(None) => None,
        // Each of its parts meets the same, and says so in its place.
        Err(error) => {
            tracing::warn!(%error, "a call does not become a task");
            None
        }
    }
}

/// The task of a job that has not ended; `None` for one that has, or that is none.
pub async fn of_running(state: &ServerState, id: JobId) -> Option<Task> {
    let (record, place) = look(state, id).await.ok()?;
    (!record.status.is_terminal()).then(|| working(&record, place))
}

/// `tasks/get`
///
/// # Errors
/// The protocol's, for a task that is not known.
pub async fn get(state: &ServerState, id: &str) -> Result<GetTaskResult, ErrorData> {
    let (record, place) = look(state, known(id)?).await.map_err(|error| refused(id, &error))?;
    let task = describe(&record, place);
    let payload = match record.status {
        Status::Pending | Status::Running => TaskPayload::Working,
        Status::Cancelled => TaskPayload::Cancelled,
        Status::Done | Status::Failed => TaskPayload::Completed { result: result(record)? },
    };
    Ok(GetTaskResult::new(DetailedTask::new(task, payload)))
}

/// `tasks/cancel`: ends the job and everything that it runs. One that has ended stays as it is.
///
/// # Errors
/// The protocol's, for a task that is not known.
pub async fn cancel(state: &ServerState, id: &str) -> Result<(), ErrorData> {
    let job = known(id)?;
    let jobs = Jobs::new(state.dispatcher.engine().clone());
    let cancelled = state.dispatcher.engine().blocking().run(move || jobs.cancel(&job)).await;
    cancelled.map(drop).map_err(|error| refused(id, &error))
}

/// `tasks/update`: no job ever asks its caller for anything.
///
/// # Errors
/// Always: the protocol's for a task that is not known, or for one that asked nothing.
pub async fn update(state: &ServerState, id: &str) -> Result<(), ErrorData> {
    let (record, _) = look(state, known(id)?).await.map_err(|error| refused(id, &error))?;
    let error = format!("task {} asked for no input; it is {}", record.id, record.status.name());
    Err(ErrorData::invalid_params(error, None))
}

/// The id of a job; no file is touched for any other.
fn known(id: &str) -> Result<JobId, ErrorData> {
    JobId::try_from(id).map_err(|_| unknown(id))
}

fn unknown(id: &str) -> ErrorData {
    /// Enough for an id and to recognise what else it is.
    const SHOWN_CHARS: usize = 80;
    let shown = text::quoted(&text::one_line(id, SHOWN_CHARS));
    ErrorData::invalid_params(format!("unknown task {shown}; dispatch_jobs lists the jobs, whose ids tasks have"), None)
}

fn refused(id: &str, error: &StoreError) -> ErrorData {
    match error {
        StoreError::NotFound(_) => unknown(id),
        StoreError::Io { .. } | StoreError::Busy(_) | StoreError::Rejected(_) => {
            ErrorData::internal_error(error.to_string(), None)
        }
    }
}

/// A job as it stands, with its place in the queue; one that has lost its supervisor gets a new one.
async fn look(state: &ServerState, id: JobId) -> Result<(Record, Option<usize>), StoreError> {
    let jobs = Jobs::new(state.dispatcher.engine().clone());
    let looked = tokio::task::spawn_blocking(move || {
        let record = jobs.read(&id)?;
        let place = jobs.place(&record);
        Ok((record, place))
    });
    looked.await.unwrap_or(Err(StoreError::NotFound(id)))
}

/// What the call would have answered that became this task, with the texts last and so short that its client takes all of
/// it: the record has the whole.
fn result(record: Record) -> Result<JsonObject, ErrorData> {
    let id = record.id;
    let reply = match record.delivery {
        None => Reply::of(&record),
        Some(Form::Answer) => Reply::of(&record.into_answer()),
        Some(Form::Reference { summary_chars }) => Reply::of(&record.into_answer().by_reference(id, summary_chars)),
        Some(Form::Call) => of_several(record.into_answer()),
    };
    let rest = format!("the whole: fetch_result(ref=\"{id}\")");
    let reply = reply.map(|answer| shorten::to_fit(shorten::result_last(answer), MAX_RESULT_CHARS, &rest));
    let (result, _): (CallToolResult, _) = reply.into_parts(true);
    match serde_json::to_value(result) {
        Ok(Value::Object(result)) => Ok(result),
        Ok(_) | Err(_) => Err(ErrorData::internal_error(format!("the answer of task {id} cannot be told"), None)),
    }
}

/// What a call of several requests answers: its job's answer holds that as text. One that was given up has none.
fn of_several(answer: Answer) -> Reply {
    match serde_json::from_str::<Value>(&answer.result) {
        Ok(value) => Reply::of(&value),
        Err(_) => CallError::new(answer.error.unwrap_or_default()).into(),
    }
}

/// A task whose record could not be read a moment after it was written.
fn new_task(id: JobId) -> Task {
    let mut task = timed(Task::default(), clock::unix_seconds(), None);
    task.task_id = id.to_string();
    task
}

/// As it is told when it is created, whatever became of it meanwhile: its client asks for that.
fn working(record: &Record, place: Option<usize>) -> Task {
    let mut task = describe(record, place);
    task.status = TaskStatus::Working;
    task
}

fn describe(record: &Record, place: Option<usize>) -> Task {
    let updated = record.completed_at.or(record.progress_updated_at).or(record.started_at);
    let mut task = timed(Task::default(), record.created_at, updated);
    task.task_id = record.id.to_string();
    task.status_message = Some(status_message(record, place)).filter(|message| !message.is_empty());
    task
}

fn timed(mut task: Task, created_at: f64, updated_at: Option<f64>) -> Task {
    let age = (clock::unix_seconds() - created_at).max(0.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates, and is bounded right after"
    )]
    let poll = (age * POLL_SHARE_OF_AGE * 1_000.0) as u64;
    task.created_at = time::iso8601(created_at);
    task.last_updated_at = time::iso8601(updated_at.unwrap_or(created_at));
    task.poll_interval_ms = Some(poll.clamp(*POLL_MS.start(), *POLL_MS.end()));
    task
}

/// Where the job stands, in a line.
fn status_message(record: &Record, place: Option<usize>) -> String {
    match record.status {
        Status::Pending => place.map_or_else(|| "waiting to start".to_owned(), leash::waiting),
        Status::Running => {
            record.activity.as_ref().map_or_else(|| format!("{} started", record.agent), |now| now.line())
        }
        Status::Done => done(record),
        Status::Failed | Status::Cancelled => {
            text::one_line(record.error.as_deref().unwrap_or(record.status.name()), REASON_CHARS)
        }
    }
}

fn done(record: &Record) -> String {
    let cost = record.result.as_ref().and_then(|result| result.get("cost_usd")).and_then(Value::as_f64);
    cost.map_or_else(|| "done".to_owned(), |usd| format!("done · {}", money::brief(usd)))
}
