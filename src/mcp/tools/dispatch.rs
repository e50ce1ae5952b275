//! `dispatch`, `dispatch_session`, `dispatch_stream`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::{ToolCall, typed_at};
use crate::config::model::Config;
use crate::config::plan::{Request, ResponseSchema};
use crate::machines::plan::{Format, MAX_RESUME_ATTEMPTS};
use crate::mcp::output;
use crate::mcp::progress::{Reporter, Sink, Verbosity};
use crate::mcp::reply::{CallError, Reply, Response};
use crate::mcp::state::ServerState;
use crate::mcp::table::{Kind, Parameter, ToolEffect, ToolRow, optional, required};
use crate::mcp::tasks;
use crate::shell::call::batch::Item;
use crate::shell::dispatcher::{Begun, Caching, Options};
use crate::shell::record::Form;

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
pub const GROUP: Parameter = optional("group", Kind::Text, "adds its shared context; the agent must be a member");
pub const RESUME: Parameter = optional("resume_attempts", Kind::Integer, "0..3: go on by itself when cut off");
pub const WAIT_FOR_LIMIT: Parameter =
    optional("wait_for_limit", Kind::Flag, "at the usage limit wait for its reset instead of failing");
pub const MAX_TURNS: Parameter = optional("max_turns", Kind::Integer, "0 = the agent's own");

/// A parameter of a tool that says of itself that it is as `dispatch`, where the parameter is described: every session
/// pays for each word.
pub const fn as_in_dispatch(parameter: Parameter) -> Parameter {
    Parameter { description: "", ..parameter }
}

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
        GROUP,
        RESUME,
    ],
    effect: ToolEffect::Runs,
    always_load: true,
    output: output::ANSWER,
    handler: |state, call| Box::pin(dispatch(state, call)),
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
        as_in_dispatch(CONTEXT),
        as_in_dispatch(CALLER),
        as_in_dispatch(GOAL),
        as_in_dispatch(RESPONSE_FORMAT),
        as_in_dispatch(RESPONSE_SCHEMA),
        TIMEOUT,
        as_in_dispatch(MAX_TURNS),
        as_in_dispatch(GROUP),
        RESUME,
    ],
    effect: ToolEffect::Runs,
    always_load: true,
    output: output::ANSWER,
    handler: |state, call| Box::pin(session(state, call)),
};

/// `dispatch_stream`
pub const STREAM: ToolRow = ToolRow {
    name: "dispatch_stream",
    title: "Delegate and watch",
    description: "As dispatch, never cached, with what the agent says and does sent on while it works.",
    parameters: &[
        AGENT,
        TASK,
        as_in_dispatch(CONTEXT),
        as_in_dispatch(CALLER),
        as_in_dispatch(GOAL),
        as_in_dispatch(RESPONSE_FORMAT),
        TIMEOUT,
        as_in_dispatch(MAX_TURNS),
        as_in_dispatch(GROUP),
        RESUME,
    ],
    effect: ToolEffect::Runs,
    always_load: false,
    output: output::ANSWER,
    handler: |state, call| Box::pin(stream(state, call)),
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
    group: String,
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

async fn dispatch(state: &ServerState, call: ToolCall) -> Result<Response, CallError> {
    run(state, call, Caching::Allowed, Verbosity::Summary).await
}

async fn session(state: &ServerState, call: ToolCall) -> Result<Response, CallError> {
    run(state, call, Caching::Never, Verbosity::Summary).await
}

async fn stream(state: &ServerState, call: ToolCall) -> Result<Response, CallError> {
    run(state, call, Caching::Never, Verbosity::Verbatim).await
}

/// The configuration and what a call asks for.
pub fn read(state: &ServerState, call: &ToolCall) -> Result<(Arc<Config>, Item), CallError> {
    let item = item(call.tool, &call.arguments)?;
    Ok((state.config()?, item))
}

/// What the arguments in `place` ask for.
pub fn item(place: &str, arguments: &Value) -> Result<Item, CallError> {
    let given = typed_at::<Arguments>(place, arguments)?;
    let chars = given.summary_chars.unwrap_or(DEFAULT_SUMMARY_CHARS).clamp(0, MAX_SUMMARY_CHARS);
    let summary_chars = given.return_ref.then(|| usize::try_from(chars).unwrap_or_default());
    Ok(Item { request: request(place, given)?, summary_chars })
}

async fn run(
    state: &ServerState,
    call: ToolCall,
    caching: Caching,
    verbosity: Verbosity,
) -> Result<Response, CallError> {
    let (config, item) = read(state, &call)?;
    let request = &item.request;
    let delivery = if call.tasks {
        let form = item.summary_chars.map_or(Form::Answer, |summary_chars| Form::Reference { summary_chars });
        match state.dispatcher.begin(&config, request, caching, Some(form)).await {
            Ok(Begun::Task(handle)) => return Ok(tasks::created(state, handle).await),
            Ok(Begun::Answer(delivery)) => Ok(*delivery),
            Err(error) => Err(error),
        }
    } else {
        let logs = verbosity == Verbosity::Verbatim && call.logs;
        let reporter = Reporter::new(&call.context, &request.agent, verbosity, logs);
        let run = async |mut sink: Sink| {
            state.dispatcher.dispatch(&config, request, Options::new(caching), &mut |news| sink.put(news)).await
        };
        reporter.during(run).await
    };
    let (part, receipt) = state.dispatcher.part_answer(&item, delivery.map_err(CallError::of)?).await;
    Ok(Reply::paid(&part, receipt).into())
}

fn request(place: &str, arguments: Arguments) -> Result<Request, CallError> {
    let format = match arguments.response_format.trim().to_ascii_lowercase().as_str() {
        "" | "text" => Format::Text,
        "json" => Format::Json,
        other => {
            let shown = other.chars().take(40).collect::<String>();
            let error = format!("{place}: response_format must be \"json\" or empty, not \"{shown}\"");
            return Err(CallError::new(error));
        }
    };
    Ok(Request {
        agent: arguments.agent,
        task: arguments.task,
        context: arguments.context,
        group: arguments.group,
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
