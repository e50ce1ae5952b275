//! `list_agents`, `inspect_agent`, `list_groups`, `inspect_group`.

use std::fmt::Display;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::{ToolCall, off_the_loop, typed};
use crate::config::claude_settings::user_directory;
use crate::config::listing::{self, Past};
use crate::mcp::output;
use crate::mcp::reply::{CallError, Response};
use crate::mcp::state::ServerState;
use crate::mcp::table::{Kind, ToolEffect, ToolRow, optional, required};
use crate::shell::lacked_servers;

/// Lines of a preview that nobody asked for (contract).
const DEFAULT_PREVIEW_LINES: i64 = 40;

/// `list_agents`
pub const LIST: ToolRow = ToolRow {
    name: "list_agents",
    title: "List agents",
    description: "The agents that work can be delegated to: what each is for, its MCP servers, stack, tools, health.",
    parameters: &[],
    effect: ToolEffect::Reads,
    always_load: true,
    output: output::LIST,
    handler: |state, call| Box::pin(list(state, call)),
};

/// `inspect_agent`
pub const INSPECT: ToolRow = ToolRow {
    name: "inspect_agent",
    title: "Inspect an agent",
    description: "One agent's full configuration, with the beginning of its CLAUDE.md and README. Free: starts nothing.",
    parameters: &[
        required("name", Kind::Text, ""),
        optional("preview_lines", Kind::Integer, "0..200, default 40; 0 = no previews"),
    ],
    effect: ToolEffect::Reads,
    always_load: false,
    output: output::DESCRIPTION,
    handler: |state, call| Box::pin(inspect(state, call)),
};

/// `list_groups`
pub const GROUPS: ToolRow = ToolRow {
    name: "list_groups",
    title: "List groups",
    description: "Sets of agents that work on one thing: how to coordinate them, who is for what, health.",
    parameters: &[],
    effect: ToolEffect::Reads,
    always_load: false,
    output: output::LIST,
    handler: |state, call| Box::pin(list_groups(state, call)),
};

/// `inspect_group`
pub const INSPECT_GROUP: ToolRow = ToolRow {
    name: "inspect_group",
    title: "Inspect a group",
    description: "One group with its shared context and what its members are.",
    parameters: &[required("name", Kind::Text, "")],
    effect: ToolEffect::Reads,
    always_load: false,
    output: output::DESCRIPTION,
    handler: |state, call| Box::pin(inspect_group(state, call)),
};

async fn list(state: &ServerState, _: ToolCall) -> Result<Response, CallError> {
    let config = state.config()?;
    let history = config.settings.usage_log.then(|| Arc::clone(&state.history));
    let jobs = state.dispatcher.engine().store().directory().to_owned();
    off_the_loop(move || {
        let looked = history.as_ref().map(|history| history.look());
        let typical = |agent: &str| looked.as_ref()?.short(agent);
        let past = Past { typical: &typical, servers: &lacked_servers::all(&jobs) };
        answer(listing::list_agents(&config, past))
    })
    .await
}

#[derive(Debug, Deserialize)]
struct InspectArguments {
    name: String,
    #[serde(default = "default_preview_lines")]
    preview_lines: i64,
}

const fn default_preview_lines() -> i64 {
    DEFAULT_PREVIEW_LINES
}

async fn inspect(state: &ServerState, call: ToolCall) -> Result<Response, CallError> {
    let (config, given) = (state.config()?, typed::<InspectArguments>(&call)?);
    let history = config.settings.usage_log.then(|| Arc::clone(&state.history));
    let jobs = state.dispatcher.engine().store().directory().to_owned();
    off_the_loop(move || {
        let looked = history.as_ref().map(|history| history.look());
        let typical = |agent: &str| looked.as_ref()?.full(agent);
        let past = Past { typical: &typical, servers: &lacked_servers::all(&jobs) };
        answer(listing::inspect_agent(&config, &given.name, given.preview_lines, past, user_directory()))
    })
    .await
}

async fn list_groups(state: &ServerState, _: ToolCall) -> Result<Response, CallError> {
    let config = state.config()?;
    off_the_loop(move || answer(listing::list_groups(&config))).await
}

#[derive(Debug, Deserialize)]
struct GroupArguments {
    name: String,
}

async fn inspect_group(state: &ServerState, call: ToolCall) -> Result<Response, CallError> {
    let (config, given) = (state.config()?, typed::<GroupArguments>(&call)?);
    off_the_loop(move || answer(listing::inspect_group(&config, &given.name))).await
}

fn answer(listed: Result<Value, impl Display>) -> Result<Response, CallError> {
    listed.map(|answer| Response::of(&answer)).map_err(CallError::of)
}
