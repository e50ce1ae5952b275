//! The command line of the claude CLI, and the guard in front of it: no value may ever be read as an option.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::dispatch::{self, Omitted};
use super::mode;
use super::plan::{RunPlan, SessionPlan};
use super::schema;
use super::text;
use super::unattended;

/// Longest argument that `execve` takes on Linux, in bytes: 128 KiB less the closing NUL.
pub const MAX_ARGUMENT_BYTES: usize = 131_071;

/// Characters of a rejected value that an error message repeats.
const SHOWN_CHARS: usize = 60;

/// An option of the claude CLI that we pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// `-p`: print the answer and exit.
    Print,
    /// `--output-format`
    OutputFormat,
    /// `--verbose`
    Verbose,
    /// `--session-id`: the id of a new session.
    SessionId,
    /// `--resume`: the session to go on with.
    Resume,
    /// `--model`
    Model,
    /// `--permission-mode`
    PermissionMode,
    /// `--permission-prompts`: `none` tells the model that nobody can be asked.
    PermissionPrompts,
    /// `--settings`: what holds for every run that nobody watches.
    Settings,
    /// `--allowedTools`
    AllowedTools,
    /// `--disallowedTools`
    DisallowedTools,
    /// `--append-system-prompt`
    AppendSystemPrompt,
    /// `--system-prompt-snapshot`: `off` makes the CLI take the text of a resumed run instead of the first run's.
    SystemPromptSnapshot,
    /// `--max-budget-usd`
    MaxBudget,
    /// `--max-turns`
    MaxTurns,
    /// `--json-schema`
    JsonSchema,
}

impl Flag {
    /// Every option that we pass.
    pub const ALL: [Self; 16] = [
        Self::Print,
        Self::OutputFormat,
        Self::Verbose,
        Self::SessionId,
        Self::Resume,
        Self::Model,
        Self::PermissionMode,
        Self::PermissionPrompts,
        Self::Settings,
        Self::AllowedTools,
        Self::DisallowedTools,
        Self::AppendSystemPrompt,
        Self::SystemPromptSnapshot,
        Self::MaxBudget,
        Self::MaxTurns,
        Self::JsonSchema,
    ];

