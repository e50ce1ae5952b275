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
use super::{Ending, Evidence, of_error_result};

/// Characters of a message that are searched. The CLI says what is wrong at once; what follows may quote anything.
const SEARCHED_CHARS: usize = 2_000;

/// Most characters of the time at which a limit resets.
const MAX_RESET_CHARS: usize = 60;

/// Exit codes of a shell, of `env` and of npm for a command that is there and cannot be run, and for one that is not there.
const CANNOT_RUN: [i32; 2] = [126, 127];

/// Who said a text, and what is known beside its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
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
        /// Its exit code.
        code: i32,
    },
}

impl Source {
    /// What a result says of itself.
    pub(super) fn of(event: &ResultEvent, rejected: bool) -> Self {
        Self::Result { http_status: event.api_error_status, rejected, from_api: !event.subtype.starts_with("error") }
    }

    /// Whether the result itself says that the API ended the run.
    pub(super) const fn is_of_api(self) -> bool {
        matches!(self, Self::Result { http_status: Some(_), .. } | Self::Result { rejected: true, from_api: true, .. })
    }
}

/// What made a run fail, as far as it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The limit of the account, which all agents share and which ends by itself.
    UsageLimit,
    /// A tool or an action that the agent was not allowed.
    Permission,
    Login,
    Cloud,
    Terms,
    Credit,
    SpendLimit,
    GatewayBudget,
    RateLimit,
    Model,
    TooLong,
    AnswerTooLong,
    UsagePolicy,
    ManagedSettings,
    UnknownSession,
    SessionInUse,
    Root,
    BadOption,
    MaxTurns,
    Certificate,
    Network,
    Temporary,
    Npm,
    Node,
    CannotRun,
    FileAccess,
    Disk,
    Memory,
    OpenFiles,
    GitOwner,
    Unknown,
}

impl Cause {
    pub(super) const fn error_type(self) -> ErrorType {
        match self {
            Self::UsageLimit => ErrorType::UsageLimit,
            Self::Permission => ErrorType::Permission,
            _ => ErrorType::CliError,
        }
    }
}

/// Words of the account's limit: the windows of a subscription, in the wordings of all versions since 1.0. A limit on money
/// is none: it does not end by waiting (see [`Cause::SpendLimit`]).
const USAGE_LIMIT: [&str; 26] = [
    "hit your limit",
    "hit your usage limit",
    "hit your session limit",
    "hit your weekly limit",
    "hit your opus limit",
    "hit your sonnet limit",
    "hit your haiku limit",
    "hit your fable limit",
    "hit your 5-hour limit",
    "reached your limit",
    "reached your usage limit",
    "reached your session limit",
    "reached your weekly limit",
    "reached your opus limit",
    "reached your sonnet limit",
    "reached your haiku limit",
    "reached your fable limit",
    "reached your 5-hour limit",
    "usage limit reached",
    "session limit reached",
    "weekly limit reached",
    "opus limit reached",
    "sonnet limit reached",
    "5-hour limit reached",
    "out of usage credits · resets",
    "out of extra usage · resets",
];

/// Words that the CLI itself uses for a tool that was denied. The system's own ("permission denied") are about files.
const PERMISSION: [&str; 6] = [
    "claude requested permission",
    "haven't granted",
    "permission to use … has been denied",
    "disallowed tool",
    "tool is not allowed",
    "tool_use is not allowed",
];

/// Causes on the machine that the CLI runs on, by words of the system and of programs around the CLI. They come first for
/// what was printed, and do not count for what the API said.
const LOCAL: [(Cause, &[&str]); 8] = [
    (Cause::Npm, &["npm error", "npm err!"]),
    (Cause::Node, &["requires node", "unsupported engine"]),
    (
        Cause::Disk,
        &["enospc", "no space left", "edquot", "disk quota", "erofs", "read-only file system", "the disk that holds"],
    ),
    (Cause::Memory, &["enomem", "heap out of memory", "cannot allocate memory", "out of memory"]),
    (Cause::OpenFiles, &["emfile", "enfile:", "too many open files"]),
    (Cause::GitOwner, &["dubious ownership"]),
    (Cause::Root, &["root/sudo"]),
    (Cause::FileAccess, &["eacces", "eperm:", "permission denied", "operation not permitted"]),
];

