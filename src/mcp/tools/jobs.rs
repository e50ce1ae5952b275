//! `dispatch_async`, `dispatch_status`, `dispatch_wait`, `dispatch_cancel`, `dispatch_jobs`, `fetch_result`, `dispatch_gc`.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::dispatch::{
    self, AGENT, CALLER, CONTEXT, GOAL, GROUP, MAX_TURNS, RESPONSE_FORMAT, RESPONSE_SCHEMA, RESUME, TASK, TIMEOUT,
    WAIT_FOR_LIMIT, as_in_dispatch,
};
use super::{ToolCall, off_the_loop, typed};
use crate::machines::ids::JobId;
use crate::machines::job::Status;
use crate::machines::summary::Filter;
use crate::machines::text;
use crate::mcp::progress::{Reporter, Sink, Verbosity};
use crate::mcp::reply::{CallError, Reply, Response};
use crate::mcp::state::ServerState;
use crate::mcp::table::{Kind, Parameter, ToolEffect, ToolRow, optional, required};
use crate::mcp::tasks;
use crate::shell::dispatcher::Submitted;
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

/// `dispatch_async`
pub const ASYNC: ToolRow = ToolRow {
    name: "dispatch_async",
    title: "Delegate in the background",
    description: "As dispatch, but returns a job_id at once; the run survives this session. Then dispatch_wait, or \
                  dispatch_status now and then.",
    parameters: &[
        AGENT,
        TASK,
        as_in_dispatch(CONTEXT),
        as_in_dispatch(CALLER),
        as_in_dispatch(GOAL),
        as_in_dispatch(RESPONSE_FORMAT),
        as_in_dispatch(RESPONSE_SCHEMA),
        TIMEOUT,
        as_in_dispatch(MAX_TURNS),
        as_in_dispatch(GROUP),
        RESUME,
        WAIT_FOR_LIMIT,
    ],
    effect: ToolEffect::Runs,
    always_load: false,
};

/// `dispatch_status`
pub const STATUS: ToolRow = ToolRow {
    name: "dispatch_status",
    title: "Look at a job",
    description: "A job's record: status, progress while it runs, result when it is done.",
    parameters: &[JOB_ID],
    effect: ToolEffect::Reads,
    always_load: false,
};

/// `dispatch_wait`
pub const WAIT: ToolRow = ToolRow {
    name: "dispatch_wait",
    title: "Wait for a job",
    description: "A job's record when it ends, or with timed_out_waiting when the wait is over; the job goes on.",
    parameters: &[JOB_ID, optional("timeout_seconds", Kind::Integer, "1..3600, default 60")],
    effect: ToolEffect::Reads,
    always_load: false,
};

/// `dispatch_cancel`
pub const CANCEL: ToolRow = ToolRow {
    name: "dispatch_cancel",
    title: "Cancel a job",
    description: "End a job, whoever started it, with everything that it runs.",
    parameters: &[JOB_ID],
    effect: ToolEffect::Removes,
    always_load: false,
};

/// `dispatch_jobs`
pub const JOBS: ToolRow = ToolRow {
    name: "dispatch_jobs",
    title: "List jobs",
    description: "Jobs of all sessions, newest first.",
    parameters: &[
        optional("status", Kind::Text, "pending|running|done|failed|cancelled"),
        optional("limit", Kind::Integer, "1..1000, default 50"),
        optional("agent", Kind::Text, ""),
    ],
    effect: ToolEffect::Reads,
    always_load: false,
};

/// `fetch_result`
pub const FETCH: ToolRow = ToolRow {
    name: "fetch_result",
    title: "Fetch a stored result",
    description: "The full answer behind a ref or job_id.",
    parameters: &[required("ref", Kind::Text, ""), optional("max_chars", Kind::Integer, "0 = all")],
    effect: ToolEffect::Reads,
    always_load: false,
};

/// `dispatch_gc`
pub const GC: ToolRow = ToolRow {
    name: "dispatch_gc",
    title: "Remove old jobs",
    description: "Remove finished jobs and their results for good.",
    parameters: &[
        optional("max_age_days", Kind::Number, "default 7"),
        optional("dry_run", Kind::Flag, "only say which"),
    ],
    effect: ToolEffect::Removes,
    always_load: false,
};

pub async fn submit(state: &ServerState, call: ToolCall) -> Reply {
    let (config, request) = match dispatch::read(state, &call) {
        Ok((config, item)) => (config, item.request),
        Err(error) => return error.into(),
    };
    match state.dispatcher.submit(&config, &request).await {
        Ok(Submitted::Job(id)) => Reply::of(&json!({"job_id": id, "status": "pending", "agent": request.agent})),
        Ok(Submitted::Refused(answer)) => CallError::new(answer.error.unwrap_or_default()).into(),
        Err(error) => CallError::new(error.to_string()).into(),
    }
}

#[derive(Debug, Deserialize)]
struct One {
    job_id: String,
    timeout_seconds: Option<i64>,
}

fn one(call: &ToolCall) -> Result<(JobId, One), CallError> {
    let one = typed::<One>(call)?;
    Ok((id(&one.job_id)?, one))
}

fn id(text: &str) -> Result<JobId, CallError> {
    JobId::try_from(text).map_err(|error| CallError::new(error.to_string()))
}

