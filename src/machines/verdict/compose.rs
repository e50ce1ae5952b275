//! Composes the answer: the fields that do not depend on the verdict, and what a success adds.

use super::super::answer::{Answer, MAX_PARSED_LEVELS, is_shallow, parse_json};
use super::super::events::{ResultEvent, Several};
use super::super::plan::Format;
use super::super::{status_line, text};
use super::advice::Advice;
use super::{EndReason, Evidence, is_budget_stop, several, unfinished};

/// What all processes of the run have cost, as far as they told. One that was cut off tells nothing, but the CLI counts it
/// to the cost of its session; that says only what the run has cost where the session began with it.
pub(super) fn cost_usd(evidence: &Evidence<'_>, last: &ResultEvent) -> Option<f64> {
    let told = [evidence.paid_before_usd, last.cost_usd()].into_iter().flatten().reduce(|sum, cost| sum + cost);
    let whole = last.total_cost_usd.filter(|_| evidence.resumptions > 0 && !evidence.plan.session.is_resume());
    [told, whole].into_iter().flatten().reduce(f64::max)
}

/// The answer with everything that does not depend on the verdict.
pub(super) fn answer_from(
    evidence: &Evidence<'_>,
    result: Option<ResultEvent>,
    several: Option<&Several>,
    session_id: &Option<String>,
) -> Answer {
    let event = result.unwrap_or_default();
    let cost_usd = cost_usd(evidence, &event);
    let said = event.result.filter(|said| !text::is_blank(said));
    let mut answer =
        Answer::success(evidence.plan.agent.clone(), said.or_else(|| evidence.last_text.clone()).unwrap_or_default());
    answer.session_id = session_id.clone();
    answer.cost_usd = cost_usd;
    let (turns, mut denied) = match several {
        Some(several) => (several.num_turns, several.permission_denials.clone()),
        None => (event.num_turns, event.permission_denials),
    };
    // A call that was put off did not run either.
    denied.extend(event.deferred_tool.filter(|tool| !denied.contains(tool)));
    // Between two results claude waited, which is in the duration of neither.
    answer.duration_ms = match several {
        Some(several) => [evidence.wall_ms, several.duration_ms].into_iter().flatten().max(),
        None => event.duration_ms,
    };
    answer.num_turns = turns;
    answer.denied_tools = Some(denied).filter(|denied| !denied.is_empty());
    answer.parsed_result = event
        .structured_output
        .filter(|value| evidence.plan.format == Format::Json && is_shallow(value, MAX_PARSED_LEVELS));
    let stopped = several.and_then(|several| several.failed.as_deref()).is_some_and(is_budget_stop);
    let over = answer.cost_usd.zip(evidence.plan.max_budget_usd).is_some_and(|(cost, cap)| cost > cap) || stopped;
    answer.budget_exceeded = over.then_some(true);
    answer
}

/// Makes the answer a success: outcome, JSON and hints.
pub(super) fn succeed(answer: &mut Answer, evidence: &Evidence<'_>, several: Option<&Several>, advice: &Advice<'_>) {
    let lifted = status_line::lift(std::mem::take(&mut answer.result));
    answer.result = lifted.text;
    let stopped = unfinished::hint(evidence, advice);
    answer.outcome = if stopped.is_some() { Some(unfinished::bounded(lifted.outcome)) } else { lifted.outcome };
    if evidence.plan.format == Format::Json {
        answer.parsed_result = answer.parsed_result.take().or_else(|| parse_json(&answer.result));
    }
    let unparsed = evidence.plan.format == Format::Json
        && answer.parsed_result.is_none()
        && evidence.plan.response_schema.is_none();
    let denied = answer.denied_tools.as_ref().map(|denied| {
        let names = denied.join(", ");
        format!("tools were denied ({names}), so the result may be incomplete; {}", advice.grant(denied))
    });
    let late = match evidence.ending {
        EndReason::TimedOut if stopped.is_some() => None,
        EndReason::TimedOut => Some("the answer was complete at the deadline; only the clean-up was cut short"),
        EndReason::Cancelled { .. } => Some("the answer was complete before the run was cancelled"),
        EndReason::Signalled { .. } | EndReason::Abandoned => Some("claude was ended after its answer was complete"),
        EndReason::Exited { .. } if several.is_some_and(|several| several.failed.is_some()) => None,
        EndReason::Exited { code } if code != 0 => Some("claude was ended after its answer was complete"),
        EndReason::Exited { .. } | EndReason::NotStarted { .. } => None,
    };
    let over = answer.budget_exceeded.and(answer.cost_usd).zip(evidence.plan.max_budget_usd).filter(|(cost, cap)| cost > cap).map(|(cost, cap)| {
        format!(
            "the run cost ${cost:.4}, more than the budget of ${cap}; narrow the task, choose a cheaper model or raise \
             max_budget_usd"
        )
    });
    let resumed = (evidence.resumptions > 0).then(|| {
        format!(
            "the run was cut off and went on by itself {}; cost_usd may lack what was paid for the part that was cut off",
            if evidence.resumptions == 1 { "once".to_owned() } else { format!("{} times", evidence.resumptions) }
        )
    });
    let hints = [
        denied,
        several.and_then(several::hint),
        late.map(String::from),
        stopped,
        resumed,
        lifted.outcome.and_then(|outcome| advice.outcome(outcome)),
        over,
        unparsed.then(|| advice.json()),
        advice.mode(evidence.permission_mode.as_deref()),
        advice.omitted(evidence.omitted),
    ];
    let hint = hints.into_iter().flatten().collect::<Vec<_>>().join(". ");
    answer.hint = (!hint.is_empty()).then_some(hint);
}

/// Adds to what the caller is told.
pub(super) fn add_hint(answer: &mut Answer, more: &str) {
    answer.hint = Some(match answer.hint.take() {
        Some(hint) => format!("{hint}. {more}"),
        None => more.to_owned(),
    });
}
