//! `list_agents`, `inspect_agent`, `list_groups`, `inspect_group`.

use std::sync::Arc;

use serde::Deserialize;

use super::{ToolCall, off_the_loop, typed};
use crate::config::claude_settings::user_directory;
use crate::config::listing::{self, Past};
use crate::mcp::reply::{CallError, Reply};
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
};

/// `list_groups`
pub const GROUPS: ToolRow = ToolRow {
    name: "list_groups",
    title: "List groups",
    description: "Sets of agents that work on one thing: how to coordinate them, who is for what, health.",
    parameters: &[],
    effect: ToolEffect::Reads,
    always_load: false,
};

/// `inspect_group`
pub const INSPECT_GROUP: ToolRow = ToolRow {
    name: "inspect_group",
    title: "Inspect a group",
    description: "One group with its shared context and what its members are.",
    parameters: &[required("name", Kind::Text, "")],
    effect: ToolEffect::Reads,
    always_load: false,
};

pub async fn list(state: &ServerState) -> Reply {
    let config = match state.config() {
        Ok(config) => config,
        Err(error) => return error.into(),
    };
    let history = config.settings.usage_log.then(|| Arc::clone(&state.history));
    let jobs = state.dispatcher.engine().store().directory().to_owned();
    off_the_loop(move || {
        let looked = history.as_ref().map(|history| history.look());
        let typical = |agent: &str| looked.as_ref()?.short(agent);
        match listing::list_agents(&config, Past { typical: &typical, servers: &lacked_servers::all(&jobs) }) {
            Ok(agents) => Reply::of(&agents),
            Err(none) => CallError::new(none.to_string()).into(),
        }
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

pub async fn inspect(state: &ServerState, call: &ToolCall) -> Reply {
    let (config, given) = match state.config().and_then(|config| Ok((config, typed::<InspectArguments>(call)?))) {
        Ok(both) => both,
        Err(error) => return error.into(),
    };
    let history = config.settings.usage_log.then(|| Arc::clone(&state.history));
    let jobs = state.dispatcher.engine().store().directory().to_owned();
    off_the_loop(move || {
        let looked = history.as_ref().map(|history| history.look());
        let typical = |agent: &str| looked.as_ref()?.full(agent);
        let past = Past { typical: &typical, servers: &lacked_servers::all(&jobs) };
        match listing::inspect_agent(&config, &given.name, given.preview_lines, past, user_directory()) {
            Ok(agent) => Reply::of(&agent),
            Err(unknown) => CallError::new(unknown.to_string()).into(),
        }
    })
    .await
}

pub async fn list_groups(state: &ServerState) -> Reply {
    let config = match state.config() {
        Ok(config) => config,
        Err(error) => return error.into(),
    };
    off_the_loop(move || match listing::list_groups(&config) {
        Ok(groups) => Reply::of(&groups),
        Err(none) => CallError::new(none.to_string()).into(),
    })
    .await
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

pub async fn inspect_group(state: &ServerState, call: &ToolCall) -> Reply {
    let (config, given) = match state.config().and_then(|config| Ok((config, typed::<Named>(call)?))) {
        Ok(both) => both,
        Err(error) => return error.into(),
    };
    off_the_loop(move || match listing::inspect_group(&config, &given.name) {
        Ok(group) => Reply::of(&group),
        Err(unknown) => CallError::new(unknown.to_string()).into(),
    })
    .await
}