/// Words, and the cause that they tell; the first row that matches counts.
const CAUSES: [(Cause, &[&str]); 21] = [
    (
        Cause::Certificate,
        &[
            "self_signed_cert",
            "self-signed certificate",
            "self signed certificate",
            "unable_to_verify_leaf",
            "unable_to_get_issuer_cert",
            "unable to get local issuer",
            "unable to verify the first certificate",
            "cert_has_expired",
            "cert_not_yet_valid",
            "cert_untrusted",
            "cert_altname_invalid",
            "certificate has expired",
            "certificate verify failed",
            "certificate comes from an authority",
            "ssl certificate",
            "ssl error",
        ],
    ),
    (Cause::UsageLimit, &USAGE_LIMIT),
    (
        Cause::RateLimit,
        &[
            "per minute",
            "per-minute",
            "per second",
            "tokens/min",
            "concurrent",
            "concurrency",
            "not your usage limit",
            "temporarily limiting",
            "throttl",
            "too many tokens",
        ],
    ),
    (
        Cause::SpendLimit,
        &[
            "spend limit",
            "spending limit",
            "monthly usage limit",
            "group budget",
            "reached your specified",
            "usage credit",
            "extra usage",
            "out of usage",
            "usage allocation",
            "usage limit is set to $0",
            "seat type",
        ],
    ),
    (
        Cause::Credit,
        &[
            "credit balance",
            "insufficient balance",
            "insufficient_quota",
            "insufficient credit",
            "insufficient funds",
            "enough credit",
            "out of credits",
            "payment required",
            "billing_error",
            "recharge",
            "add funds",
            "no resource package",
        ],
    ),
    (
        Cause::GatewayBudget,
        &["budget has been exceeded", "budget_exceeded", "exceeded budget", "over budget", "max budget"],
    ),
    (Cause::Terms, &["consumer terms", "accept the new terms", "accept the terms", "accept our terms"]),
    (
        Cause::ManagedSettings,
        &["managed settings", "managed policy", "disabled by your organization", "disabled by your admin"],
    ),
    (
        Cause::Cloud,
        &[
            "could not load … credentials",
            "aws credentials",
            "google cloud credentials",
            "foundry credential",
            "security token",
            "expiredtoken",
            "unrecognizedclient",
            "accessdeniedexception",
            "apikeyhelper",
            "the gateway token",
        ],
    ),
    (
        Cause::Login,
        &[
            "not logged in",
            "/login",
            "auth login",
            "invalid api key",
            "failed to authenticate",
            "authentication error",
            "oauth token",
            "login expired",
            "organization has been disabled",
            "api error: 401",
        ],
    ),
    (
        Cause::Model,
        &[
            "issue with the selected model",
            "model not found",
            "model_not_found",
            "invalid model",
            "is not available on your",
        ],
    ),
    (
        Cause::TooLong,
        &[
            "prompt is too long",
            "input is too long",
            "conversation is too long",
            "request too large",
            "request_too_large",
            "exceeds 10mb",
            "context limit",
            "context length",
            "context window",
        ],
    ),
    (Cause::AnswerTooLong, &["output token maximum"]),
    (Cause::UsagePolicy, &["usage policy"]),
    (Cause::UnknownSession, &["no conversation found", "valid session id", "match any session title"]),
    (Cause::SessionInUse, &["session id … already in use"]),
    (Cause::BadOption, &["unknown option", "is invalid. allowed choices", "argument missing"]),
    (Cause::MaxTurns, &["maximum number of turns", "max turns"]),
    (Cause::Permission, &PERMISSION),
    (
        Cause::Network,
        &[
            "unable to connect",
            "connection refused",
            "connection lost",
            "connection closed",
            "connection error",
            "network error",
            "fetch failed",
            "socket hang up",
            "through your proxy",
            "network or proxy",
            "no response from api",
            "econnrefused",
            "econnreset",
            "etimedout",
            "enotfound",
            "eai_again",
            "ehostunreach",
            "enetunreach",
        ],
    ),
    (
        Cause::Temporary,
        &["overloaded", "server-side issue", "request timed out", "api error: 5", "at capacity", "high load"],
    ),
];

/// What made a run fail: by what its result says of itself, then by words.
pub(super) fn cause(message: &str, source: Source) -> Cause {
    let message = searched(message);
    let row = |rows: &[(Cause, &[&str])]| {
        rows.iter().find(|(_, words)| words.iter().any(|word| says(&message, word))).map(|(cause, _)| *cause)
    };
    match source {
        Source::Result { http_status: Some(status), rejected, .. } => of_status(status, rejected, row(&CAUSES)),
        Source::Result { http_status: None, from_api: true, rejected } => {
            let otherwise = if rejected { Cause::UsageLimit } else { Cause::Unknown };
            row(&CAUSES).or_else(|| row(&LOCAL)).unwrap_or(otherwise)
        }
        // Errors of the run: they may quote any tool.
        Source::Result { http_status: None, from_api: false, .. } => {
            row(&CAUSES).filter(|cause| *cause != Cause::UsageLimit).or_else(|| row(&LOCAL)).unwrap_or(Cause::Unknown)
        }
        Source::Printed { code } if CANNOT_RUN.contains(&code) => Cause::CannotRun,
        // A program that is not the CLI speaks of its own limits and rights.
        Source::Printed { .. } => row(&LOCAL).or_else(|| row(&CAUSES)).unwrap_or(Cause::Unknown),
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
    /// "Too many requests".
    const TOO_MANY_REQUESTS: u64 = 429;
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

/// Whether the result says that the account's usage limit is reached, and nothing that counts more.
#[must_use]
pub fn is_limited(plan: &RunPlan, event: &ResultEvent, limit: Option<&RateLimit>) -> bool {
    let evidence = Evidence { rate_limit: limit.cloned(), ..Evidence::new(plan, Ending::Exited { code: 1 }) };
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
    let end = text::one_line(text::last_chars(printed.trim_end(), MAX_PRINTED_CHARS), MAX_PRINTED_CHARS);
    (!end.is_empty()).then_some(end)
}

/// Most characters of what was printed in a message.
const MAX_PRINTED_CHARS: usize = 500;

fn searched(message: &str) -> String {
    // Typographic apostrophes occur in some versions of the texts.
    text::first_chars(message, SEARCHED_CHARS).to_lowercase().replace('’', "'")
}
