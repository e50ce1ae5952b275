//! From everything that is known about a run to the answer that its caller gets.
//!
//! A trustworthy success is: exit code 0, a result event that is no error, from a model that was asked, that said why
//! it stopped, with a text. A result that is complete in itself also outranks an end that we, or somebody else, put to
//! the process afterwards, and an error of another turn beside it. Where something printed text instead of events, exit code 0
//! and the text must do. Everything else is a failure with a type and a way out, and carries what text there is: it
//! was paid for.

mod advice;
mod cause;
mod classify;
mod compose;
mod conformity;
mod denied;
mod ended;
mod evidence;
mod phrases;
mod plain;
mod remedy;
mod servers;
mod settings;
mod several;
mod unfinished;

pub use classify::{is_limited, is_session_missing};
pub use conformity::misses;
pub use evidence::{Canceller, EndReason, Evidence, NotStarted};
pub use settings::SettingsFile;
pub use unfinished::is_silent;

use super::answer::{Answer, ErrorType};
use super::events::{Doubt, ResultEvent};
use super::flags::Flag;
use super::ids::SessionRef;
use super::money;
use super::text;
use advice::Advice;
use cause::Cause;
use classify::MessageSource;
use compose::{answer_from, succeed};
use ended::{of_ending, printed, printed_too};
use plain::PlainText;

/// Exit codes above this one say that the process ended itself because of a signal (128 + its number).
const SIGNAL_EXIT_BASE: i32 = 128;

/// A failure: its type, what happened and what to do.
struct Failure {
    error_type: ErrorType,
    what: String,
    way_out: String,
}

impl Evidence<'_> {
    /// Whether claude gave an answer, a good one or not.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        let plain = || matches!(plain::judge(self), Some(plain::PlainText::Answer));
        self.result.is_some() && !self.held_back || self.missed.is_some() || plain()
    }
}

