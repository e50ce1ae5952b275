//! `dispatch_async`, `dispatch_status`, `dispatch_wait`, `dispatch_cancel`, `dispatch_jobs`, `fetch_result`, `dispatch_gc`.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::dispatch::{self, LIMITS_AS_IN_DISPATCH, MESSAGE_AS_IN_DISPATCH, SCHEMA_AS_IN_DISPATCH, TARGET};
use super::{ToolCall, off_the_loop, typed};
use crate::machines::ids::JobId;
use crate::machines::job::Status;
use crate::machines::summary::Filter;
use crate::machines::text;
use crate::mcp::output::{self, Output};
use crate::mcp::progress::{Reporter, Sink, Verbosity};
use crate::mcp::reply::{CallError, Response};
use crate::mcp::state::ServerState;
use crate::mcp::table::ToolEffect::{Reads, Removes, Runs};
use crate::mcp::table::{Kind, Parameter, ToolRow, handler, joined, optional, required};
use crate::mcp::tasks;
use crate::shell::call::batch::Item;
use crate::shell::dispatcher::{Begun, Caching};
use crate::shell::jobs::{CancelOutcome, Jobs};
use crate::shell::record::Record;
use crate::shell::store::JOBS_ELSEWHERE;

/// Bounds of a wait, in seconds (contract).
const WAIT_SECONDS: std::ops::RangeInclusive<i64> = 1..=3_600;
/// A wait that nobody set, in seconds (contract).
const DEFAULT_WAIT_SECONDS: i64 = 60;
/// Bounds of a list (contract).
const LIST_LIMIT: std::ops::RangeInclusive<i64> = 1..=1_000;
/// A list that nobody limited (contract).
const DEFAULT_LIST_LIMIT: i64 = 50;
/// How long jobs are kept by a removal that nobody dated, in days (contract).
const DEFAULT_MAX_AGE_DAYS: f64 = 7.0;

const JOB_ID: Parameter = required("job_id", Kind::Text, "");

pub const ASYNC: ToolRow = ToolRow::new(Runs, "dispatch_async", "Delegate in the background", handler!(submit))
    .description(
        "As dispatch, but returns a job_id at once; the run survives this session. Then dispatch_wait, or \
         dispatch_status now and then.",
    )
    .parameters(&joined::<12>(&[
        &TARGET,
        &MESSAGE_AS_IN_DISPATCH,
        &SCHEMA_AS_IN_DISPATCH,
        &LIMITS_AS_IN_DISPATCH,
        &[optional("wait_for_limit", Kind::Flag, "at the usage limit wait for its reset instead of failing")],
    ]))
    .output(Output::new("job_id: string, status: string, agent: string"));

pub const STATUS: ToolRow = ToolRow::new(Reads, "dispatch_status", "Look at a job", handler!(status))
    .description("A job's record: status, progress while it runs, result when it is done.")
    .parameters(&[JOB_ID])
    .output(output::RECORD);

pub const WAIT: ToolRow = ToolRow::new(Reads, "dispatch_wait", "Wait for a job", handler!(wait))
    .description("A job's record when it ends, or with timed_out_waiting when the wait is over; the job goes on.")
    .parameters(&[JOB_ID, optional("timeout_seconds", Kind::Integer, "1..3600, default 60")])
    .output(output::RECORD);

pub const CANCEL: ToolRow = ToolRow::new(Removes, "dispatch_cancel", "Cancel a job", handler!(cancel))
    .description("End a job, whoever started it, with everything that it runs.")
    .parameters(&[JOB_ID])
    .output(Output::new("job_id: string, outcome: string, status: string"));

pub const JOBS: ToolRow = ToolRow::new(Reads, "dispatch_jobs", "List jobs", handler!(list))
    .description("Jobs of all sessions, newest first.")
    .parameters(&[
        optional("status", Kind::Text, "pending|running|done|failed|cancelled"),
        optional("limit", Kind::Integer, "1..1000, default 50"),
        optional("agent", Kind::Text, ""),
    ])
    .output(output::LIST);

