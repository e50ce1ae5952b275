//! From what was typed to the fields of an agent.

use super::arguments::FieldArguments;
use crate::config::argument::{Amount, Words};
use crate::config::change::Fields;

/// What takes a limit of an agent away, as an update has it.
const NO_LIMIT: f64 = -1.0;

/// The fields of a new agent.
#[expect(clippy::cast_precision_loss, reason = "whatever is beyond 2^53 seconds is refused by its own bound")]
pub fn for_add(typed: FieldArguments) -> Fields {
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

/// The fields of an update: there a limit of 0 is no limit of its own.
pub fn for_update(typed: FieldArguments) -> Fields {
    let fields = for_add(typed);
    let limit = |given: Amount| Amount(given.0.map(|limit| if limit == 0.0 { NO_LIMIT } else { limit }));
    Fields { max_budget_usd: limit(fields.max_budget_usd), max_turns: limit(fields.max_turns), ..fields }
}
