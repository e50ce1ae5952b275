//! `add`, `update`, `remove`

use serde_json::Value;

use super::arguments::{AddArguments, FieldArguments, UpdateArguments};
use super::failure::{ExitCode, Failure};
use super::output;
use super::registration::installation::typed;
use crate::config::argument::{Amount, Words};
use crate::config::change::{self, Fields};
use crate::config::path::Environment;

/// What takes a limit of an agent away, as an update has it.
const NO_LIMIT: f64 = -1.0;

pub fn add(environment: &Environment, arguments: AddArguments) -> Result<ExitCode, Failure> {
    let AddArguments { name, directory, fields } = arguments;
    let answer = change::add_agent(environment, &name, &directory, &given(fields))?;
    let text = |key: &str| answer.get(key).and_then(Value::as_str).map(output::printable);
    let mut lines = format!("added {name}: {}", text("directory").unwrap_or_default());
    if let Some(description) = text("description").filter(|text| !text.is_empty()) {
        lines.push_str(&format!("\n  {}", description.replace('\n', "\n  ")));
    }
    output::data(&lines)?;
    text("warning").iter().for_each(|warning| output::warning(warning));
    output::hint(&format!("{} test {name} asks it something; a real run, costs money", typed()));
    Ok(ExitCode::Success)
}

pub fn update(environment: &Environment, arguments: UpdateArguments) -> Result<ExitCode, Failure> {
    let UpdateArguments { name, fields } = arguments;
    let fields = given(fields);
    // Here a limit of 0 is no limit of its own.
    let limit = |given: Amount| Amount(given.0.map(|limit| if limit == 0.0 { NO_LIMIT } else { limit }));
    let fields = Fields { max_budget_usd: limit(fields.max_budget_usd), max_turns: limit(fields.max_turns), ..fields };
    let answer = change::update_agent(environment, &name, &fields)?;
    let changed = answer.get("fields").and_then(Value::as_array).into_iter().flatten();
    let changed = changed.filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
    output::data(&format!("updated {name}: {changed}"))?;
    answer.get("warning").and_then(Value::as_str).into_iter().for_each(output::warning);
    Ok(ExitCode::Success)
}

pub fn remove(environment: &Environment, name: &str) -> Result<ExitCode, Failure> {
    change::remove_agent(environment, name)?;
    output::data(&format!("removed {name}; its directory is untouched"))?;
    Ok(ExitCode::Success)
}

/// The fields that were typed.
#[expect(clippy::cast_precision_loss, reason = "whatever is beyond 2^53 seconds is refused by its own bound")]
fn given(typed: FieldArguments) -> Fields {
    let words = |text: Option<String>| text.map_or_else(Words::default, |text| Words::from_text(&text));
    Fields {
        description: typed.description,
        timeout: Amount(typed.timeout.map(|seconds| seconds as f64)),
        timeout_of_settings: typed.timeout == Some(0),
        max_budget_usd: Amount(typed.max_budget),
        max_turns: Amount(typed.max_turns.map(f64::from)),
        model: typed.model,
        permission_mode: typed.permission_mode,
        allowed_tools: words(typed.allowed_tools),
        disallowed_tools: words(typed.disallowed_tools),
        unattended_tools: words(typed.unattended_tools),
        capabilities: words(typed.capabilities),
        risky_capabilities: words(typed.risky_capabilities),
        instructions: typed.instructions,
    }
}