/// The answer that the evidence amounts to.
#[must_use]
pub fn judge(mut evidence: Evidence<'_>) -> Answer {
    let missing = is_told_that_session_is_missing(&evidence);
    let asked_again = conformity::settle(&mut evidence);
    let session_id = if missing { None } else { session_id(&evidence) };
    let plain = plain::judge(&evidence).filter(|_| evidence.result.is_none());
    match (&plain, evidence.plain.take()) {
        (Some(PlainText::Answer), Some(said)) => evidence.result = Some(plain::result(said)),
        (Some(PlainText::Message(_) | PlainText::Rest), said) => {
            evidence.last_text = evidence.last_text.take().or(said)
        }
        (None | Some(PlainText::Answer), _) => {}
    }
    let mut result = evidence.result.take();
    if let Some(event) = &mut result {
        conformity::choose(evidence.plan, event);
        take_structured_text(event);
    }
    let advice = Advice::new(&evidence, session_id.as_deref());
    let failure = match (&result, &plain) {
        (Some(event), _) if !evidence.held_back => of_result(&evidence, event, &advice),
        (None, Some(PlainText::Message(message))) => {
            Some(of_message(&evidence.plan.agent, message, plain::SOURCE, &advice))
        }
        _ => Some(of_ending(&evidence, &advice)),
    };
    let stopped_at_cap = result.as_ref().is_some_and(|event| event.is_error && is_budget_stop(event));
    let several = result.as_mut().and_then(|event| event.several.take());
    let mut answer = answer_from(&evidence, result, several.as_deref(), &session_id);
    match failure {
        None => {
            succeed(&mut answer, &evidence, several.as_deref(), &advice);
            if plain.is_some() {
                compose::add_hint(&mut answer, plain::HINT);
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
            let limit = evidence.rate_limit.as_ref().filter(|_| failure.error_type == ErrorType::UsageLimit);
            answer.limit_resets_at = limit.and_then(|limit| limit.resets_at);
        }
    }
    if let Some(several) = several {
        several::attach(&mut answer.result, *several);
    }
    servers::tell(&mut answer, &evidence);
    answer
}

/// Whether the CLI says of a whole run that there is no such session; where there is no result, what was printed says it.
fn is_told_that_session_is_missing(evidence: &Evidence<'_>) -> bool {
    match (&evidence.result, &evidence.ending) {
        (Some(event), _) => is_session_missing(event),
        // An answer may quote anything.
        (None, _) if matches!(plain::judge(evidence), Some(PlainText::Answer)) => false,
        (None, EndReason::Exited { code }) => printed(evidence).is_some_and(|said| {
            classify::cause(&said, MessageSource::Printed { code: *code }) == Cause::UnknownSession
        }),
        (None, _) => false,
    }
}

/// The session to go on with: as the CLI reported it, else as it was planned. None where no session ever began.
fn session_id(evidence: &Evidence<'_>) -> Option<String> {
    let reported = evidence.result.as_ref().and_then(|event| event.session_id.as_deref());
    // What a process reports is passed on only in a form that a later call accepts.
    let usable = |id: &str| SessionRef::try_from(id).ok().map(String::from);
    let planned = || {
        let known = match &evidence.ending {
            EndReason::NotStarted { reason } => evidence.plan.session.is_resume() && !reason.is_foreign(),
            // Without an event only the session's file says that it took the id.
            _ if evidence.plain.is_some() => evidence.plan.session.is_resume() || evidence.session_kept,
            _ => evidence.plan.session.is_resume() || (evidence.begun && !evidence.omitted.lacks(Flag::SessionId)),
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
            EndReason::Exited { .. } if event.failed().is_some() => None,
            EndReason::Exited { code } if code != 0 && code <= SIGNAL_EXIT_BASE => Some(Failure {
                error_type: ErrorType::CliError,
                what: printed_too(
                    evidence,
                    format!("claude exited with code {code} although the answer of agent '{agent}' looks complete"),
                ),
                way_out: format!("`result` holds it; check it, or go on with {}", advice.resume()),
            }),
            _ => None,
        };
    };
    let interrupted = doubt != Doubt::Error || event.subtype == "error_during_execution";
    if interrupted && matches!(evidence.ending, EndReason::TimedOut | EndReason::Cancelled { .. }) {
        return Some(of_ending(evidence, advice));
    }
    let cli_error = |what: String, way_out: String| Failure { error_type: ErrorType::CliError, what, way_out };
    Some(match doubt {
        Doubt::Error => of_error_result(evidence, event, advice),
        Doubt::Deferred => of_deferred(event, advice),
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

/// A hook put a call off. That is not the agent's failure, and the call is not lost.
fn of_deferred(event: &ResultEvent, advice: &Advice<'_>) -> Failure {
    let tool = event.deferred_tool.as_deref().map_or_else(|| "a tool".to_owned(), text::quoted);
    let agent = &advice.plan.agent;
    let what = format!("agent '{agent}' ended its run because a PreToolUse hook put off its call of {tool}");
    Failure { error_type: ErrorType::Permission, what, way_out: advice.deferred() }
}

/// A result that the CLI calls an error. Budget before a refused limit before denied tools before what the text says.
fn of_error_result(evidence: &Evidence<'_>, event: &ResultEvent, advice: &Advice<'_>) -> Failure {
    let agent = &evidence.plan.agent;
    let said = event.result.as_deref().filter(|said| !text::is_blank(said));
    let message = said.map_or_else(|| event.errors.join("; "), |said| text::one_line(said, MAX_MESSAGE_CHARS));
    if is_budget_stop(event) {
        let cap = evidence.plan.max_budget_usd.map_or_else(String::new, |cap| format!(" of ${cap}"));
        let spent = event.cost_usd().map_or_else(String::new, |cost| format!(" after {}", money::exact(cost)));
        let what = format!("agent '{agent}' was stopped at its spend cap{cap}{spent}");
        return Failure {
            error_type: ErrorType::Budget,
            what,
            way_out: advice.budget(compose::cost_usd(evidence, event)),
        };
    }
    if evidence.plan.response_schema.is_some() && event.subtype == "error_max_structured_output_retries" {
        return conformity::given_up(agent, &message, advice);
    }
    // A limit that the caller set, as a spend cap is. Where the caller set none the text tells the cause.
    if let Some(limit) = evidence.plan.max_turns.filter(|_| event.subtype == "error_max_turns") {
        let what = format!("agent '{agent}' was stopped at its limit of {limit} turns");
        return Failure { error_type: ErrorType::Budget, what, way_out: advice.turns(limit) };
    }
    let source = MessageSource::of(event, evidence.rate_limit.is_some());
    if !event.permission_denials.is_empty() && !source.is_refused() {
        let tools = event.permission_denials.join(", ");
        let message = if message.is_empty() { no_reason(event) } else { message };
        let grant = advice.grant(&event.permission_denials);
        // To grant the tools does not lift an error of the API.
        let cause = Some(classify::cause(&message, source)).filter(|_| source.is_of_api());
        let way_out = cause.map_or(grant.clone(), |cause| format!("{}; {grant}", advice.remedy(cause, &message)));
        let what = format!("agent '{agent}' failed after tools were denied ({tools}): {message}");
        return Failure { error_type: ErrorType::Permission, what, way_out };
    }
    if message.is_empty() {
        // Nothing else tells it.
        let (message, code) = (printed(evidence), evidence.exit_code());
        let source = MessageSource::Printed { code };
        return message.map_or_else(
            || of_message(agent, &no_reason(event), source, advice),
            |message| of_message(agent, &format!("{} ({})", message, event.subtype), source, advice),
        );
    }
    of_message(agent, &message, source, advice)
}

fn no_reason(event: &ResultEvent) -> String {
    format!("it gave no reason ({})", event.subtype)
}

/// Most characters of the CLI's own text in an error.
const MAX_MESSAGE_CHARS: usize = 2_000;

fn is_budget_stop(event: &ResultEvent) -> bool {
    let told = |text: &String| {
        let text = text.to_ascii_lowercase();
        text.contains("maximum budget") || text.contains("usd budget")
    };
    event.subtype == "error_max_budget_usd"
        || event.terminal_reason.as_deref() == Some("budget_exhausted")
        || event.errors.iter().any(told)
}

/// A failure whose cause a message tells.
fn of_message(agent: &str, message: &str, source: MessageSource, advice: &Advice<'_>) -> Failure {
    let cause = classify::cause(message, source);
    let what = format!("agent '{agent}' failed: {message}");
    Failure { error_type: cause.error_type(), what, way_out: advice.remedy(cause, message) }
}
