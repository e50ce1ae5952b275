//! `serve`

use super::failure::{Exit, Failure};
use crate::config::path::Environment;
use crate::mcp::serve;
use crate::mcp::tools::Desk;

/// Serves MCP until the client leaves. Standard output belongs to the protocol.
pub fn run(environment: &Environment) -> Result<Exit, Failure> {
    serve::run(Desk::new(environment.clone())).map_err(|error| {
        Failure::new(error.to_string())
            .hint("`serve` is started by an MCP client such as Claude Code; `agent-dispatch init` registers it")
    })?;
    Ok(Exit::Success)
}
