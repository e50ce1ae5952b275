//! A request within a group: the agent must be a member, and what the group knows goes before the context.
use std::borrow::Cow;

use super::model::{Config, Group, Problem};
use super::name::MAX_NAMES_LISTED;
use super::plan::{self, Request, RequestError};
use crate::machines::text;

/// The request with its group's shared context in front of its own. One that names no group is returned as it is. The agent
/// is looked at before the group, as the order of the contract has it.
///
/// # Errors
/// [`RequestError`] when there is no such agent or group, when its entry is invalid, or when the agent is not a member.
pub fn within<'a>(config: &Config, request: &'a Request) -> Result<Cow<'a, Request>, RequestError> {
    plan::agent(config, &request.agent)?;
    let name = request.group.as_str();
    if name.is_empty() {
        return Ok(Cow::Borrowed(request));
    }
    let group = find(config, name)?;
    if !group.members.iter().any(|member| member.agent == request.agent) {
        return Err(not_a_member(&request.agent, name, group));
    }
    if text::is_blank(&group.shared_context) {
        return Ok(Cow::Borrowed(request));
    }
    let shared = format!("Shared context of the group '{name}':\n{}", group.shared_context.trim_end());
    let context = if text::is_blank(&request.context) { shared } else { format!("{shared}\n\n{}", request.context) };
    Ok(Cow::Owned(Request { context, ..request.clone() }))
}

fn find<'a>(config: &'a Config, name: &str) -> Result<&'a Group, RequestError> {
    let entry = config.known_group(name).map_err(RequestError::UnknownGroup)?;
    let invalid = |problem: &Problem| RequestError::InvalidGroup { group: name.to_owned(), problem: problem.clone() };
    entry.as_result().map_err(invalid)
}

fn not_a_member(agent: &str, group: &str, entry: &Group) -> RequestError {
    let mut members =
        entry.members.iter().take(MAX_NAMES_LISTED).map(|member| member.agent.as_str()).collect::<Vec<_>>();
    let more = entry.members.len() - members.len();
    let more = (more > 0).then(|| format!("and {more} more"));
    members.extend(more.as_deref());
    let members = if members.is_empty() {
        format!("It has none yet; `agent-dispatch group add-member {group} {agent}` adds one")
    } else {
        format!("Members: {}", members.join(", "))
    };
    RequestError::NotAMember { agent: agent.to_owned(), group: group.to_owned(), members }
}
