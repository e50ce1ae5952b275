//! What the CLI's texts mean. Its wording changes between versions, so a few words are looked for, never a sentence.
//!
//! Words decide last: what the result says of itself (its HTTP status, the notice of a refused limit) comes first, and what
//! a program printed is never read against the way it ended.

use super::super::answer::ErrorType;
use super::super::events::ResultEvent;
use super::super::limit::RateLimit;
use super::super::plan::RunPlan;
use super::super::text;
use super::advice::Advice;
use super::cause::Cause;
use super::phrases::{CAUSES, LOCAL};
use super::{EndReason, Evidence, of_error_result};

/// Characters of a message that are searched. The CLI says what is wrong at once; what follows may quote anything.
const SEARCHED_CHARS: usize = 2_000;

/// Most characters of the time at which a limit resets.
const MAX_RESET_CHARS: usize = 60;

/// Exit codes of a shell, of `env` and of npm for a command that is there and cannot be run, and for one that is not there.
const CANNOT_RUN: [i32; 2] = [126, 127];

/// HTTP status "Too many requests".
const TOO_MANY_REQUESTS: u64 = 429;

/// Who said a text, and what is known beside its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MessageSource {
    /// A result of the CLI.
    Result {
        /// HTTP status of the API's error.
        http_status: Option<u64>,
        /// The CLI told that the account's limit refused a request.
        rejected: bool,
        /// It is what the API said, in the words of the CLI. (Else a list of errors: a tool's, say.)
        from_api: bool,
    },
    /// A process that left with this code and no result.
    Printed {
        /// Exit code of the process.
        code: i32,
    },
}

impl MessageSource {
    /// What a result says of itself.
    pub(super) fn of(event: &ResultEvent, rejected: bool) -> Self {
        Self::Result { http_status: event.api_error_status, rejected, from_api: !event.subtype.starts_with("error") }
    }

    /// Whether the result itself says that the API ended the run for want of money or of patience: what was denied before
    /// is not what ended it.
    pub(super) const fn is_refused(self) -> bool {
        matches!(
            self,
            Self::Result { http_status: Some(TOO_MANY_REQUESTS), .. }
                | Self::Result { rejected: true, from_api: true, .. }
        )
    }

    /// Whether the API told what it is.
    pub(super) const fn is_of_api(self) -> bool {
        matches!(self, Self::Result { http_status: Some(_), .. })
    }
}

/// What made a run fail: by what its result says of itself, then by words.
pub(super) fn cause(message: &str, source: MessageSource) -> Cause {
    let message = searched(message);
    let row = |rows: &[(Cause, &[&str])]| {
        rows.iter().find(|(_, words)| words.iter().any(|word| says(&message, word))).map(|(cause, _)| *cause)
    };
    match source {
        MessageSource::Result { http_status: Some(status), rejected, .. } => of_status(status, rejected, row(&CAUSES)),
        MessageSource::Result { http_status: None, from_api: true, rejected } => {
            let otherwise = if rejected { Cause::UsageLimit } else { Cause::Unknown };
            row(&CAUSES).or_else(|| row(&LOCAL)).unwrap_or(otherwise)
        }
        // Errors of the run: they may quote any tool.
        MessageSource::Result { http_status: None, from_api: false, .. } => {
            row(&CAUSES).filter(|cause| *cause != Cause::UsageLimit).or_else(|| row(&LOCAL)).unwrap_or(Cause::Unknown)
        }
        MessageSource::Printed { code } if CANNOT_RUN.contains(&code) => Cause::CannotRun,
        // A program that is not the CLI speaks of its own limits and rights.
        MessageSource::Printed { .. } => row(&LOCAL).or_else(|| row(&CAUSES)).unwrap_or(Cause::Unknown),
    }
}

/// Whether a message has these words; `…` stands for anything between two of them.
fn says(message: &str, words: &str) -> bool {
    let mut rest = Some(message);
    for word in words.split(" … ") {
        rest = rest.and_then(|rest| rest.split_once(word)).map(|(_, rest)| rest);
    }
    rest.is_some()
}

