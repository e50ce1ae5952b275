//! `add_agent`, `update_agent`, `remove_agent`.

use serde::Deserialize;
use serde_json::Value;

use super::{ToolCall, off_the_loop, typed};
use crate::config::change::{self, ChangeError, Fields};
use crate::config::path::Environment;
use crate::mcp::output::Output;
use crate::mcp::reply::{CallError, Response};
use crate::mcp::state::ServerState;
use crate::mcp::table::ToolEffect::{Adds, Removes, Sets};
use crate::mcp::table::{Kind, Parameter, ToolRow, handler, joined, optional, required};

const NAME: Parameter = required("name", Kind::Text, "");
const DESCRIPTION: Parameter = optional("description", Kind::Text, "");
const TIMEOUT: Parameter = optional("timeout", Kind::Integer, "seconds");
/// What an agent has besides, in both tools alike.
const REST: [Parameter; 9] = [
    optional("max_turns", Kind::Integer, ""),
    optional("model", Kind::Text, ""),
    optional("permission_mode", Kind::Text, "acceptEdits|auto|bypassPermissions|default|dontAsk|plan"),
    optional("allowed_tools", Kind::Names, "comma-separated, likewise all lists; [] = none at all"),
    optional("disallowed_tools", Kind::Names, ""),
    optional("unattended_tools", Kind::Names, "gives back what runs are denied"),
    optional("capabilities", Kind::Names, "labels for callers"),
    optional("risky_capabilities", Kind::Names, ""),
    optional("instructions", Kind::Text, "standing orders for every dispatch"),
];

pub const ADD: ToolRow = ToolRow::new(Adds, "add_agent", "Add an agent", handler!(changed, add))
    .description(
        "Register a project directory as an agent. Without a description one is made from its files; \
         timeout 0 = 300 s, budget 0 = the default cap of the settings, if any.",
    )
    .parameters(&joined::<14>(&[
        &[NAME, required("directory", Kind::Text, "existing; ~ is expanded"), DESCRIPTION, TIMEOUT],
        &[optional("max_budget_usd", Kind::Number, "per dispatch")],
        &REST,
    ]))
    .output(Output::new("added: string, directory: string, description?: string"));

pub const UPDATE: ToolRow = ToolRow::new(Sets, "update_agent", "Change an agent", handler!(changed, update))
    .description(
        "Change an agent's configuration, for example grant the tools that a dispatch was denied. Empty or 0 leaves a \
         field, \"none\" clears it.",
    )
    .parameters(&joined::<13>(&[
        &[NAME, DESCRIPTION, TIMEOUT],
        &[optional("max_budget_usd", Kind::Number, "negative = back to the default cap, if any")],
        &REST,
    ]))
    .output(Output::new("updated: string, fields: array"));

pub const REMOVE: ToolRow = ToolRow::new(Removes, "remove_agent", "Remove an agent", handler!(changed, remove))
    .description("Remove an agent from the configuration. Its directory stays as it is.")
    .parameters(&[NAME])
    .output(Output::new("removed: string"));

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
    #[serde(default)]
    directory: String,
}

/// A change of agents.yaml.
type Change = fn(&Environment, &Named, &Fields) -> Result<Value, ChangeError>;

fn add(environment: &Environment, named: &Named, fields: &Fields) -> Result<Value, ChangeError> {
    change::add_agent(environment, &named.name, &named.directory, fields)
}

fn update(environment: &Environment, named: &Named, fields: &Fields) -> Result<Value, ChangeError> {
    change::update_agent(environment, &named.name, fields)
}

fn remove(environment: &Environment, named: &Named, _: &Fields) -> Result<Value, ChangeError> {
    change::remove_agent(environment, &named.name)
}

/// Makes a change where it may wait for another process's, then forgets what the agent answered before it.
async fn changed(state: &ServerState, call: ToolCall, make: Change) -> Result<Response, CallError> {
    let (named, fields) = (typed::<Named>(&call)?, typed::<Fields>(&call)?);
    let (environment, name) = (state.environment.clone(), named.name.clone());
    let response = off_the_loop(move || {
        make(&environment, &named, &fields).map(|answer| Response::of(&answer)).map_err(|error| match error.hint() {
            Some(hint) => CallError::of(&error).with_hint(hint),
            None => CallError::of(&error),
        })
    })
    .await;
    state.dispatcher.forget(&name);
    response
}
