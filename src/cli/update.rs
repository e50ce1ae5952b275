//! `update`

use serde_json::Value;

use super::arguments::UpdateArguments;
use super::failure::{ExitCode, Failure};
use super::{fields, output};
use crate::config::change;
use crate::config::path::Environment;

/// Changes an agent.
pub fn run(environment: &Environment, arguments: UpdateArguments) -> Result<ExitCode, Failure> {
    let UpdateArguments { name, fields } = arguments;
    let answer = change::update_agent(environment, &name, &fields::for_update(fields))?;
    let changed = answer.get("fields").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let changed = changed.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
    output::data(&format!("updated {name}: {changed}"))?;
    if let Some(warning) = answer.get("warning").and_then(Value::as_str) {
        output::warning(warning);
    }
    Ok(ExitCode::Success)
}
