//! A call of a tool, as it reaches the tool's handler.

use rmcp::RoleServer;
use rmcp::service::RequestContext;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::reply::CallError;

/// A call whose arguments have been read.
#[derive(Debug)]
pub struct ToolCall {
    /// The name of the tool.
    pub tool: &'static str,
    /// Its arguments in canonical form.
    pub arguments: Value,
    /// The request, with its sender.
    pub context: RequestContext<RoleServer>,
    /// Whether the client wants to see log messages.
    pub logs: bool,
    /// Whether the client takes a task for an answer.
    pub tasks: bool,
}

/// The arguments as a tool's own type.
pub fn typed<T: DeserializeOwned>(call: &ToolCall) -> Result<T, CallError> {
    typed_at(call.tool, &call.arguments)
}

/// Arguments that were given in `place` as a type of their own. They are in canonical form by the table, so that a mismatch
/// is a bug of the table.
pub fn typed_at<T: DeserializeOwned>(place: &str, arguments: &Value) -> Result<T, CallError> {
    T::deserialize(arguments).map_err(|error| CallError::new(format!("{place}: {error}")))
}
