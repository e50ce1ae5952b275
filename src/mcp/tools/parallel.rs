//! `dispatch_parallel`

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::dispatch::{self, DISPATCH};
use super::{ToolCall, misplaced, typed};
use crate::config::model::Config;
use crate::machines::parallel::most_items;
use crate::machines::text;
use crate::mcp::arguments::read_at;
use crate::mcp::output::Output;
use crate::mcp::progress::{Reporter, Sink, Verbosity};
use crate::mcp::reply::{CallError, Reply, Response};
use crate::mcp::state::ServerState;
use crate::mcp::table::ToolEffect::Runs;
use crate::mcp::table::{Kind, ToolRow, handler, optional, required};
use crate::mcp::tasks;
use crate::shell::call::CallRequest;
use crate::shell::call::batch::Batch;
use crate::shell::parallel;

/// How much of an item of the wrong kind is quoted, in characters.
const QUOTE_CHARS: usize = 60;

pub const PARALLEL: ToolRow =
    ToolRow::new(Runs, "dispatch_parallel", "Delegate several tasks at once", handler!(parallel))
        .description(
            "Run tasks at the same time; answers in input order, failed ones in their place. One bad item rejects the \
             call before anything runs.",
        )
        .parameters(&[
            required(
                "dispatches",
                Kind::Items,
                "each as the arguments of dispatch; at most 100, or 20 × max_concurrency",
            ),
            optional("aggregate", Kind::Text, "agent that makes one answer of all"),
        ])
        .output(Output::new("result?: array, individual_results?: array, aggregated?: object").large());

#[derive(Debug, Deserialize)]
struct Arguments {
    dispatches: Vec<Value>,
    #[serde(default)]
    aggregate: String,
}

async fn parallel(state: &ServerState, call: ToolCall) -> Result<Response, CallError> {
    let (config, batch) = read(state, &call)?;
    if call.tasks
        && let Some(task) = tasks::of_call(state, &config, CallRequest::Parallel(batch.clone())).await
    {
        return Ok(task);
    }
    let reporter = Reporter::new(&call.context, call.tool, Verbosity::Summary, false);
    let run = async |mut sink: Sink| {
        parallel::run(&state.dispatcher, &config, &batch, None, &mut |line| sink.say(line)).await
    };
    let mut gathered = reporter.during(run).await;
    let receipts = std::mem::take(&mut gathered.receipts);
    Ok(Reply::paid(&gathered, receipts).into())
}

/// The configuration and what the call asks for, checked as far as that is possible before anything runs.
fn read(state: &ServerState, call: &ToolCall) -> Result<(Arc<Config>, Batch), CallError> {
    let given = typed::<Arguments>(call)?;
    let config = state.config()?;
    let most = most_items(config.settings.max_concurrency);
    if given.dispatches.is_empty() {
        return Err(CallError::new("dispatches must hold at least one {\"agent\", \"task\"}"));
    }
    if given.dispatches.len() > most {
        let error = format!("too many dispatches: {}, at most {most}", given.dispatches.len());
        return Err(CallError::new(error).with_hint("make several calls of it, or raise settings.max_concurrency"));
    }
    let items = given.dispatches.into_iter().enumerate().map(|(index, value)| {
        let place = format!("dispatches[{index}]");
        let Value::Object(given) = value else {
            let shown = value.to_string();
            let shown = text::first_chars(&shown, QUOTE_CHARS);
            return Err(CallError::new(format!("{place} must be an object with agent and task, not {shown}")));
        };
        let arguments = read_at(&place, DISPATCH.parameters, Some(given));
        let arguments = arguments.map_err(|error| misplaced::call_error(&error, &DISPATCH))?;
        dispatch::item(&place, &arguments)
    });
    let batch = Batch {
        items: items.collect::<Result<_, _>>()?,
        aggregate: Some(given.aggregate).filter(|agent| !agent.is_empty()),
    };
    parallel::check(&state.dispatcher, &config, &batch).map_err(|(index, error)| {
        let place = index.map_or_else(|| "aggregate".to_owned(), |index| format!("dispatches[{index}]"));
        CallError::new(format!("{place}: {error}"))
    })?;
    Ok((config, batch))
}
