//! From everything that is known about a run to the answer that its caller gets.
//!
//! A trustworthy success is: exit code 0, a result event that is no error, from a model that was asked, that said why
//! it stopped, with a text. A result that is complete in itself also outranks an end that we, or somebody else, put to
//! the process afterwards. Everything else is a failure with a type and a way out, and carries what text there is: it
//! was paid for.

mod advice;
mod classify;
mod conformity;
mod evidence;
mod unfinished;

pub use classify::{is_limited, is_session_missing};
pub use conformity::misses;
pub use evidence::{Canceller, Ending, Evidence, NotStarted};
pub use unfinished::is_silent;

use super::answer::{Answer, ErrorType, MAX_PARSED_LEVELS, is_shallow, parse_json};
use super::events::{ResultEvent, Stop};
use super::ids::SessionRef;
use super::plan::Format;
use super::{status_line, text};
use advice::Advice;

/// Exit codes above this one say that the process ended itself because of a signal (128 + its number).
const SIGNAL_EXIT_BASE: i32 = 128;

/// What a result lacks to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    /// The CLI itself calls it an error.
    Error,
    /// The CLI answered by itself; the model was never asked.
    NotAsked,
    /// There is no text.
    Empty,
    /// The text may be cut.
    Cut,
}

/// A failure: its type, what happened and what to do.
struct Failure {
    error_type: ErrorType,
    what: String,
    way_out: String,
}

/// The answer that the evidence amounts to.
#[must_use]
pub fn judge(mut evidence: Evidence<'_>) -> Answer {
    let asked_again = conformity::settle(&mut evidence);
    let session_id = session_id(&evidence);
    let mut result = evidence.result.take();
    if let Some(event) = &mut result {
        take_structured_text(event);
    }
    let advice = Advice { plan: evidence.plan, session_id: session_id.as_deref() };
    let failure = match &result {
        Some(event) if !evidence.held_back => of_result(&evidence, event, &advice),
        _ => Some(of_ending(&evidence, &advice)),
    };
    let stopped_at_cap = result.as_ref().is_some_and(|event| event.is_error && is_budget_stop(event));
    let mut answer = answer_from(&evidence, result, &session_id);
    match failure {
        None => {
            succeed(&mut answer, &evidence, &advice);
            conformity::demand(&mut answer, &evidence, &advice, asked_again);
        }
        Some(failure) => {
            answer.success = false;
            answer.parsed_result = None;
            answer.budget_exceeded = stopped_at_cap.then_some(true).or(answer.budget_exceeded);
            let said = [Some(failure.what), unfinished::told(&evidence), Some(failure.way_out)];
            answer.error = Some(said.into_iter().flatten().collect::<Vec<_>>().join("; "));
            answer.error_type = Some(failure.error_type);
            let limit = evidence.rate_limit.filter(|_| failure.error_type == ErrorType::UsageLimit);
            answer.limit_resets_at = limit.and_then(|limit| limit.resets_at);
        }
    }
    answer
}

/// The session to go on with: as the CLI reported it, else as it was planned.
fn session_id(evidence: &Evidence<'_>) -> Option<String> {
    let reported = evidence.result.as_ref().and_then(|event| event.session_id.as_deref());
    // What a process reports is passed on only in a form that a later call accepts.
    let usable = |id: &str| SessionRef::try_from(id).ok().map(String::from);
    let planned = || {
        let known = match &evidence.ending {
            Ending::NotStarted { reason } => evidence.plan.session.is_resume() && !reason.is_foreign(),
            _ => evidence.plan.session.is_resume() || !evidence.omitted.session_id,
        };
        known.then(|| evidence.plan.session.id().as_str().to_owned())
    };
    reported.and_then(usable).or_else(|| evidence.session_id.as_deref().and_then(usable)).or_else(planned)
}

/// The value of a run with a schema is its answer when there is no other text.
fn take_structured_text(event: &mut ResultEvent) {
    if event.result.as_deref().is_none_or(text::is_blank)
        && let Some(value) = &event.structured_output
    {
        event.result = Some(value.to_string());
    }
}

fn doubt(event: &ResultEvent) -> Option<Doubt> {
    if event.is_error {
        Some(Doubt::Error)
    } else if event.num_turns == Some(0) {
        Some(Doubt::NotAsked)
    } else if event.result.as_deref().is_none_or(text::is_blank) {
        Some(Doubt::Empty)
    } else if event.stop == Stop::Cut {
        Some(Doubt::Cut)
    } else {
        None
    }
}

