//! API errors by name (CLI contract, chapter 9).

use crate::ending::Ending;

/// A failure that a scene can name, with the label of the synthetic message's `error` key.
#[derive(Debug)]
pub struct Failure {
    /// What the run ends with.
    pub ending: Ending,
    /// What the CLI says in the model's place.
    pub text: String,
    /// `error` of the synthetic message.
    pub label: &'static str,
    /// A rejected `rate_limit_event` of this type comes first (subscription only).
    pub limit: Option<&'static str>,
}

/// `api STATUS [MESSAGE]`, or one of the named kinds. The error says which exist.
pub fn by_name(words: &str) -> Result<Failure, String> {
    let (kind, message) = words.split_once(' ').unwrap_or((words, ""));
    let (text, status, label) = match kind {
        "api" => api(message)?,
        "oauth" => {
            ("Failed to authenticate. API Error: 401 OAuth token has expired. Please run /login".into(), Some(401), "authentication_failed")
        }
        "no-key" => ("Not logged in · Please run /login".into(), None, "authentication_failed"),
        "session-limit" => ("You've hit your session limit · resets 8:25am (UTC)".into(), Some(429), "rate_limit"),
        "weekly-limit" => ("You've hit your weekly limit · resets Nov 28, 9am (UTC)".into(), Some(429), "rate_limit"),
        "overloaded" => (
            "API Error: Repeated 529 Overloaded errors. The API is at capacity — this is usually temporary. Try again in a moment.".into(),
            None,
            "server_error",
        ),
        "credit" => ("Credit balance is too low".into(), Some(400), "billing_error"),
        "too-long" => ("Prompt is too long · Start a new session or reduce the input".into(), Some(400), "invalid_request"),
        "connect" => ("API Error: Unable to connect to API (ConnectionRefused)".into(), None, "unknown"),
        "timeout" => ("Request timed out".into(), None, "unknown"),
        "max-output" => (
            "API Error: Claude's response exceeded the 64000 output token maximum. To configure this behavior, set the \
             CLAUDE_CODE_MAX_OUTPUT_TOKENS environment variable."
                .into(),
            None,
            "max_output_tokens",
        ),
        "refusal" => (
            "API Error: Claude Code is unable to respond to this request, which appears to violate our Usage Policy \
             (https://www.anthropic.com/legal/aup). Try rephrasing the request."
                .into(),
            None,
            "invalid_request",
        ),
        other => {
            return Err(format!(
                "unknown error \"{other}\"; there are: api STATUS [MESSAGE], oauth, no-key, session-limit, weekly-limit, overloaded, \
                 credit, too-long, connect, timeout, max-output, refusal"
            ));
        }
    };
    let reason = reason(kind, status);
    let limit = limit(kind);
    Ok(Failure { ending: Ending::api_error(&text, status, reason), text, label, limit })
}

/// A status of the API with the text that the CLI makes of it.
fn api(words: &str) -> Result<(String, Option<u16>, &'static str), String> {
    let (status, message) = words.split_once(' ').unwrap_or((words, ""));
    let status: u16 = status.parse().map_err(|_| format!("error api needs an HTTP status, not \"{status}\""))?;
    let or = |default: &'static str| if message.is_empty() { default.to_owned() } else { message.to_owned() };
    let (text, label) = match status {
        401 => ("Invalid API key · Fix external API key".to_owned(), "authentication_failed"),
        403 => (format!("Failed to authenticate. API Error: 403 {}", or("Forbidden")), "authentication_failed"),
        404 => (
            format!(
                "There's an issue with the selected model ({}). It may not exist or you may not have access to it. Run --model to pick \
                 a different model.",
                or("nonexistent-model")
            ),
            "invalid_request",
        ),
        413 => ("Request too large (max 32MB). Try with a smaller file.".to_owned(), "invalid_request"),
        429 => (
            format!("API Error: Request rejected (429) · {}", or("This request would exceed your rate limit.")),
            "rate_limit",
        ),
        529 => (
            "API Error: 529 Overloaded. This is a server-side issue, usually temporary — try again in a moment."
                .to_owned(),
            "server_error",
        ),
        500..=599 => (
            format!(
                "API Error: {status} {}. This is a server-side issue, usually temporary — try again in a moment.",
                or("Internal server error")
            ),
            "server_error",
        ),
        _ => (format!("API Error: {status} {}", or("bad request")), "invalid_request"),
    };
    Ok((text, Some(status), label))
}

/// `terminal_reason`, which tells two errors apart from all others (chapters 1.2 and 17.4).
fn reason(kind: &str, status: Option<u16>) -> &'static str {
    match (kind, status) {
        ("too-long", _) => "prompt_too_long",
        (_, Some(413)) => "image_error",
        _ => "api_error",
    }
}

/// The window of a subscription that a limit belongs to.
fn limit(kind: &str) -> Option<&'static str> {
    match kind {
        "session-limit" => Some("five_hour"),
        "weekly-limit" => Some("seven_day"),
        _ => None,
    }
}
