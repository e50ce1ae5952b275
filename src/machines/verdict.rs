//! From everything that is known about a run to the answer that its caller gets.
//!
//! A trustworthy success is: exit code 0, a result event that is no error, from a model that was asked, that said why
//! it stopped, with a text. A result that is complete in itself also outranks an end that we, or somebody else, put to
//! the process afterwards, and an error of another turn beside it. Where something printed text instead of events, exit code 0
//! and the text must do. Everything else is a failure with a type and a way out, and carries what text there is: it
//! was paid for.

mod advice;
mod classify;
mod conformity;
mod evidence;
mod plain;
mod several;
mod told;
mod unfinished;

pub use classify::{is_limited, is_session_missing};
pub use conformity::misses;
pub use evidence::{Canceller, Ending, Evidence, NotStarted};
pub use unfinished::is_silent;

use super::answer::{Answer, ErrorType};
use super::events::{Doubt, ResultEvent};
use super::ids::SessionRef;
use super::text;
use advice::Advice;
use plain::Plain;
use told::{answer_from, succeed};

/// Exit codes above this one say that the process ended itself because of a signal (128 + its number).
const SIGNAL_EXIT_BASE: i32 = 128;

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
    let plain = plain::judge(&evidence).filter(|_| evidence.result.is_none());
    match (&plain, evidence.plain.take()) {
        (Some(Plain::Answer), Some(said)) => evidence.result = Some(plain::result(said)),
        (Some(Plain::Message(_) | Plain::Rest), said) => evidence.last_text = evidence.last_text.take().or(said),
        (None | Some(Plain::Answer), _) => {}
    }
    let mut result = evidence.result.take();
    if let Some(event) = &mut result {
        conformity::choose(evidence.plan, event);
        take_structured_text(event);
    }
    let advice = Advice { plan: evidence.plan, session_id: session_id.as_deref() };
    let failure = match (&result, &plain) {
        (Some(event), _) if !evidence.held_back => of_result(&evidence, event, &advice),
        (None, Some(Plain::Message(message))) => Some(of_message(&evidence.plan.agent, message, None, &advice)),
        _ => Some(of_ending(&evidence, &advice)),
    };
    let stopped_at_cap = result.as_ref().is_some_and(|event| event.is_error && is_budget_stop(event));
    let several = result.as_mut().and_then(|event| event.several.take());
    let mut answer = answer_from(&evidence, result, several.as_deref(), &session_id);
    match failure {
        None => {
            succeed(&mut answer, &evidence, several.as_deref(), &advice);
            if plain.is_some() {
                told::add_hint(&mut answer, plain::HINT);
            }
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
    if let Some(several) = several {
        several::attach(&mut answer.result, *several);
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
            // Without an event nothing says that it took the id.
            _ if evidence.plain.is_some() => evidence.plan.session.is_resume() || evidence.session_kept,
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

/// What makes a run with a result a failure, if anything.
fn of_result(evidence: &Evidence<'_>, event: &ResultEvent, advice: &Advice<'_>) -> Option<Failure> {
    let agent = &evidence.plan.agent;
    let Some(doubt) = event.doubt() else {
        return match evidence.ending {
            // Another turn's error explains the code; it takes nothing from this answer.
            Ending::Exited { .. } if event.failed().is_some() => None,
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
        NotStarted::CliMissing { what, way_out } => {
            (ErrorType::NotFound, what.clone(), format!("{way_out}; `agent-dispatch doctor` checks it"))
        }
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
