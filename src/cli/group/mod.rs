//! `group`

mod change;
mod show;

use super::arguments::GroupVerb;
use super::failure::{ExitCode, Failure};
use crate::config::path::Environment;

/// Does what is wanted with groups.
pub fn run(environment: &Environment, verb: GroupVerb) -> Result<ExitCode, Failure> {
    match verb {
        GroupVerb::List { json } => show::list(environment, json),
        GroupVerb::Inspect { name, json } => show::inspect(environment, &name, json),
        GroupVerb::Add(arguments) => change::add(environment, &arguments.name, arguments.texts, &arguments.members),
        GroupVerb::Update { name, texts } => change::update(environment, &name, texts),
        GroupVerb::Remove { name } => change::remove(environment, &name),
        GroupVerb::AddMember { name, members } => change::add_members(environment, &name, &members),
        GroupVerb::RemoveMember { name, agents } => change::remove_members(environment, &name, &agents),
    }
}