pub const FETCH: ToolRow = ToolRow::new(Reads, "fetch_result", "Fetch a stored result", handler!(fetch))
    .description("The full answer behind a ref or job_id.")
    .parameters(&[required("ref", Kind::Text, ""), optional("max_chars", Kind::Integer, "0 = all")])
    .output(Output::new("").large());

pub const GC: ToolRow = ToolRow::new(Removes, "dispatch_gc", "Remove old jobs", handler!(collect))
    .description("Remove finished jobs and their results for good.")
    .parameters(&[
        optional("max_age_days", Kind::Number, "default 7"),
        optional("dry_run", Kind::Flag, "only say which"),
    ])
    .output(Output::new("purged: integer, max_age_days: number, job_ids?: array"));

async fn submit(state: &ServerState, call: ToolCall) -> Result<Response, CallError> {
    let (config, Item { request, .. }) = dispatch::read(state, &call)?;
    match state.dispatcher.begin(&config, &request, Caching::Never, None).await.map_err(CallError::of)? {
        Begun::Task(handle) => {
            Ok(Response::of(&json!({"job_id": handle.id(), "status": "pending", "agent": request.agent})))
        }
        Begun::Answer(delivery) => Err(CallError::new(delivery.answer.error.unwrap_or_default())),
    }
}

#[derive(Debug, Deserialize)]
struct JobArguments {
    job_id: String,
    timeout_seconds: Option<i64>,
}

fn id(text: &str) -> Result<JobId, CallError> {
    JobId::try_from(text).map_err(CallError::of)
}

async fn status(state: &ServerState, call: ToolCall) -> Result<Response, CallError> {
    let id = id(&typed::<JobArguments>(&call)?.job_id)?;
    with_jobs(state, move |jobs| {
        let record = jobs.read(&id).map_err(CallError::of)?;
        let place = jobs.place(&record);
        Ok(Response::of(&with(&jobs.with_pause(record), "queue_place", place.map(Value::from))))
    })
    .await
}

/// The record, with something that only this answer says of it.
fn with(record: &Record, key: &str, said: Option<Value>) -> Value {
    let mut value = serde_json::to_value(record).unwrap_or_default();
    if let (Some(said), Value::Object(object)) = (said, &mut value) {
        object.insert(key.to_owned(), said);
    }
    value
}

async fn wait(state: &ServerState, call: ToolCall) -> Result<Response, CallError> {
    let given = typed::<JobArguments>(&call)?;
    let id = id(&given.job_id)?;
    if call.tasks
        && let Some(task) = tasks::of_running(state, id).await
    {
        return Ok(Response::Task(Box::new(task), None));
    }
    let seconds =
        given.timeout_seconds.unwrap_or(DEFAULT_WAIT_SECONDS).clamp(*WAIT_SECONDS.start(), *WAIT_SECONDS.end());
    let patience = Duration::from_secs(seconds.unsigned_abs());
    let jobs = Jobs::new(state.dispatcher.engine().clone());
    let reporter = Reporter::new(&call.context, "job", Verbosity::Summary, false);
    let waited =
        reporter.during(async |mut sink: Sink| jobs.wait_telling(id, patience, &mut |news| sink.put(news)).await).await;
    let (record, has_ended) = waited.map_err(CallError::of)?;
    let timed_out = (!has_ended).then_some(Value::Bool(true));
    Ok(Response::of(&with(&record, "timed_out_waiting", timed_out)))
}

async fn cancel(state: &ServerState, call: ToolCall) -> Result<Response, CallError> {
    let id = id(&typed::<JobArguments>(&call)?.job_id)?;
    with_jobs(state, move |jobs| {
        let (outcome, status) = jobs.cancel(&id).map_err(CallError::of)?;
        let mut answer = json!({"job_id": id, "outcome": outcome, "status": status.name()});
        let message = match outcome {
            CancelOutcome::Running => Some(CancelOutcome::NOT_OURS),
            CancelOutcome::CancelledRunning => Some("it ran; it was ended with everything that it started"),
            CancelOutcome::Cancelled | CancelOutcome::AlreadyTerminal => None,
        };
        if let Some(message) = message {
            answer["message"] = message.into();
        }
        Ok(Response::of(&answer))
    })
    .await
}