/// What makes a run with a result a failure, if anything.
fn of_result(evidence: &Evidence<'_>, event: &ResultEvent, advice: &Advice<'_>) -> Option<Failure> {
    let agent = &evidence.plan.agent;
    let Some(doubt) = doubt(event) else {
        return match evidence.ending {
            Ending::Exited { code } if code != 0 && code <= SIGNAL_EXIT_BASE => Some(Failure {
                error_type: ErrorType::CliError,
                what: format!("claude exited with code {code} although the answer of agent '{agent}' looks complete"),
                way_out: format!("`result` holds it; check it, or go on with {}", advice.resume()),
            }),
            _ => None,
        };
    };
    let interrupted = doubt != Doubt::Error || event.subtype == "error_during_execution";
    if interrupted && matches!(evidence.ending, Ending::TimedOut | Ending::Cancelled { .. }) {
        return Some(of_ending(evidence, advice));
    }
    let cli_error = |what: String, way_out: String| Failure { error_type: ErrorType::CliError, what, way_out };
    Some(match doubt {
        Doubt::Error => of_error_result(evidence, event, advice),
        Doubt::NotAsked => cli_error(
            format!("the claude CLI answered by itself, the model of agent '{agent}' was not asked"),
            "word the task so that it does not begin like a command".into(),
        ),
        Doubt::Empty => cli_error(
            format!("agent '{agent}' ended its run without a final text"),
            format!("ask for it with {}", advice.go_on("Give your final answer")),
        ),
        Doubt::Cut => cli_error(
            format!(
                "the answer of agent '{agent}' may be cut: its stream ended before the model said that it was done"
            ),
            format!("`result` holds what came; get the rest with {}", advice.resume()),
        ),
    })
}

/// A result that the CLI calls an error. Budget before denied tools before what the text says.
fn of_error_result(evidence: &Evidence<'_>, event: &ResultEvent, advice: &Advice<'_>) -> Failure {
    let agent = &evidence.plan.agent;
    let said = event.result.as_deref().filter(|said| !text::is_blank(said));
    let message = said.map_or_else(|| event.errors.join("; "), |said| text::one_line(said, MAX_MESSAGE_CHARS));
    if is_budget_stop(event) {
        let cap = evidence.plan.max_budget_usd.map_or_else(String::new, |cap| format!(" of ${cap}"));
        let spent = event.cost_usd().map_or_else(String::new, |cost| format!(" after ${cost:.4}"));
        let what = format!("agent '{agent}' was stopped at its spend cap{cap}{spent}");
        return Failure { error_type: ErrorType::Budget, what, way_out: advice.budget() };
    }
    if evidence.plan.response_schema.is_some() && event.subtype == "error_max_structured_output_retries" {
        return conformity::given_up(agent, &message, advice);
    }
    // A limit that the caller set, as a spend cap is. Where the caller set none the text tells the cause.
    if let Some(limit) = evidence.plan.max_turns.filter(|_| event.subtype == "error_max_turns") {
        let what = format!("agent '{agent}' was stopped at its limit of {limit} turns");
        return Failure { error_type: ErrorType::Budget, what, way_out: advice.turns(limit) };
    }
    let message = if message.is_empty() { format!("it gave no reason ({})", event.subtype) } else { message };
    if !event.permission_denials.is_empty() {
        let tools = event.permission_denials.join(", ");
        let what = format!("agent '{agent}' failed after tools were denied ({tools}): {message}");
        return Failure { error_type: ErrorType::Permission, what, way_out: advice.grant(&event.permission_denials) };
    }
    of_message(agent, &message, event.api_error_status, advice)
}

/// Most characters of the CLI's own text in an error.
const MAX_MESSAGE_CHARS: usize = 2_000;

fn is_budget_stop(event: &ResultEvent) -> bool {
    let told = |text: &String| {
        let text = text.to_ascii_lowercase();
        text.contains("maximum budget") || text.contains("usd budget")
    };
    event.subtype == "error_max_budget_usd" || event.errors.iter().any(told)
}

/// A failure of which only a message tells the kind.
fn of_message(agent: &str, message: &str, http_status: Option<u64>, advice: &Advice<'_>) -> Failure {
    let error_type = classify::error_type(message, http_status);
    let what = format!("agent '{agent}' failed: {message}");
    let way_out = match error_type {
        ErrorType::UsageLimit => {
            let reset = classify::reset(message).map_or_else(String::new, |reset| format!(" ({reset})"));
            format!(
                "this is the limit of the Claude account, which all agents share: another agent fails alike; wait for \
                 the reset{reset}, or run fewer at once (settings.max_concurrency), then {}",
                advice.resume()
            )
        }
        ErrorType::Permission => advice.grant(&[]),
        _ => advice.cause(classify::cause(message, http_status)),
    };
    Failure { error_type, what, way_out }
}

