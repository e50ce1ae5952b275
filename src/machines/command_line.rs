//! The command line of the claude CLI, and the guard in front of it: no value may ever be read as an option.

use serde::{Deserialize, Serialize};

use super::flags::{Flag, Omitted};
use super::mode;
use super::plan::{RunPlan, SessionPlan};
use super::schema;
use super::text;
use super::unattended;

/// Longest argument that `execve` takes on every system, in bytes: 128 KiB less the closing NUL.
pub const MAX_ARGUMENT_BYTES: usize = 131_071;

/// Characters of a rejected value that an error message repeats.
const SHOWN_CHARS: usize = 60;

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Defect {
    /// It could be read as an option.
    #[error("begins with '-', which the claude CLI could read as an option")]
    LeadingDash,
    /// It contains a character that no such value has.
    #[error("contains the control character U+{0:04X}")]
    Control(u32),
    /// It is empty or blank, which the CLI takes for something else than "not given".
    #[error("is empty")]
    Empty,
    /// It does not fit into one argument.
    #[error("makes an argument of {bytes} bytes, at most {MAX_ARGUMENT_BYTES} fit")]
    TooLong {
        /// Length of the whole argument in bytes.
        bytes: usize,
    },
    /// A new session needs a UUID.
    #[error("is no UUID, which a new session needs")]
    NotAUuid,
    /// A spend cap that the CLI refuses with a crash.
    #[error("is not a positive, finite number")]
    NotPositive,
}

/// A value that must not reach the command line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("the value {shown} for {field} {why}: {}", field.source())]
pub struct BadValue {
    /// The option that the value was meant for.
    pub field: Flag,
    /// What is wrong with it.
    pub why: Defect,
    /// The beginning of the value, quoted.
    pub shown: String,
}

/// The arguments for claude, without the program itself and without the prompt, which goes to stdin.
///
/// Every value stands in the same argument as its option (`--flag=value`): the CLI then takes nothing from the
/// arguments that follow. Each tool has an option of its own (the CLI collects the values of a repeated variadic
/// option), since it splits one value at commas and spaces outside parentheses: in a joined value an open parenthesis
/// in one rule would swallow the rules after it.
///
/// # Errors
/// [`BadValue`] for the first value that the guard refuses.
pub fn arguments(plan: &RunPlan, omitted: Omitted) -> Result<Vec<String>, BadValue> {
    let mut arguments = vec![
        Flag::Print.as_str().to_owned(),
        format!("{}=stream-json", Flag::OutputFormat),
        Flag::Verbose.as_str().to_owned(),
    ];
    let mut push = |flag: Flag, value: &str| checked(flag, value).map(|argument| arguments.push(argument));
    match &plan.session {
        SessionPlan::Resume { id } => push(Flag::Resume, id.as_str())?,
        SessionPlan::Fresh { id } if !id.is_uuid() => return Err(bad(Flag::SessionId, Defect::NotAUuid, id.as_str())),
        SessionPlan::Fresh { .. } if omitted.lacks(Flag::SessionId) => {}
        SessionPlan::Fresh { id } => push(Flag::SessionId, id.as_str())?,
    }
    if let Some(model) = &plan.model {
        push(Flag::Model, model)?;
    }
    if let Some(mode) = &plan.permission_mode {
        push(Flag::PermissionMode, mode::portable(mode))?;
    }
    if !omitted.lacks(Flag::PermissionPrompts) {
        push(Flag::PermissionPrompts, "none")?;
    }
    if !omitted.lacks(Flag::Settings) {
        push(Flag::Settings, unattended::SETTINGS)?;
    }
    // A blank entry of a list grants and takes nothing; the CLI skips it as well.
    for tool in plan.allowed_tools.iter().filter(|tool| !text::is_blank(tool)) {
        push(Flag::AllowedTools, tool)?;
    }
    for tool in plan.disallowed_tools.iter().filter(|tool| !text::is_blank(tool)) {
        push(Flag::DisallowedTools, tool)?;
    }
    if let Some(prompt) = plan.system_prompt.as_deref().filter(|_| !omitted.lacks(Flag::AppendSystemPrompt)) {
        push(Flag::AppendSystemPrompt, prompt)?;
        if plan.session.is_resume() && !omitted.lacks(Flag::SystemPromptSnapshot) {
            push(Flag::SystemPromptSnapshot, "off")?;
        }
    }
    if let Some(budget) = plan.max_budget_usd.filter(|_| !omitted.lacks(Flag::MaxBudget)) {
        let value = budget.to_string();
        if !budget.is_finite() || budget <= 0.0 {
            return Err(bad(Flag::MaxBudget, Defect::NotPositive, &value));
        }
        push(Flag::MaxBudget, &value)?;
    }
    // The CLI reads 0 as no limit.
    if let Some(turns) = plan.max_turns.filter(|turns| *turns > 0 && !omitted.lacks(Flag::MaxTurns)) {
        push(Flag::MaxTurns, &turns.to_string())?;
    }
    let schema = plan.response_schema.as_ref().filter(|_| !omitted.lacks(Flag::JsonSchema)).and_then(schema::for_cli);
    if let Some(schema) = schema {
        push(Flag::JsonSchema, &schema)?;
    }
    Ok(arguments)
}

/// `--flag=value`, when the value is harmless.
fn checked(flag: Flag, value: &str) -> Result<String, BadValue> {
    // A system prompt is prose: it has lines, and may be indented with tabs.
    let allowed: &[char] = if flag == Flag::AppendSystemPrompt { &['\n', '\r', '\t'] } else { &[] };
    if text::is_blank(value) {
        return Err(bad(flag, Defect::Empty, value));
    }
    // A value is trimmed by no one, so only its very first character could make it an option; white space in front
    // is looked through all the same, because a shell wrapper named `claude` may split words.
    if value.trim_start().starts_with('-') {
        return Err(bad(flag, Defect::LeadingDash, value));
    }
    if let Some(c) = text::first_control(value, allowed) {
        return Err(bad(flag, Defect::Control(u32::from(c)), value));
    }
    let argument = format!("{flag}={value}");
    if argument.len() > MAX_ARGUMENT_BYTES {
        return Err(bad(flag, Defect::TooLong { bytes: argument.len() }, value));
    }
    Ok(argument)
}

fn bad(field: Flag, why: Defect, value: &str) -> BadValue {
    BadValue { field, why, shown: text::quoted(text::first_chars(value, SHOWN_CHARS)) }
}
