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
use crate::mcp::table::ToolEffect::Runs;
use crate::mcp::table::{Kind, Parameter, ToolRow, handler, joined, optional, required};
use crate::mcp::tasks;
use crate::shell::call::batch::Item;
use crate::shell::dispatcher::{Begun, Caching, Options};
use crate::shell::record::Form;

/// A summary that nobody sized, in characters (contract).
const DEFAULT_SUMMARY_CHARS: i64 = 500;
/// Longest summary, in characters (contract).
const MAX_SUMMARY_CHARS: i64 = 100_000;

pub const TARGET: [Parameter; 2] = [
    required("agent", Kind::Text, "name from list_agents"),
    required("task", Kind::Text, "what to do; the agent knows nothing of this conversation"),
];
const MESSAGE: [Parameter; 4] = [
    optional("context", Kind::Text, "facts it needs: errors, code, paths"),
    optional("caller", Kind::Text, "your project or role"),
    optional("goal", Kind::Text, "the broader objective"),
    optional("response_format", Kind::Text, "\"json\": one JSON value, in parsed_result"),
];
const SCHEMA: [Parameter; 1] =
    [optional("response_schema", Kind::Schema, "JSON Schema of the answer, or the name of one of the agent's")];
const REFERENCE: [Parameter; 2] = [
    optional("return_ref", Kind::Flag, "store the result, answer with ref + summary"),
    optional("summary_chars", Kind::Integer, "default 500"),
];
const TIMEOUT: Parameter = optional("timeout_seconds", Kind::Integer, "10..7200; 0 = the agent's own");
const OF_AGENT: [Parameter; 2] = [
    optional("max_turns", Kind::Integer, "0 = the agent's own"),
    optional("group", Kind::Text, "adds its shared context; the agent must be a member"),
];
const RESUME: Parameter = optional("resume_attempts", Kind::Integer, "0..3: go on by itself when cut off");

/// The parameters without their descriptions, for tools whose own description begins with 'As dispatch': every session pays
/// for each word.
const fn as_in_dispatch<const N: usize>(mut parameters: [Parameter; N]) -> [Parameter; N] {
    let mut at = 0;
    while at < N {
        parameters[at].description = "";
        at += 1;
    }
    parameters
}
/// What goes into the prompt, of a tool that is as `dispatch`.
pub const MESSAGE_AS_IN_DISPATCH: [Parameter; 4] = as_in_dispatch(MESSAGE);
pub const SCHEMA_AS_IN_DISPATCH: [Parameter; 1] = as_in_dispatch(SCHEMA);
/// What bounds the run, of a tool that is as `dispatch`.
pub const LIMITS_AS_IN_DISPATCH: [Parameter; 4] = joined(&[&[TIMEOUT], &as_in_dispatch(OF_AGENT), &[RESUME]]);

pub const DISPATCH: ToolRow =
    ToolRow::new(Runs, "dispatch", "Delegate a task", handler!(run, Caching::Allowed, Verbosity::Summary))
        .description(
            "Run a task in another project's agent and return its answer. Costs money; identical requests within the \
             cache time are free. On timeout go on with dispatch_session and the session_id.",
        )
        .parameters(&joined::<13>(&[&TARGET, &MESSAGE, &SCHEMA, &REFERENCE, &[TIMEOUT], &OF_AGENT, &[RESUME]]))
        .output(output::ANSWER)
        .always_load();

pub const SESSION: ToolRow = ToolRow::new(
    Runs,
    "dispatch_session",
    "Converse with an agent",
    handler!(run, Caching::Never, Verbosity::Summary),
)
.description(
    "As dispatch, in a session that can go on: pass the session_id of an earlier answer, or none to begin. Also resumes a \
     run that timed out.",
)
.parameters(&joined::<12>(&[
    &TARGET,
    &[optional("session_id", Kind::Text, "of an earlier answer; empty = new")],
    &MESSAGE_AS_IN_DISPATCH,
    &SCHEMA_AS_IN_DISPATCH,
    &LIMITS_AS_IN_DISPATCH,
]))
.output(output::ANSWER)
.always_load();

pub const STREAM: ToolRow =
    ToolRow::new(Runs, "dispatch_stream", "Delegate and watch", handler!(run, Caching::Never, Verbosity::Verbatim))
        .description("As dispatch, never cached, with what the agent says and does sent on while it works.")
        .parameters(&joined::<10>(&[&TARGET, &MESSAGE_AS_IN_DISPATCH, &LIMITS_AS_IN_DISPATCH]))
        .output(output::ANSWER);

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