/// A run without a result that counts: its ending tells the kind.
fn of_ending(evidence: &Evidence<'_>, advice: &Advice<'_>) -> Failure {
    let agent = &evidence.plan.agent;
    let lost = |what: String| Failure {
        error_type: ErrorType::CliError,
        what,
        way_out: format!("what it did is kept in its session: {}", advice.resume()),
    };
    match &evidence.ending {
        Ending::TimedOut => of_timeout(evidence, advice),
        Ending::NotStarted { reason } => of_start(evidence, reason),
        Ending::Cancelled { by } => lost(match by {
            Canceller::Caller => format!("the run of agent '{agent}' was cancelled by its caller"),
            Canceller::CallerGone => format!("the run of agent '{agent}' was ended because its caller went away"),
            Canceller::Request => format!("the run of agent '{agent}' was cancelled on request"),
        }),
        Ending::Abandoned => lost(format!(
            "the run of agent '{agent}' ended unseen (killed, or the machine went down), without a result{}",
            again(evidence.resumptions)
        )),
        Ending::Signalled { signal } => {
            let killed = if *signal == 9 { " (often for lack of memory)" } else { "" };
            lost(format!("claude was ended by signal {signal}{killed} before agent '{agent}' had answered"))
        }
        Ending::Exited { code } => match (printed(evidence), code) {
            (Some(message), 1..) => of_message(agent, &message, None, advice),
            (_, 0) => {
                lost(format!("claude exited with code 0, but its output ends before the result of agent '{agent}'"))
            }
            (_, code) => {
                let what = format!("claude exited with code {code} before agent '{agent}' had answered");
                Failure { error_type: ErrorType::CliError, what, way_out: advice.cause(classify::Cause::Unknown) }
            }
        },
    }
}

/// What the CLI said of its failure outside of events.
fn printed(evidence: &Evidence<'_>) -> Option<String> {
    classify::gist(&evidence.stderr).or_else(|| evidence.stray.as_deref().and_then(classify::gist))
}

fn of_timeout(evidence: &Evidence<'_>, advice: &Advice<'_>) -> Failure {
    let plan = evidence.plan;
    let mut what = format!("agent '{}' did not finish within {} s", plan.agent, plan.timeout_seconds);
    what.push_str(&again(evidence.resumptions));
    if let Some(retry) = &evidence.last_retry {
        let attempt = retry.attempt.map_or_else(String::new, |attempt| format!(", attempt {attempt}"));
        what.push_str(&format!(" (the API refused some of its requests: {}{attempt})", retry.error));
    }
    let way_out = advice.timeout(evidence.suggested_timeout_seconds);
    Failure { error_type: ErrorType::Timeout, what, way_out }
}

/// How often it had gone on before, in words that follow what happened.
fn again(resumptions: u8) -> String {
    match resumptions {
        0 => String::new(),
        1 => ", although it was resumed once".into(),
        times => format!(", although it was resumed {times} times"),
    }
}

fn of_start(evidence: &Evidence<'_>, reason: &NotStarted) -> Failure {
    let agent = &evidence.plan.agent;
    let directory = text::quoted(&evidence.plan.directory);
    let fix_directory =
        || String::from("create it, or correct `directory` in agents.yaml (remove_agent, then add_agent)");
    let (error_type, what, way_out) = match reason {
        NotStarted::DirectoryMissing => (
            ErrorType::NotFound,
            format!("the directory {directory} of agent '{agent}' does not exist"),
            fix_directory(),
        ),
        NotStarted::DirectoryUnusable(why) => (
            ErrorType::NotFound,
            format!("the directory {directory} of agent '{agent}' cannot be used: {why}"),
            fix_directory(),
        ),
        NotStarted::CliMissing(searched) => (
            ErrorType::NotFound,
            format!("the claude CLI was not found ({searched})"),
            "install Claude Code, or set AGENT_DISPATCH_CLAUDE to its path; `agent-dispatch doctor` checks it".into(),
        ),
        NotStarted::BadValue(bad) => (
            ErrorType::CliError,
            format!("agent '{agent}' was not started: {bad}"),
            format!("`agent-dispatch describe {agent}` shows its settings"),
        ),
        NotStarted::BadPrompt(bad) => {
            (ErrorType::CliError, format!("agent '{agent}' was not started: {bad}"), "nothing was spent".into())
        }
        NotStarted::TooDeep { max } => (
            ErrorType::Recursion,
            format!("agent '{agent}' was not started: dispatches are nested {max} deep, which is the limit"),
            "do the task in this session, or raise settings.max_dispatch_depth".into(),
        ),
        NotStarted::ForeignSession { owner, directory } => {
            advice::foreign_session(evidence.plan, owner, directory.as_deref())
        }
        NotStarted::SpawnFailed(why) => (
            ErrorType::CliError,
            format!("the claude CLI could not be started: {why}"),
            "`agent-dispatch doctor` checks the set-up".into(),
        ),
    };
    Failure { error_type, what, way_out }
}

