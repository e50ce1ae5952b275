//! `dispatch`, `dispatch_session`, `dispatch_stream`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::{Call, Desk, typed};
use crate::config::model::Config;
use crate::config::plan::{Request, ResponseSchema};
use crate::machines::plan::{Format, MAX_RESUME_ATTEMPTS};
use crate::mcp::progress::Reporter;
use crate::mcp::reply::{Mistake, Reply};
use crate::mcp::table::{Conduct, Kind, Parameter, ToolRow, optional, required};
use crate::shell::dispatcher::{Caching, Delivery};
use crate::shell::jobs::Jobs;

/// A summary that nobody sized, in characters (contract).
const DEFAULT_SUMMARY_CHARS: i64 = 500;
/// Longest summary, in characters (contract).
const MAX_SUMMARY_CHARS: i64 = 100_000;

pub const AGENT: Parameter = required("agent", Kind::Text, "name from list_agents");
pub const TASK: Parameter = required("task", Kind::Text, "what to do; the agent knows nothing of this conversation");
pub const CONTEXT: Parameter = optional("context", Kind::Text, "facts it needs: errors, code, paths");
pub const CALLER: Parameter = optional("caller", Kind::Text, "your project or role");
pub const GOAL: Parameter = optional("goal", Kind::Text, "the broader objective");
pub const RESPONSE_FORMAT: Parameter =
    optional("response_format", Kind::Text, "\"json\": one JSON value, in parsed_result");
pub const RESPONSE_SCHEMA: Parameter =
    optional("response_schema", Kind::Schema, "JSON Schema of the answer, or the name of one of the agent's");
const RETURN_REF: Parameter = optional("return_ref", Kind::Flag, "store the result, answer with ref + summary");
const SUMMARY_CHARS: Parameter = optional("summary_chars", Kind::Integer, "default 500");
pub const TIMEOUT: Parameter = optional("timeout_seconds", Kind::Integer, "10..7200; 0 = the agent's own");
pub const RESUME: Parameter = optional("resume_attempts", Kind::Integer, "0..3: go on by itself when cut off");

pub const WAIT_FOR_LIMIT: Parameter =
    optional("wait_for_limit", Kind::Flag, "at the usage limit wait for its reset instead of failing");
pub const MAX_TURNS: Parameter = optional("max_turns", Kind::Integer, "0 = the agent's own");

/// `dispatch`
pub const DISPATCH: ToolRow = ToolRow {
    name: "dispatch",
    title: "Delegate a task",
    description: "Run a task in another project's agent and return its answer. Costs money; identical requests within \
                  the cache time are free. On timeout go on with dispatch_session and the session_id.",
    parameters: &[
        AGENT,
        TASK,
        CONTEXT,
        CALLER,
        GOAL,
        RESPONSE_FORMAT,
        RESPONSE_SCHEMA,
        RETURN_REF,
        SUMMARY_CHARS,
        TIMEOUT,
        MAX_TURNS,
        RESUME,
    ],
    conduct: Conduct::Runs,
    always_load: true,
};

/// `dispatch_session`
pub const SESSION: ToolRow = ToolRow {
    name: "dispatch_session",
    title: "Converse with an agent",
    description: "As dispatch, in a session that can go on: pass the session_id of an earlier answer, or none to begin. \
                  Also resumes a run that timed out.",
    parameters: &[
        AGENT,
        TASK,
        optional("session_id", Kind::Text, "of an earlier answer; empty = new"),
        CONTEXT,
        CALLER,
        GOAL,
        RESPONSE_FORMAT,
        RESPONSE_SCHEMA,
        TIMEOUT,
        MAX_TURNS,
        RESUME,
    ],
    conduct: Conduct::Runs,
    always_load: true,
};

/// `dispatch_stream`
pub const STREAM: ToolRow = ToolRow {
    name: "dispatch_stream",
    title: "Delegate and watch",
    description: "As dispatch, never cached, with what the agent says and does sent on while it works.",
    parameters: &[AGENT, TASK, CONTEXT, CALLER, GOAL, RESPONSE_FORMAT, TIMEOUT, MAX_TURNS, RESUME],
    conduct: Conduct::Runs,
    always_load: false,
};

