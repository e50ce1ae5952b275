//! `serve`

use super::failure::{Exit, Failure};
use crate::config::path::{self, Environment};
use crate::mcp::serve;
use crate::mcp::tools::Desk;
use crate::shell::dispatcher::Dispatcher;
use crate::shell::engine::Engine;
use crate::shell::store::Store;

/// Serves MCP until the client leaves. Standard output belongs to the protocol.
pub fn run(environment: &Environment) -> Result<Exit, Failure> {
    let engine = Engine::new(Store::new(path::jobs_dir(environment)), Engine::own_program());
    let desk = Desk {
        config: path::config_path(environment),
        home: environment.home.clone(),
        dispatcher: Dispatcher::new(engine),
    };
    serve::run(desk).map_err(|error| {
        Failure::new(error.to_string())
            .hint("`serve` is started by an MCP client such as Claude Code; `agent-dispatch init` registers it")
    })?;
    Ok(Exit::Success)
}