    /// The option as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Print => "-p",
            Self::OutputFormat => "--output-format",
            Self::Verbose => "--verbose",
            Self::SessionId => "--session-id",
            Self::Resume => "--resume",
            Self::Model => "--model",
            Self::PermissionMode => "--permission-mode",
            Self::PermissionPrompts => "--permission-prompts",
            Self::Settings => "--settings",
            Self::AllowedTools => "--allowedTools",
            Self::DisallowedTools => "--disallowedTools",
            Self::AppendSystemPrompt => "--append-system-prompt",
            Self::SystemPromptSnapshot => "--system-prompt-snapshot",
            Self::MaxBudget => "--max-budget-usd",
            Self::MaxTurns => "--max-turns",
            Self::JsonSchema => "--json-schema",
        }
    }

    /// Where a user changes the value, for messages.
    const fn source(self) -> &'static str {
        match self {
            Self::SessionId | Self::Resume => "pass the session_id of an earlier answer, or leave it out",
            Self::Model => "correct `model` of the agent (update_agent, or agents.yaml)",
            Self::PermissionMode => "correct `permission_mode` of the agent or `default_permission_mode`",
            Self::AllowedTools => "correct `allowed_tools` of the agent or `default_allowed_tools`",
            Self::DisallowedTools => "correct `disallowed_tools` of the agent or `default_disallowed_tools`",
            Self::AppendSystemPrompt => "correct `instructions` of the agent; long ones belong in its CLAUDE.md",
            Self::MaxBudget => "correct `max_budget_usd` of the agent or `default_max_budget_usd`",
            Self::MaxTurns => "correct `max_turns` of the call or of the agent",
            Self::JsonSchema => "shorten `response_schema`",
            Self::Print
            | Self::OutputFormat
            | Self::Verbose
            | Self::PermissionPrompts
            | Self::Settings
            | Self::SystemPromptSnapshot => "update agent-dispatch",
        }
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
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
    pub why: Why,
    /// Its beginning, quoted.
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
pub fn arguments(plan: &RunPlan, omit: Omitted) -> Result<Vec<String>, BadValue> {
    let mut arguments = vec![
        Flag::Print.as_str().to_owned(),
        format!("{}=stream-json", Flag::OutputFormat),
        Flag::Verbose.as_str().to_owned(),
    ];
    let mut push = |flag: Flag, value: &str| checked(flag, value).map(|argument| arguments.push(argument));
    match &plan.session {
        SessionPlan::Resume { id } => push(Flag::Resume, id.as_str())?,
        SessionPlan::Fresh { id } if !id.is_uuid() => return Err(bad(Flag::SessionId, Why::NotAUuid, id.as_str())),
        SessionPlan::Fresh { .. } if omit.session_id => {}
        SessionPlan::Fresh { id } => push(Flag::SessionId, id.as_str())?,
    }
    if let Some(model) = &plan.model {
        push(Flag::Model, model)?;
    }
    if let Some(mode) = &plan.permission_mode {
        push(Flag::PermissionMode, mode::portable(mode))?;
    }
    if !omit.permission_prompts {
        push(Flag::PermissionPrompts, "none")?;
    }
    if !omit.settings {
        push(Flag::Settings, unattended::SETTINGS)?;
    }
    // A blank entry of a list grants and takes nothing; the CLI skips it as well.
    for tool in plan.allowed_tools.iter().filter(|tool| !text::is_blank(tool)) {
        push(Flag::AllowedTools, tool)?;
    }
    for tool in plan.disallowed_tools.iter().filter(|tool| !text::is_blank(tool)) {
        push(Flag::DisallowedTools, tool)?;
    }
    if let Some(prompt) = plan.system_prompt.as_deref().filter(|_| !omit.system_prompt) {
        push(Flag::AppendSystemPrompt, prompt)?;
        if plan.session.is_resume() && !omit.snapshot {
            push(Flag::SystemPromptSnapshot, "off")?;
        }
    }
    if let Some(budget) = plan.max_budget_usd.filter(|_| !omit.max_budget) {
        let value = budget.to_string();
        if !budget.is_finite() || budget <= 0.0 {
            return Err(bad(Flag::MaxBudget, Why::NotPositive, &value));
        }
        push(Flag::MaxBudget, &value)?;
    }
    // The CLI reads 0 as no limit.
    if let Some(turns) = plan.max_turns.filter(|turns| *turns > 0 && !omit.max_turns) {
        push(Flag::MaxTurns, &turns.to_string())?;
    }
    let schema =
        plan.response_schema.as_ref().filter(|_| !omit.has(dispatch::Flag::JsonSchema)).and_then(schema::for_cli);
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
        return Err(bad(flag, Why::Empty, value));
    }
    // A value is trimmed by no one, so only its very first character could make it an option; white space in front
    // is looked through all the same, because a shell wrapper named `claude` may split words.
    if value.trim_start().starts_with('-') {
        return Err(bad(flag, Why::LeadingDash, value));
    }
    if let Some(c) = text::first_control(value, allowed) {
        return Err(bad(flag, Why::Control(u32::from(c)), value));
    }
    let argument = format!("{flag}={value}");
    if argument.len() > MAX_ARGUMENT_BYTES {
        return Err(bad(flag, Why::TooLong { bytes: argument.len() }, value));
    }
    Ok(argument)
}

fn bad(field: Flag, why: Why, value: &str) -> BadValue {
    BadValue { field, why, shown: text::quoted(text::first_chars(value, SHOWN_CHARS)) }
}

/// Which of our options this CLI does not know, read from what it printed on stderr (give the *beginning* of stderr: the
/// message repeats the whole argument, and only the first message counts). The value that is repeated, and suggestions on
/// further lines, are not looked at.
#[must_use]
pub fn unknown_option(stderr: &str) -> Option<Flag> {
    /// How option parsers say it; the CLI's own wording is the first.
    const PHRASES: [&str; 4] = ["unknown option", "unknown argument", "unrecognized option", "unexpected argument"];
    let lower = stderr.to_ascii_lowercase();
    let after = PHRASES.iter().filter_map(|phrase| Some(lower.find(phrase)? + phrase.len())).min()?;
    let rest = stderr[after..].trim_start_matches([' ', ':', '\'', '"', '`', '‘', '“']);
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(rest.len());
    Flag::ALL.into_iter().find(|flag| flag.as_str() == &rest[..end])
}

/// Whether the CLI says that its own validator does not take the schema; ours has taken it. That is about this schema: the
/// CLI knows the option.
#[must_use]
pub fn refuses_schema(stderr: &str) -> bool {
    const REFUSED_SCHEMA: &str = "--json-schema is not a valid json schema";
    stderr.to_ascii_lowercase().trim_start().trim_start_matches("error: ").starts_with(REFUSED_SCHEMA)
}