#[derive(Debug, Deserialize)]
struct ListArguments {
    #[serde(default)]
    status: String,
    #[serde(default)]
    agent: String,
    limit: Option<i64>,
}

async fn list(state: &ServerState, call: ToolCall) -> Result<Response, CallError> {
    let (filter, limit) = filter(typed(&call)?)?;
    with_listed_jobs(state, move |jobs| Ok(Response::of(&jobs.list(&filter, limit)))).await
}

fn filter(given: ListArguments) -> Result<(Filter, usize), CallError> {
    let status = match given.status.trim() {
        "" => None,
        name => Some(Status::named(name).ok_or_else(|| {
            let shown = text::quoted(text::first_chars(name, 40));
            CallError::new(format!("unknown status {shown}; one of pending, running, done, failed, cancelled"))
        })?),
    };
    let agent = Some(given.agent).filter(|agent| !agent.is_empty());
    let limit = given.limit.unwrap_or(DEFAULT_LIST_LIMIT).clamp(*LIST_LIMIT.start(), *LIST_LIMIT.end());
    Ok((Filter { status, agent }, usize::try_from(limit).unwrap_or_default()))
}

#[derive(Debug, Deserialize)]
struct FetchArguments {
    r#ref: String,
    #[serde(default)]
    max_chars: i64,
}

async fn fetch(state: &ServerState, call: ToolCall) -> Result<Response, CallError> {
    let given = typed::<FetchArguments>(&call)?;
    let id = id(&given.r#ref)?;
    with_jobs(state, move |jobs| {
        Ok(match jobs.read(&id).map_err(CallError::of)? {
            Record { status, result: Some(result), .. } if status.is_terminal() => {
                Response::of(&cut(result, usize::try_from(given.max_chars).unwrap_or_default()))
            }
            record => Response::of(&record),
        })
    })
    .await
}

/// The answer, with its text cut to so many characters; 0 leaves it whole.
fn cut(mut answer: Value, max_chars: usize) -> Value {
    let text = answer.get("result").and_then(Value::as_str).unwrap_or_default();
    let full_size = text.chars().count();
    if max_chars > 0 && full_size > max_chars {
        let shown = text::first_chars(text, max_chars).to_owned();
        answer["result"] = shown.into();
        answer["truncated"] = true.into();
        answer["full_size"] = full_size.into();
    }
    answer
}

#[derive(Debug, Deserialize)]
struct CollectArguments {
    max_age_days: Option<f64>,
    #[serde(default)]
    dry_run: bool,
}

async fn collect(state: &ServerState, call: ToolCall) -> Result<Response, CallError> {
    let given = typed::<CollectArguments>(&call)?;
    let days = given.max_age_days.unwrap_or(DEFAULT_MAX_AGE_DAYS);
    if !days.is_finite() || days <= 0.0 {
        return Err(CallError::new(format!("max_age_days must be more than 0, not {days}")));
    }
    with_listed_jobs(state, move |jobs| {
        let collected = jobs.collect(days, given.dry_run);
        Ok(Response::of(&if given.dry_run {
            json!({
                "dry_run": true,
                "purged": 0,
                "would_purge": collected.ids.len(),
                "job_ids": collected.ids,
                "max_age_days": days,
            })
        } else {
            json!({"purged": collected.purged, "max_age_days": days})
        }))
    })
    .await
}

async fn with_jobs(
    state: &ServerState,
    work: impl FnOnce(&Jobs) -> Result<Response, CallError> + Send + 'static,
) -> Result<Response, CallError> {
    let jobs = Jobs::new(state.dispatcher.engine().clone());
    off_the_loop(move || work(&jobs)).await
}

/// For work on all jobs: where they cannot be listed it would find none.
async fn with_listed_jobs(
    state: &ServerState,
    work: impl FnOnce(&Jobs) -> Result<Response, CallError> + Send + 'static,
) -> Result<Response, CallError> {
    let store = state.dispatcher.engine().store().clone();
    with_jobs(state, move |jobs| {
        store.check_listable().map_err(|error| CallError::of(error).with_hint(JOBS_ELSEWHERE))?;
        work(jobs)
    })
    .await
}