pub async fn status(state: &ServerState, call: &ToolCall) -> Reply {
    let id = match one(call) {
        Ok((id, _)) => id,
        Err(error) => return error.into(),
    };
    with_jobs(state, move |jobs| match jobs.read(&id) {
        Ok(record) => {
            let place = jobs.place(&record);
            Reply::of(&with(&jobs.with_pause(record), "queue_place", place.map(Value::from)))
        }
        Err(error) => CallError::new(error.to_string()).into(),
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

pub async fn wait(state: &ServerState, call: ToolCall) -> Response {
    let (id, given) = match one(&call) {
        Ok(both) => both,
        Err(error) => return error.into(),
    };
    if call.tasks
        && let Some(task) = tasks::of_running(state, id).await
    {
        return Response::Task(Box::new(task), None);
    }
    let seconds =
        given.timeout_seconds.unwrap_or(DEFAULT_WAIT_SECONDS).clamp(*WAIT_SECONDS.start(), *WAIT_SECONDS.end());
    let patience = Duration::from_secs(seconds.unsigned_abs());
    let jobs = Jobs::new(state.dispatcher.engine().clone());
    let reporter = Reporter::new(&call.context, "job", Verbosity::Summary, false);
    let waited =
        reporter.during(async |mut sink: Sink| jobs.wait_telling(id, patience, &mut |news| sink.put(news)).await).await;
    match waited {
        Ok((record, true)) => Reply::of(&record),
        Ok((record, false)) => Reply::of(&with(&record, "timed_out_waiting", Some(Value::Bool(true)))),
        Err(error) => CallError::new(error.to_string()).into(),
    }
    .into()
}

pub async fn cancel(state: &ServerState, call: &ToolCall) -> Reply {
    let id = match one(call) {
        Ok((id, _)) => id,
        Err(error) => return error.into(),
    };
    with_jobs(state, move |jobs| match jobs.cancel(&id) {
        Ok((outcome, status)) => {
            let mut answer = json!({"job_id": id, "outcome": outcome, "status": status.name()});
            let message = match outcome {
                CancelOutcome::Running => Some("it belongs to another implementation, which runs it to its end"),
                CancelOutcome::CancelledRunning => Some("it ran; it was ended with everything that it started"),
                CancelOutcome::Cancelled | CancelOutcome::AlreadyTerminal => None,
            };
            if let Some(message) = message {
                answer["message"] = message.into();
            }
            Reply::of(&answer)
        }
        Err(error) => CallError::new(error.to_string()).into(),
    })
    .await
}

#[derive(Debug, Deserialize)]
struct Listed {
    #[serde(default)]
    status: String,
    #[serde(default)]
    agent: String,
    limit: Option<i64>,
}

pub async fn list(state: &ServerState, call: &ToolCall) -> Reply {
    let (filter, limit) = match typed::<Listed>(call).and_then(filter) {
        Ok(both) => both,
        Err(error) => return error.into(),
    };
    with_listed_jobs(state, move |jobs| Reply::of(&jobs.list(&filter, limit))).await
}

fn filter(given: Listed) -> Result<(Filter, usize), CallError> {
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
struct Fetched {
    r#ref: String,
    #[serde(default)]
    max_chars: i64,
}

pub async fn fetch(state: &ServerState, call: &ToolCall) -> Reply {
    let given = match typed::<Fetched>(call).and_then(|given| Ok((id(&given.r#ref)?, given.max_chars))) {
        Ok(given) => given,
        Err(error) => return error.into(),
    };
    let (id, max_chars) = given;
    with_jobs(state, move |jobs| match jobs.read(&id) {
        Err(error) => CallError::new(error.to_string()).into(),
        Ok(Record { status, result: Some(result), .. }) if status.is_terminal() => {
            Reply::of(&cut(result, usize::try_from(max_chars).unwrap_or_default()))
        }
        Ok(record) => Reply::of(&record),
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
struct Old {
    max_age_days: Option<f64>,
    #[serde(default)]
    dry_run: bool,
}

pub async fn collect(state: &ServerState, call: &ToolCall) -> Reply {
    let given = match typed::<Old>(call) {
        Ok(given) => given,
        Err(error) => return error.into(),
    };
    let days = given.max_age_days.unwrap_or(DEFAULT_MAX_AGE_DAYS);
    if !days.is_finite() || days <= 0.0 {
        return CallError::new(format!("max_age_days must be more than 0, not {days}")).into();
    }
    with_listed_jobs(state, move |jobs| {
        let collected = jobs.collect(days, given.dry_run);
        if given.dry_run {
            Reply::of(&json!({
                "dry_run": true,
                "purged": 0,
                "would_purge": collected.ids.len(),
                "job_ids": collected.ids,
                "max_age_days": days,
            }))
        } else {
            Reply::of(&json!({"purged": collected.purged, "max_age_days": days}))
        }
    })
    .await
}

async fn with_jobs(state: &ServerState, work: impl FnOnce(&Jobs) -> Reply + Send + 'static) -> Reply {
    let jobs = Jobs::new(state.dispatcher.engine().clone());
    off_the_loop(move || work(&jobs)).await
}

/// For work on all jobs: where they cannot be listed it would find none.
async fn with_listed_jobs(state: &ServerState, work: impl FnOnce(&Jobs) -> Reply + Send + 'static) -> Reply {
    let store = state.dispatcher.engine().store().clone();
    with_jobs(state, move |jobs| match store.check_listable() {
        Ok(()) => work(jobs),
        Err(error) => CallError::new(error.to_string()).with_hint(JOBS_ELSEWHERE).into(),
    })
    .await
}