/// What all processes of the run have cost, as far as they told. One that was cut off tells nothing, but the CLI counts it
/// to the cost of its session; that says only what the run has cost where the session began with it.
fn cost_usd(evidence: &Evidence<'_>, last: &ResultEvent) -> Option<f64> {
    let told = [evidence.paid_before_usd, last.cost_usd()].into_iter().flatten().reduce(|sum, cost| sum + cost);
    let whole = last.total_cost_usd.filter(|_| evidence.resumptions > 0 && !evidence.plan.session.is_resume());
    [told, whole].into_iter().flatten().reduce(f64::max)
}

/// The answer with everything that does not depend on the verdict.
fn answer_from(evidence: &Evidence<'_>, result: Option<ResultEvent>, session_id: &Option<String>) -> Answer {
    let event = result.unwrap_or_default();
    let cost_usd = cost_usd(evidence, &event);
    let said = event.result.filter(|said| !text::is_blank(said));
    let mut answer =
        Answer::success(evidence.plan.agent.clone(), said.or_else(|| evidence.last_text.clone()).unwrap_or_default());
    answer.session_id = session_id.clone();
    answer.cost_usd = cost_usd;
    answer.duration_ms = event.duration_ms;
    answer.num_turns = event.num_turns;
    answer.denied_tools = Some(event.permission_denials).filter(|denied| !denied.is_empty());
    answer.parsed_result = event
        .structured_output
        .filter(|value| evidence.plan.format == Format::Json && is_shallow(value, MAX_PARSED_LEVELS));
    let over = answer.cost_usd.zip(evidence.plan.max_budget_usd).is_some_and(|(cost, cap)| cost > cap);
    answer.budget_exceeded = over.then_some(true);
    answer
}

/// Makes the answer a success: outcome, JSON and hints.
fn succeed(answer: &mut Answer, evidence: &Evidence<'_>, advice: &Advice<'_>) {
    let lifted = status_line::lift(std::mem::take(&mut answer.result));
    answer.result = lifted.text;
    let stopped = unfinished::hint(evidence, advice);
    answer.outcome = if stopped.is_some() { Some(unfinished::bounded(lifted.outcome)) } else { lifted.outcome };
    if evidence.plan.format == Format::Json {
        answer.parsed_result = answer.parsed_result.take().or_else(|| parse_json(&answer.result));
    }
    let denied = answer.denied_tools.as_ref().map(|denied| {
        let names = denied.join(", ");
        format!("tools were denied ({names}), so the result may be incomplete; {}", advice.grant(denied))
    });
    let late = match evidence.ending {
        Ending::TimedOut if stopped.is_some() => None,
        Ending::TimedOut => Some("the answer was complete at the deadline; only the clean-up was cut short"),
        Ending::Cancelled { .. } => Some("the answer was complete before the run was cancelled"),
        Ending::Signalled { .. } | Ending::Abandoned => Some("claude was ended after its answer was complete"),
        Ending::Exited { code } if code != 0 => Some("claude was ended after its answer was complete"),
        Ending::Exited { .. } | Ending::NotStarted { .. } => None,
    };
    let over = answer.budget_exceeded.and(answer.cost_usd).zip(evidence.plan.max_budget_usd).map(|(cost, cap)| {
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
        late.map(String::from),
        stopped,
        resumed,
        lifted.outcome.and_then(|outcome| advice.outcome(outcome)),
        over,
        advice.mode(evidence.permission_mode.as_deref()),
        Advice::omitted(evidence.omitted),
    ];
    let hint = hints.into_iter().flatten().collect::<Vec<_>>().join(". ");
    answer.hint = (!hint.is_empty()).then_some(hint);
}