/// What an HTTP status means; the words only say which of its meanings it is.
fn of_status(status: u64, rejected: bool, told: Option<Cause>) -> Cause {
    match (status, told) {
        // A gateway refuses with it for want of money, and the API for want of patience.
        (TOO_MANY_REQUESTS, _) if rejected => Cause::UsageLimit,
        (
            TOO_MANY_REQUESTS,
            Some(
                cause @ (Cause::RateLimit
                | Cause::SpendLimit
                | Cause::Credit
                | Cause::GatewayBudget
                | Cause::TooLong
                | Cause::Temporary),
            ),
        ) => cause,
        (TOO_MANY_REQUESTS, _) => Cause::UsageLimit,
        // No other status is a limit that ends by itself, nor a denied tool.
        (_, Some(cause)) if !matches!(cause, Cause::UsageLimit | Cause::Permission) => cause,
        (402, _) => Cause::Credit,
        (401 | 403, _) => Cause::Login,
        (413, _) => Cause::TooLong,
        (500.., _) => Cause::Temporary,
        _ => Cause::Unknown,
    }
}

/// Whether the CLI says that there is no such session as it was told to go on with. The model was not asked then.
#[must_use]
pub fn is_session_missing(event: &ResultEvent) -> bool {
    let asked = event.num_turns.is_some_and(|turns| turns > 0);
    event.is_error
        && !asked
        && cause(&event.errors.join("; "), MessageSource::of(event, false)) == Cause::UnknownSession
}

/// Whether the result says that the account's usage limit is reached, and nothing that counts more.
#[must_use]
pub fn is_limited(plan: &RunPlan, event: &ResultEvent, limit: Option<&RateLimit>) -> bool {
    let evidence = Evidence { rate_limit: limit.cloned(), ..Evidence::new(plan, EndReason::Exited { code: 1 }) };
    let advice = Advice::new(&evidence, None);
    event.is_error && of_error_result(&evidence, event, &advice).error_type == ErrorType::UsageLimit
}

/// When a limit ends, in the words of the CLI: "resets 8:25am (UTC)".
pub(super) fn reset(message: &str) -> Option<String> {
    let message = text::first_chars(message, SEARCHED_CHARS);
    let at = message.to_ascii_lowercase().find("reset")?;
    let line = message[at..].lines().next()?;
    Some(text::one_line(line, MAX_RESET_CHARS)).filter(|line| line.contains(' '))
}

/// The line that says what is wrong: the first that begins with "error". (A crash dump has kilobytes of source in front of
/// that line.)
pub(super) fn error_line(printed: &str) -> Option<String> {
    let is_error = |line: &&str| line.get(..5).is_some_and(|head| head.eq_ignore_ascii_case("error"));
    printed.lines().map(str::trim_start).find(is_error).map(|line| text::one_line(line, MAX_PRINTED_CHARS))
}

/// The end of what was printed; `None` for nothing.
pub(super) fn end(printed: &str) -> Option<String> {
    let said = printed.lines().filter(|line| !is_about_a_name(line)).collect::<Vec<_>>().join("\n");
    let end = text::one_line(text::last_chars(said.trim_end(), MAX_PRINTED_CHARS), MAX_PRINTED_CHARS);
    (!end.is_empty()).then_some(end)
}

/// Most characters of what was printed in a message.
const MAX_PRINTED_CHARS: usize = 500;

/// Whether the CLI only says that it does not know a tool that it is told to withhold: older versions do so for names that
/// newer ones have. Nothing is wrong then.
fn is_about_a_name(line: &str) -> bool {
    line.trim_start().starts_with("Permission deny rule ") && line.contains("matches no known tool")
}

fn searched(message: &str) -> String {
    // Typographic apostrophes occur in some versions of the texts.
    text::first_chars(message, SEARCHED_CHARS).to_lowercase().replace('’', "'")
}
