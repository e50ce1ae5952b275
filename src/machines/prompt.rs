//! The text that an agent is given: put together from the caller's parts, and made safe for claude's stdin.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::plan::Format;
use super::schema::Violation;
use super::text;

/// Most that the claude CLI reads from stdin, in bytes: 10 MiB pass, 11 MiB are refused.
pub const MAX_PROMPT_BYTES: usize = 10 * 1024 * 1024;

/// What closes a prompt whose answer a program reads.
const JSON_FOOTER: &str = "## Response format\nAnswer with exactly one JSON value and nothing else: no prose before or \
after it, no code fence. If that is impossible, answer {\"error\": \"<reason>\"}.";

/// What closes a prompt whose answer must match a schema; the schema follows.
const SCHEMA_FOOTER: &str = "## Response format\nAnswer with exactly one JSON value that matches the JSON Schema below and \
nothing else: no prose before or after it, no code fence. If there is a tool named StructuredOutput, give the value \
through it.";

/// Why a prompt cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromptError {
    /// The task is an empty text.
    #[error("empty task: say what the agent is to do")]
    Empty,
    /// White space only, to which the CLI answers with an error.
    #[error("the task holds only white space: say what the agent is to do")]
    Blank,
    /// More than the CLI reads.
    #[error(
        "the prompt is {bytes} bytes long, the claude CLI reads at most {MAX_PROMPT_BYTES}: \
         write large content to a file and name its path in the task"
    )]
    TooLarge {
        /// Length of the text that would be sent, in bytes.
        bytes: usize,
    },
}

/// The prompt for a task. With neither caller nor goal it is the bare task, or labelled blocks when there is context;
/// otherwise a heading for each part. Blank parts are left out.
#[must_use]
pub fn compose(task: &str, context: Option<&str>, caller: Option<&str>, goal: Option<&str>, format: Format) -> String {
    let given = |part: Option<&str>| part.is_some_and(|text| !text::is_blank(text));
    let parts: &[(&str, Option<&str>)] = if given(caller) || given(goal) {
        &[("## Goal\n", goal), ("## Dispatched by\n", caller), ("## Context\n", context), ("## Task\n", Some(task))]
    } else if given(context) {
        &[("Context:\n", context), ("Task:\n", Some(task))]
    } else {
        &[("", Some(task))]
    };
    let footer = match format {
        Format::Text => None,
        Format::Json => Some(JSON_FOOTER),
    };
    let mut prompt = String::new();
    for (label, part) in parts.iter().copied().chain([("", footer)]) {
        let Some(part) = part.filter(|text| !text::is_blank(text)) else { continue };
        if !prompt.is_empty() {
            prompt.push_str("\n\n");
        }
        prompt.push_str(label);
        prompt.push_str(part);
    }
    prompt
}

/// The prompt with the demand for an answer that matches a schema. The CLI is given the schema as well where it can use
/// it; it stands here for the others.
#[must_use]
pub fn demanding(prompt: &str, schema: &Value) -> String {
    format!("{prompt}\n\n{SCHEMA_FOOTER}\n{schema}")
}

/// What is asked in the same session when an answer missed its schema.
#[must_use]
pub fn repair(schema: &Value, violations: &[Violation]) -> String {
    let listed: String = violations.iter().map(|violation| format!("- {violation}\n")).collect();
    format!(
        "Your answer does not match the JSON Schema that it must match:\n{listed}Give the whole answer again, corrected. \
         Do no further work.\n\n{SCHEMA_FOOTER}\n{schema}"
    )
}

/// Checks that a task says something.
///
/// # Errors
/// [`PromptError::Empty`] and [`PromptError::Blank`].
pub fn check_task(task: &str) -> Result<(), PromptError> {
    if task.is_empty() {
        return Err(PromptError::Empty);
    }
    if text::is_blank(task) { Err(PromptError::Blank) } else { Ok(()) }
}

/// The bytes to write to claude's stdin. A text that begins with `/` gets a newline in front: the CLI takes `/word` as
/// a command of its own that never reaches the model, and one leading newline turns that off. (Some texts with a
/// slash, such as paths, would pass as they are; the newline costs nothing and needs no copy of the CLI's rule.)
/// Every other character passes through the CLI unchanged, control characters and NUL included.
///
/// # Errors
/// [`PromptError`] for what the CLI would refuse.
pub fn for_stdin(prompt: &str) -> Result<Cow<'_, str>, PromptError> {
    check_task(prompt)?;
    let escape = prompt.starts_with('/');
    let bytes = prompt.len() + usize::from(escape);
    if bytes > MAX_PROMPT_BYTES {
        return Err(PromptError::TooLarge { bytes });
    }
    Ok(if escape { Cow::Owned(format!("\n{prompt}")) } else { Cow::Borrowed(prompt) })
}
