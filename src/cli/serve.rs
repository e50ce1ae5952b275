//! `serve`

use std::io::{self, IsTerminal};

use super::failure::{ExitCode, Failure};
use super::output;
use super::registration::installation::typed;
use crate::config::path::{Environment, PlaceError};
use crate::mcp::serve;
use crate::mcp::state::ServerState;

/// Serves MCP until the client leaves. Standard output belongs to the protocol. Without a place for its files it answers
/// every call with the reason: of a server that does not start a model sees nothing.
pub fn run(environment: Result<Environment, PlaceError>) -> Result<ExitCode, Failure> {
    if io::stdin().is_terminal() {
        output::note("This speaks MCP with a client such as Claude Code, not with people; Ctrl-D ends it.");
        let own = typed();
        output::hint(&format!("{own} init registers it with Claude Code, {own} demo shows it at work"));
    }
    if let Err(error) = &environment {
        output::failure(&error.clone().into());
    }
    serve::run(environment.map(ServerState::new)).map_err(|error| {
        Failure::new(error.to_string())
            .hint(format!("`serve` is started by an MCP client such as Claude Code; `{} init` registers it", typed()))
    })?;
    Ok(ExitCode::Success)
}
