//! `add`

use serde_json::Value;

use super::arguments::AddArguments;
use super::failure::{ExitCode, Failure};
use super::{fields, output};
use crate::config::change;
use crate::config::path::Environment;

/// Adds an agent.
pub fn run(environment: &Environment, arguments: AddArguments) -> Result<ExitCode, Failure> {
    let AddArguments { name, directory, fields } = arguments;
    let answer = change::add_agent(environment, &name, &directory, &fields::for_add(fields))?;
    let text = |key: &str| answer.get(key).and_then(Value::as_str).map(output::printable);
    let mut lines = format!("added {name}: {}", text("directory").unwrap_or_default());
    if let Some(description) = text("description").filter(|text| !text.is_empty()) {
        lines.push_str(&format!("\n  {}", description.replace('\n', "\n  ")));
    }
    output::data(&lines)?;
    if let Some(warning) = text("warning") {
        output::warning(&warning);
    }
    output::hint(&format!("agent-dispatch test {name} asks it something; a real run, costs money"));
    Ok(ExitCode::Success)
}
