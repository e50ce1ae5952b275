//! What makes two requests to the cache the same.

use std::sync::Arc;

use serde_json::Value;

/// What makes two requests the same. Absent texts are empty.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The agent's name.
    pub agent: &'a str,
    /// The task.
    pub task: &'a str,
    /// The effective context: with the group's shared context in front, where a group was named.
    pub context: &'a str,
    /// Who asks.
    pub caller: &'a str,
    /// What for.
    pub goal: &'a str,
    /// The response format.
    pub response_format: &'a str,
    /// A snapshot of everything in the agent's configuration and the settings that changes the answer.
    pub config: &'a str,
}

/// A request in one string, whole and not as a digest: two requests have the same key exactly when they are the same.
///
/// It is a JSON array that begins with the agent, so that an agent's entries are neighbours, and ends with the long parts
/// that requests share. Memory is that of the requests themselves, at most `max_size` times; cloning shares it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(Arc<str>);

impl Key {
    /// The key of `request`.
    #[must_use]
    pub fn of(request: &Request<'_>) -> Self {
        let Request { agent, task, context, caller, goal, response_format, config } = *request;
        let parts = [agent, task, goal, caller, response_format, context, config].map(Value::from);
        Self(Value::from(parts.to_vec()).to_string().into())
    }

    /// Whether a key is that of a request to the agent; [`Key::prefix`] is made once for all keys.
    pub(super) fn begins(&self, prefix: &str) -> bool {
        self.0.starts_with(prefix)
    }

    /// How the key of every request to `agent` begins. A JSON string ends at its quote, so no other agent's key does.
    pub(super) fn prefix(agent: &str) -> String {
        format!("[{},", Value::from(agent))
    }
}
