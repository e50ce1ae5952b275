//! What the CLI's texts mean. Its wording changes between versions, so a few words are looked for, never a sentence.

use super::super::answer::ErrorType;
use super::super::events::ResultEvent;
use super::super::plan::RunPlan;
use super::super::text;
use super::advice::Advice;
use super::{Ending, Evidence, of_error_result};

/// Characters of a message that are searched. The CLI says what is wrong at once; what follows may quote anything.
const SEARCHED_CHARS: usize = 2_000;

/// Most characters of the time at which a limit resets.
const MAX_RESET_CHARS: usize = 60;

/// The account's limit: it hits every agent alike.
const USAGE_LIMIT: [&str; 11] = [
    "session limit",
    "weekly limit",
    "usage limit",
    "hit your limit",
    "limit reached",
    "rate limit",
    "rate_limit",
    "too many requests",
    "quota exceeded",
    "(429)",
    "api error: 429",
];

/// A tool or an action that was denied.
const PERMISSION: [&str; 9] = [
    "permission denied",
    "requested permissions",
    "haven't granted",
    "not permitted",
    "not have permission",
    "disallowed tool",
    "tool is not allowed",
    "tool_use is not allowed",
    "permission mode",
];

/// Refusals of the API itself. "Permission" in such a text is that of an API key, not that of a tool.
const FROM_API: [&str; 3] = ["api error", "failed to authenticate", "invalid api key"];

/// A known cause of a failure that has no type of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    Login,
    Credit,
    Model,
    TooLong,
    AnswerTooLong,
    Policy,
    UnknownSession,
    SessionInUse,
    Root,
    BadOption,
    MaxTurns,
    Temporary,
    Unknown,
}

/// Words, and the cause that they tell; the first row that matches counts.
const CAUSES: [(Cause, &[&str]); 12] = [
    (Cause::Credit, &["credit balance"]),
    (
        Cause::Login,
        &["not logged in", "/login", "invalid api key", "failed to authenticate", "oauth token", "api error: 401"],
    ),
    (Cause::Model, &["issue with the selected model", "model not found", "invalid model"]),
    (Cause::TooLong, &["prompt is too long", "request too large", "exceeds 10mb"]),
    (Cause::AnswerTooLong, &["output token maximum"]),
    (Cause::Policy, &["usage policy"]),
    (Cause::UnknownSession, &["no conversation found", "valid session id", "match any session title"]),
    (Cause::SessionInUse, &["already in use"]),
    (Cause::Root, &["root/sudo"]),
    (Cause::BadOption, &["unknown option", "is invalid. allowed choices", "argument missing"]),
    (Cause::MaxTurns, &["maximum number of turns", "max turns"]),
    (
        Cause::Temporary,
        &["overloaded", "server-side issue", "unable to connect", "request timed out", "api error: 5", "at capacity"],
    ),
];

/// The type of a failure whose only trace is a text (and the HTTP status, if there is one). The usage limit comes
/// before permissions.
pub(super) fn error_type(message: &str, http_status: Option<u64>) -> ErrorType {
    /// "Too many requests".
    const TOO_MANY_REQUESTS: u64 = 429;
    let message = searched(message);
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if http_status == Some(TOO_MANY_REQUESTS) || says(&USAGE_LIMIT) {
        ErrorType::UsageLimit
    } else if http_status.is_none() && !says(&FROM_API) && says(&PERMISSION) {
        ErrorType::Permission
    } else {
        ErrorType::CliError
    }
}

/// The cause that a text tells.
pub(super) fn cause(message: &str, http_status: Option<u64>) -> Cause {
    let message = searched(message);
    let told = CAUSES.iter().find(|(_, words)| words.iter().any(|word| message.contains(word)));
    match (told, http_status) {
        (Some((cause, _)), _) => *cause,
        (None, Some(401 | 403)) => Cause::Login,
        (None, Some(413)) => Cause::TooLong,
        (None, Some(500..)) => Cause::Temporary,
        (None, _) => Cause::Unknown,
    }
}

/// Whether the CLI says that there is no such session as it was told to go on with. The model was not asked then.
#[must_use]
pub fn is_session_missing(event: &ResultEvent) -> bool {
    let asked = event.num_turns.is_some_and(|turns| turns > 0);
    event.is_error && !asked && cause(&event.errors.join("; "), None) == Cause::UnknownSession
}

/// Whether the result says that the account's usage limit is reached, and nothing that counts more.
#[must_use]
pub fn is_limited(plan: &RunPlan, event: &ResultEvent) -> bool {
    let evidence = Evidence::new(plan, Ending::Exited { code: 1 });
    let advice = Advice { plan, session_id: None };
    event.is_error && of_error_result(&evidence, event, &advice).error_type == ErrorType::UsageLimit
}

/// When a limit ends, in the words of the CLI: "resets 8:25am (UTC)".
pub(super) fn reset(message: &str) -> Option<String> {
    let message = text::first_chars(message, SEARCHED_CHARS);
    let at = message.to_ascii_lowercase().find("reset")?;
    let line = message[at..].lines().next()?;
    Some(text::one_line(line, MAX_RESET_CHARS)).filter(|line| line.contains(' '))
}

/// The part of stderr that says what is wrong: the first line that begins with "error", else its end. (A crash dump
/// has kilobytes of source in front of that line.)
pub(super) fn gist(stderr: &str) -> Option<String> {
    /// Most characters of it in a message.
    const MAX_CHARS: usize = 500;
    let is_error = |line: &&str| line.get(..5).is_some_and(|head| head.eq_ignore_ascii_case("error"));
    let line = stderr.lines().map(str::trim_start).find(is_error);
    let all = || stderr.lines().filter(|line| !is_about_a_name(line)).collect::<Vec<_>>().join("\n");
    let gist = line.map_or_else(
        || text::one_line(text::last_chars(all().trim_end(), MAX_CHARS), MAX_CHARS),
        |line| text::one_line(line, MAX_CHARS),
    );
    (!gist.is_empty()).then_some(gist)
}

/// Whether the CLI only says that it does not know a tool that it is told to withhold: older versions do so for names that
/// newer ones have. Nothing is wrong then.
fn is_about_a_name(line: &str) -> bool {
    line.trim_start().starts_with("Permission deny rule ") && line.contains("matches no known tool")
}

fn searched(message: &str) -> String {
    // Typographic apostrophes occur in some versions of the texts.
    text::first_chars(message, SEARCHED_CHARS).to_lowercase().replace('’', "'")
}
