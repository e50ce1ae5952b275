//! `list_agents`, `inspect_agent`, `list_groups`, `inspect_group`.

use std::fmt::Display;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::{ToolCall, off_the_loop, typed};
use crate::config::claude_settings::user_directory;
use crate::config::listing::{self, Past};
use crate::config::model::Config;
use crate::machines::mcp_servers::Notes;
use crate::mcp::output;
use crate::mcp::reply::{CallError, Response};
use crate::mcp::state::ServerState;
use crate::mcp::table::ToolEffect::Reads;
use crate::mcp::table::{Kind, ToolRow, handler, optional, required};
use crate::shell::lacked_servers;
use crate::shell::usage::Looked;

/// Lines of a preview that nobody asked for (contract).
const DEFAULT_PREVIEW_LINES: i64 = 40;

pub const LIST: ToolRow = ToolRow::new(Reads, "list_agents", "List agents", handler!(list))
    .description("The agents that work can be delegated to: what each is for, its MCP servers, stack, tools, health.")
    .output(output::LIST)
    .always_load();

pub const INSPECT: ToolRow = ToolRow::new(Reads, "inspect_agent", "Inspect an agent", handler!(inspect))
    .description(
        "One agent's full configuration, with the beginning of its CLAUDE.md and README. Free: starts nothing.",
    )
    .parameters(&[
        required("name", Kind::Text, ""),
        optional("preview_lines", Kind::Integer, "0..200, default 40; 0 = no previews"),
    ])
    .output(output::DESCRIPTION);

pub const GROUPS: ToolRow = ToolRow::new(Reads, "list_groups", "List groups", handler!(list_groups))
    .description("Sets of agents that work on one thing: how to coordinate them, who is for what, health.")
    .output(output::LIST);

pub const INSPECT_GROUP: ToolRow = ToolRow::new(Reads, "inspect_group", "Inspect a group", handler!(inspect_group))
    .description("One group with its shared context and what its members are.")
    .parameters(&[required("name", Kind::Text, "")])
    .output(output::DESCRIPTION);

#[derive(Debug, Deserialize)]
struct Arguments {
    name: String,
    preview_lines: Option<i64>,
}

async fn list(state: &ServerState, _: ToolCall) -> Result<Response, CallError> {
    with_past(state, |config, looked, servers| {
        let typical = |agent: &str| looked?.short(agent);
        listing::list_agents(config, Past { typical: &typical, servers })
    })
    .await
}

async fn inspect(state: &ServerState, call: ToolCall) -> Result<Response, CallError> {
    let Arguments { name, preview_lines } = typed(&call)?;
    let lines = preview_lines.unwrap_or(DEFAULT_PREVIEW_LINES);
    with_past(state, move |config, looked, servers| {
        let typical = |agent: &str| looked?.full(agent);
        listing::inspect_agent(config, &name, lines, Past { typical: &typical, servers }, user_directory())
    })
    .await
}

/// Answers with what was seen of earlier runs: what they took, and the servers that they lacked.
async fn with_past<E: Display>(
    state: &ServerState,
    listed: impl FnOnce(&Config, Option<&Looked>, &Notes) -> Result<Value, E> + Send + 'static,
) -> Result<Response, CallError> {
    let config = state.config()?;
    let history = config.settings.usage_log.then(|| Arc::clone(&state.history));
    let jobs = state.dispatcher.engine().store().directory().to_owned();
    off_the_loop(move || {
        let looked = history.as_ref().map(|history| history.look());
        answer(listed(&config, looked.as_ref(), &lacked_servers::all(&jobs)))
    })
    .await
}

async fn list_groups(state: &ServerState, _: ToolCall) -> Result<Response, CallError> {
    let config = state.config()?;
    off_the_loop(move || answer(listing::list_groups(&config))).await
}

async fn inspect_group(state: &ServerState, call: ToolCall) -> Result<Response, CallError> {
    let (config, given) = (state.config()?, typed::<Arguments>(&call)?);
    off_the_loop(move || answer(listing::inspect_group(&config, &given.name))).await
}

fn answer(listed: Result<Value, impl Display>) -> Result<Response, CallError> {
    listed.map(|answer| Response::of(&answer)).map_err(CallError::of)
}
