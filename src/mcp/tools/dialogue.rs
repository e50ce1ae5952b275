//! `dispatch_dialogue`

use std::sync::Arc;

use serde::Deserialize;

use super::{ToolCall, typed};
use crate::config::model::Config;
use crate::machines::dialogue::DEFAULT_ROUNDS;
use crate::machines::text;
use crate::mcp::output::Output;
use crate::mcp::progress::{Reporter, Sink, Verbosity};
use crate::mcp::reply::{CallError, Reply, Response};
use crate::mcp::state::ServerState;
use crate::mcp::table::ToolEffect::Runs;
use crate::mcp::table::{Kind, ToolRow, handler, optional, required};
use crate::mcp::tasks;
use crate::shell::call::CallRequest;
use crate::shell::call::Talk;
use crate::shell::dialogue;

pub const DIALOGUE: ToolRow = ToolRow::new(Runs, "dispatch_dialogue", "Have two agents talk", handler!(dialogue))
    .description(
        "Two agents work something out, each in its own session, until one says it is resolved. Up to two runs a \
             round.",
    )
    .parameters(&[
        required("requester", Kind::Text, "agent with the question"),
        required("responder", Kind::Text, "agent with the means; speaks first"),
        required("topic", Kind::Text, "what to work out"),
        optional("max_rounds", Kind::Integer, "1..10, default 3"),
    ])
    .output(
        Output::new(
            "resolved: boolean, rounds: integer, total_cost_usd: number, total_duration_ms: integer, \
                 conversation: array, final_answer?: string",
        )
        .large(),
    );

#[derive(Debug, Deserialize)]
struct Arguments {
    requester: String,
    responder: String,
    topic: String,
    max_rounds: Option<i64>,
}

async fn dialogue(state: &ServerState, call: ToolCall) -> Result<Response, CallError> {
    let (config, talk) = read(state, &call)?;
    if call.tasks
        && let Some(task) = tasks::of_call(state, &config, CallRequest::Dialogue(talk.clone())).await
    {
        return Ok(task);
    }
    let reporter = Reporter::new(&call.context, call.tool, Verbosity::Summary, false);
    let run =
        async |mut sink: Sink| dialogue::run(&state.dispatcher, &config, &talk, None, &mut |line| sink.say(line)).await;
    let (conversation, receipts) = reporter.during(run).await.map_err(CallError::of)?;
    Ok(Reply::paid(&conversation, receipts).into())
}

/// The configuration and what the call asks for, checked as far as that is possible before anything runs.
fn read(state: &ServerState, call: &ToolCall) -> Result<(Arc<Config>, Talk), CallError> {
    let Arguments { requester, responder, topic, max_rounds } = typed(call)?;
    if text::is_blank(&topic) {
        return Err(CallError::new("topic is empty: say what the two are to work out"));
    }
    let talk = Talk { requester, responder, topic, max_rounds: max_rounds.unwrap_or_else(|| DEFAULT_ROUNDS.into()) };
    let config = state.config()?;
    dialogue::check(&state.dispatcher, &config, &talk).map_err(CallError::of)?;
    Ok((config, talk))
}
