//! Answers that must match a schema.

use serde_json::Value;

use super::super::answer::{Answer, ErrorType, MAX_PARSED_LEVELS, is_shallow, parse_json};
use super::super::events::ResultEvent;
use super::super::plan::{Format, RunPlan};
use super::super::schema::{Schema, Violation};
use super::super::text;
use super::advice::Advice;
use super::{EndReason, Evidence, Failure};

/// Most characters of violations in an error; the answer itself is in `result`.
const MAX_TOLD_CHARS: usize = 1_000;

/// What an answer that could otherwise be relied on lacks of its schema. `None` when it lacks nothing, when nothing was
/// demanded, and when it cannot be relied on anyway.
#[must_use]
pub fn misses(plan: &RunPlan, event: &ResultEvent) -> Option<Vec<Violation>> {
    let schema = plan.response_schema.as_ref()?;
    let told = event.others().iter().any(|told| fits(plan, told.value.as_ref(), &told.text));
    if !event.is_answer() || told {
        return None;
    }
    let given = event.structured_output.as_ref().filter(|value| is_shallow(value, MAX_PARSED_LEVELS)).cloned();
    violations(schema, given.or_else(|| parse_json(event.result.as_deref()?)).as_ref()).err()
}

/// Where a value is demanded and the leading one of several results has none that fits, the last one that has leads instead.
pub(super) fn choose(plan: &RunPlan, event: &mut ResultEvent) {
    if plan.format != Format::Json || event.others().is_empty() || !event.is_answer() {
        return;
    }
    if fits(plan, event.structured_output.as_ref(), event.result.as_deref().unwrap_or_default()) {
        return;
    }
    let place = event.others().iter().rposition(|told| fits(plan, told.value.as_ref(), &told.text));
    if let Some(place) = place {
        event.promote(place);
    }
}

/// Whether this value, or the one that the text holds, is what was demanded.
fn fits(plan: &RunPlan, value: Option<&Value>, text: &str) -> bool {
    let value = value.filter(|value| is_shallow(value, MAX_PARSED_LEVELS)).cloned().or_else(|| parse_json(text));
    match &plan.response_schema {
        Some(schema) => violations(schema, value.as_ref()).is_ok(),
        None => value.is_some(),
    }
}

/// Where an answer was asked for again: takes the second one if it can be relied on, else the first, which is paid for, and
/// counts the cost of both. Says whether it was asked for again.
pub(super) fn settle(evidence: &mut Evidence<'_>) -> bool {
    let Some(first) = evidence.missed.take() else { return false };
    let other = match evidence.result.take() {
        Some(second) if second.is_answer() && !evidence.held_back => {
            evidence.result = Some(second);
            Some(first)
        }
        second => {
            evidence.result = Some(first);
            evidence.held_back = false;
            evidence.ending = EndReason::Exited { code: 0 };
            second
        }
    };
    let paid = [evidence.paid_before_usd, other.as_ref().and_then(ResultEvent::cost_usd)];
    evidence.paid_before_usd = paid.into_iter().flatten().reduce(|sum, cost| sum + cost);
    true
}

fn violations(schema: &Value, given: Option<&Value>) -> Result<(), Vec<Violation>> {
    let at_the_top = |what: String| vec![Violation { at: String::new(), what }];
    let given = given.ok_or_else(|| at_the_top("the answer is not one JSON value".to_owned()))?;
    // It was checked when it was given; a plan that was edited by hand since may hold anything.
    let schema = Schema::new(schema.clone()).map_err(|error| at_the_top(format!("no schema: {error}")))?;
    schema.validate(given)
}

/// Makes a success whose answer misses its schema a failure.
pub(super) fn demand(answer: &mut Answer, evidence: &Evidence<'_>, advice: &Advice<'_>, asked_again: bool) {
    let Some(schema) = &evidence.plan.response_schema else { return };
    let Err(violations) = violations(schema, answer.parsed_result.as_ref()) else { return };
    let told = violations.iter().map(Violation::to_string).collect::<Vec<_>>().join("; ");
    let told = text::one_line(&told, MAX_TOLD_CHARS);
    let again = if asked_again { ", though it was asked for again" } else { "" };
    let what = format!("the answer of agent '{}' does not match response_schema{again}: {told}", answer.agent);
    let failure = failure(what, "`result` holds what it said", advice);
    answer.success = false;
    answer.parsed_result = None;
    answer.error = Some(format!("{}; {}", failure.what, failure.way_out));
    answer.error_type = Some(failure.error_type);
}

/// The CLI itself stopped the run because its model did not come to match the schema.
pub(super) fn given_up(agent: &str, message: &str, advice: &Advice<'_>) -> Failure {
    let what = format!("agent '{agent}' did not come to match response_schema: {message}");
    failure(what, "what it found is kept in its session", advice)
}

fn failure(what: String, kept: &str, advice: &Advice<'_>) -> Failure {
    let ask = advice.go_on("Give your findings as plain text");
    let way_out = format!("{kept}; ask for them as text with {ask}, or loosen the schema");
    Failure { error_type: ErrorType::SchemaMismatch, what, way_out }
}
