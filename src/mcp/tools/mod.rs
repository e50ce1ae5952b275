//! The tools: a row in the table each, and what it does.

mod cache;
mod dispatch;

use std::path::PathBuf;

use rmcp::RoleServer;
use rmcp::service::RequestContext;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::reply::{Mistake, Reply};
use super::table::ToolRow;
use crate::config::model::Config;
use crate::config::read::{self, ConfigError};
use crate::shell::dispatcher::Dispatcher;

/// Every tool, in the order in which clients see them.
pub const ROWS: &[ToolRow] = &[dispatch::DISPATCH, dispatch::SESSION, dispatch::STREAM, cache::STATS, cache::CLEAR];

/// What the tools work with. One for each server.
#[derive(Debug)]
pub struct Desk {
    /// Where agents.yaml is.
    pub config: PathBuf,
    /// What `~` stands for in it.
    pub home: Option<PathBuf>,
    /// Runs requests.
    pub dispatcher: Dispatcher,
}

/// A call whose arguments have been read.
#[derive(Debug)]
pub struct Call {
    /// The tool.
    pub row: &'static ToolRow,
    /// Its arguments in canonical form.
    pub arguments: Value,
    /// Who calls.
    pub context: RequestContext<RoleServer>,
}

/// The tool of that name.
#[must_use]
pub fn row(name: &str) -> Option<&'static ToolRow> {
    ROWS.iter().find(|row| row.name == name)
}

/// Does what the call asks for.
pub async fn perform(desk: &Desk, call: Call) -> Reply {
    match call.row.name {
        "dispatch" => dispatch::dispatch(desk, call).await,
        "dispatch_session" => dispatch::session(desk, call).await,
        "dispatch_stream" => dispatch::stream(desk, call).await,
        "cache_stats" => cache::stats(desk),
        "cache_clear" => cache::clear(desk),
        other => Mistake::new(format!("{other} is listed but not served")).into(),
    }
}

impl Desk {
    fn config(&self) -> Result<Config, Mistake> {
        read::load(&self.config, self.home.clone()).map_err(|error| broken(&error))
    }
}

fn broken(error: &ConfigError) -> Mistake {
    Mistake::new(error.to_string()).with_hint(error.hint())
}

/// The arguments as a tool's own type. They are in canonical form by the table, so that a mismatch is a bug of the table.
fn typed<T: DeserializeOwned>(call: &Call) -> Result<T, Mistake> {
    T::deserialize(&call.arguments).map_err(|error| Mistake::new(format!("{}: {error}", call.row.name)))
}