#[derive(Debug, Deserialize)]
struct Arguments {
    agent: String,
    task: String,
    #[serde(default)]
    session_id: String,
    #[serde(default)]
    context: String,
    #[serde(default)]
    caller: String,
    #[serde(default)]
    goal: String,
    #[serde(default)]
    response_format: String,
    response_schema: Option<Value>,
    #[serde(default)]
    timeout_seconds: i64,
    resume_attempts: Option<i64>,
    #[serde(default)]
    wait_for_limit: bool,
    #[serde(default)]
    max_turns: i64,
    #[serde(default)]
    return_ref: bool,
    summary_chars: Option<i64>,
}

pub async fn dispatch(desk: &Desk, call: Call) -> Reply {
    run(desk, call, Caching::Allowed, false).await
}

pub async fn session(desk: &Desk, call: Call) -> Reply {
    run(desk, call, Caching::Never, false).await
}

pub async fn stream(desk: &Desk, call: Call) -> Reply {
    run(desk, call, Caching::Never, true).await
}

/// The configuration and the request of a call.
pub fn read(desk: &Desk, call: &Call) -> Result<(Arc<Config>, Request), Mistake> {
    let request = typed::<Arguments>(call).and_then(request)?;
    Ok((desk.config()?, request))
}

async fn run(desk: &Desk, call: Call, caching: Caching, logs: bool) -> Reply {
    let (config, request) = match read(desk, &call) {
        Ok(both) => both,
        Err(mistake) => return mistake.into(),
    };
    let reporter = Reporter::new(&call.context, &request.agent, logs && call.logs);
    let delivery = reporter
        .during(async |mut sink| desk.dispatcher.dispatch(&config, &request, caching, move |news| sink.put(news)).await)
        .await;
    match (delivery, summary_chars(&call)) {
        (Ok(delivery), Some(chars)) => by_reference(desk, &request, delivery, chars).await,
        (Ok(Delivery { answer, receipt }), None) => Reply::paid(&answer, receipt),
        (Err(mistake), _) => Mistake::new(mistake.to_string()).into(),
    }
}

/// How many characters of summary the caller wants, where it wants a reference.
fn summary_chars(call: &Call) -> Option<usize> {
    let given = typed::<Arguments>(call).ok().filter(|given| given.return_ref)?;
    let chars = given.summary_chars.unwrap_or(DEFAULT_SUMMARY_CHARS).clamp(0, MAX_SUMMARY_CHARS);
    usize::try_from(chars).ok()
}

/// Leaves the answer in the job store and tells where. One that no job was run for is stored for the purpose.
async fn by_reference(desk: &Desk, request: &Request, delivery: Delivery, chars: usize) -> Reply {
    let Delivery { answer, receipt } = delivery;
    let reference = match receipt {
        // Not redeemed, so that it stays.
        Some(receipt) => Ok(receipt.id()),
        None => {
            let (jobs, request, answer) =
                (Jobs::new(desk.dispatcher.engine().clone()), request.clone(), answer.clone());
            match tokio::task::spawn_blocking(move || jobs.keep(&request, &answer)).await {
                Ok(kept) => kept.map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            }
        }
    };
    match reference {
        Ok(reference) => Reply::of(&answer.by_reference(reference, chars)),
        // The answer is worth more than its reference.
        Err(error) => {
            tracing::warn!(error, "an answer could not be stored");
            Reply::of(&answer)
        }
    }
}

fn request(arguments: Arguments) -> Result<Request, Mistake> {
    let format = match arguments.response_format.trim().to_ascii_lowercase().as_str() {
        "" | "text" => Format::Text,
        "json" => Format::Json,
        other => {
            let shown = other.chars().take(40).collect::<String>();
            let error = format!("response_format must be \"json\" or empty, not \"{shown}\"");
            return Err(Mistake::new(error));
        }
    };
    Ok(Request {
        agent: arguments.agent,
        task: arguments.task,
        context: arguments.context,
        caller: arguments.caller,
        goal: arguments.goal,
        format,
        response_schema: arguments.response_schema.map(|schema| match schema {
            Value::String(name) => ResponseSchema::Named(name),
            schema => ResponseSchema::Inline(schema),
        }),
        timeout_seconds: arguments.timeout_seconds,
        max_turns: arguments.max_turns,
        wait_for_limit: arguments.wait_for_limit,
        session_id: arguments.session_id,
        resume_attempts: arguments.resume_attempts.map(|times| {
            let bounded = times.clamp(0, i64::from(MAX_RESUME_ATTEMPTS));
            u8::try_from(bounded).unwrap_or(MAX_RESUME_ATTEMPTS)
        }),
    })
}
