//! `add_agent`, `update_agent`, `remove_agent`.

use serde::Deserialize;
use serde_json::Value;

use super::{ToolCall, off_the_loop, typed};
use crate::config::change::{self, ChangeError, Fields};
use crate::mcp::output::Output;
use crate::mcp::reply::{CallError, Response};
use crate::mcp::state::ServerState;
use crate::mcp::table::{Kind, Parameter, ToolEffect, ToolRow, optional, required};

const NAME: Parameter = required("name", Kind::Text, "");
const DESCRIPTION: Parameter = optional("description", Kind::Text, "");
const TIMEOUT: Parameter = optional("timeout", Kind::Integer, "seconds");
const MAX_TURNS: Parameter = optional("max_turns", Kind::Integer, "");
const MODEL: Parameter = optional("model", Kind::Text, "");
const PERMISSION_MODE: Parameter =
    optional("permission_mode", Kind::Text, "acceptEdits|auto|bypassPermissions|default|dontAsk|plan");
const ALLOWED_TOOLS: Parameter =
    optional("allowed_tools", Kind::Names, "comma-separated, likewise all lists; [] = none at all");
const DISALLOWED_TOOLS: Parameter = optional("disallowed_tools", Kind::Names, "");
const UNATTENDED_TOOLS: Parameter = optional("unattended_tools", Kind::Names, "gives back what runs are denied");
const CAPABILITIES: Parameter = optional("capabilities", Kind::Names, "labels for callers");
const RISKY_CAPABILITIES: Parameter = optional("risky_capabilities", Kind::Names, "");
const INSTRUCTIONS: Parameter = optional("instructions", Kind::Text, "standing orders for every dispatch");

/// `add_agent`
pub const ADD: ToolRow = ToolRow {
    name: "add_agent",
    title: "Add an agent",
    description: "Register a project directory as an agent. Without a description one is made from its files; \
                  timeout 0 = 300 s, budget 0 = the default cap of the settings, if any.",
    parameters: &[
        NAME,
        required("directory", Kind::Text, "existing; ~ is expanded"),
        DESCRIPTION,
        TIMEOUT,
        optional("max_budget_usd", Kind::Number, "per dispatch"),
        MAX_TURNS,
        MODEL,
        PERMISSION_MODE,
        ALLOWED_TOOLS,
        DISALLOWED_TOOLS,
        UNATTENDED_TOOLS,
        CAPABILITIES,
        RISKY_CAPABILITIES,
        INSTRUCTIONS,
    ],
    effect: ToolEffect::Adds,
    always_load: false,
    output: Output::new(&[("added", "string"), ("directory", "string"), ("description", "string")], 2),
    handler: |state, call| Box::pin(add(state, call)),
};

/// `update_agent`
pub const UPDATE: ToolRow = ToolRow {
    name: "update_agent",
    title: "Change an agent",
    description: "Change an agent's configuration, for example grant the tools that a dispatch was denied. Empty or 0 \
                  leaves a field, \"none\" clears it.",
    parameters: &[
        NAME,
        DESCRIPTION,
        TIMEOUT,
        optional("max_budget_usd", Kind::Number, "negative = back to the default cap, if any"),
        MAX_TURNS,
        MODEL,
        PERMISSION_MODE,
        ALLOWED_TOOLS,
        DISALLOWED_TOOLS,
        UNATTENDED_TOOLS,
        CAPABILITIES,
        RISKY_CAPABILITIES,
        INSTRUCTIONS,
    ],
    effect: ToolEffect::Sets,
    always_load: false,
    output: Output::new(&[("updated", "string"), ("fields", "array")], 2),
    handler: |state, call| Box::pin(update(state, call)),
};

/// `remove_agent`
pub const REMOVE: ToolRow = ToolRow {
    name: "remove_agent",
    title: "Remove an agent",
    description: "Remove an agent from the configuration. Its directory stays as it is.",
    parameters: &[NAME],
    effect: ToolEffect::Removes,
    always_load: false,
    output: Output::new(&[("removed", "string")], 1),
    handler: |state, call| Box::pin(remove(state, call)),
};

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
    #[serde(default)]
    directory: String,
}

async fn add(state: &ServerState, call: ToolCall) -> Result<Response, CallError> {
    with_fields(state, &call, |environment, named, fields| {
        change::add_agent(environment, &named.name, &named.directory, &fields)
    })
    .await
}

async fn update(state: &ServerState, call: ToolCall) -> Result<Response, CallError> {
    with_fields(state, &call, |environment, named, fields| change::update_agent(environment, &named.name, &fields))
        .await
}

async fn remove(state: &ServerState, call: ToolCall) -> Result<Response, CallError> {
    with_fields(state, &call, |environment, named, _| change::remove_agent(environment, &named.name)).await
}

/// Makes a change where it may wait for another process's, then forgets what the agent answered before it.
async fn with_fields(
    state: &ServerState,
    call: &ToolCall,
    make: impl FnOnce(&crate::config::path::Environment, &Named, Fields) -> Result<Value, ChangeError> + Send + 'static,
) -> Result<Response, CallError> {
    let (named, fields) = (typed::<Named>(call)?, typed::<Fields>(call)?);
    let environment = state.environment.clone();
    let name = named.name.clone();
    let response = off_the_loop(move || match make(&environment, &named, fields) {
        Ok(answer) => Ok(Response::of(&answer)),
        Err(error) => Err(match error.hint() {
            Some(hint) => CallError::of(&error).with_hint(hint),
            None => CallError::of(&error),
        }),
    })
    .await;
    state.dispatcher.forget(&name);
    response
}
