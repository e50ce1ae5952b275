//! `remove`

use super::failure::{ExitCode, Failure};
use super::output;
use crate::config::change;
use crate::config::path::Environment;

/// Takes an agent out.
pub fn run(environment: &Environment, name: &str) -> Result<ExitCode, Failure> {
    change::remove_agent(environment, name)?;
    output::data(&format!("removed {name}; its directory is untouched"))?;
    Ok(ExitCode::Success)
}
