//! Options of the claude CLI: what they are called, which a run can do without, and which are left out of one.

use std::fmt;

use serde::{Deserialize, Serialize};
use strum::VariantArray;

/// An option of the claude CLI that we pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, VariantArray)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// `-p`: print the answer and exit.
    Print,
    /// `--output-format`: `stream-json`, one event on a line.
    OutputFormat,
    /// `--verbose`: the CLI demands it beside `stream-json`.
    Verbose,
    /// `--session-id`: the id of a new session. Without it a run that is cut off goes on only if the CLI told its own id.
    SessionId,
    /// `--resume`: the session to go on with.
    Resume,
    /// `--model`: the model to use instead of the CLI's own choice.
    Model,
    /// `--permission-mode`: what the agent may do without being asked.
    PermissionMode,
    /// `--permission-prompts`: `none` tells the model that nobody can be asked. Without it a denial is worded differently.
    PermissionPrompts,
    /// `--settings`: what holds for every run that nobody watches.
    Settings,
    /// `--allowedTools`: tools that are granted.
    AllowedTools,
    /// `--disallowedTools`: tools that are taken away.
    DisallowedTools,
    /// `--append-system-prompt`: without it the agent does not see the dispatch protocol.
    #[serde(rename = "system_prompt")]
    AppendSystemPrompt,
    /// `--system-prompt-snapshot`: `off` makes the CLI take the text of a resumed run instead of the first run's.
    #[serde(rename = "snapshot")]
    SystemPromptSnapshot,
    /// `--max-budget-usd`: without it an overshoot is only reported.
    MaxBudget,
    /// `--max-turns`: without it the number of turns has no limit.
    MaxTurns,
    /// `--json-schema`: without it the schema stands in the prompt alone; the answer is checked all the same.
    JsonSchema,
}

impl Flag {
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

    /// Whether a run without the option is still the run that was asked for. Older CLIs do not know all of them; a run that
    /// one refuses is tried again without it, once for each.
    #[must_use]
    pub const fn is_droppable(self) -> bool {
        match self {
            Self::SessionId
            | Self::PermissionPrompts
            | Self::Settings
            | Self::AppendSystemPrompt
            | Self::SystemPromptSnapshot
            | Self::MaxBudget
            | Self::MaxTurns
            | Self::JsonSchema => true,
            Self::Print
            | Self::OutputFormat
            | Self::Verbose
            | Self::Resume
            | Self::Model
            | Self::PermissionMode
            | Self::AllowedTools
            | Self::DisallowedTools => false,
        }
    }

    /// Where a user changes the value, for messages.
    pub(super) const fn source(self) -> &'static str {
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

/// Why an option is left out of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Omission {
    /// The CLI knows `--json-schema`, and its own validator refuses the schema of this run.
    ThisSchema,
    /// The CLI would ask without end for an answer in the form of any schema.
    UnboundedSchema,
    /// The CLI does not know the option.
    #[serde(untagged)]
    Unknown(Flag),
}

impl Omission {
    /// What the CLI refuses, read from the beginning of its stderr, where a run without it is still the run that was asked
    /// for.
    #[must_use]
    pub fn of_stderr(stderr: &str) -> Option<Self> {
        if refuses_schema(stderr) {
            return Some(Self::ThisSchema);
        }
        unknown_option(stderr).filter(|flag| flag.is_droppable()).map(Self::Unknown)
    }

    /// The option that is left out.
    #[must_use]
    pub const fn flag(self) -> Flag {
        match self {
            Self::ThisSchema | Self::UnboundedSchema => Flag::JsonSchema,
            Self::Unknown(flag) => flag,
        }
    }
}

/// What is left out of a run: a set of [`Omission`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Omitted(u32);

impl Omitted {
    /// Nothing is left out.
    pub const NOTHING: Self = Self(0);

    /// Whether an option is left out for this reason.
    #[must_use]
    pub const fn has(self, omission: Omission) -> bool {
        self.0 & Self::NOTHING.and(omission).0 != 0
    }

    /// Whether an option is left out, for whatever reason.
    #[must_use]
    pub const fn lacks(self, flag: Flag) -> bool {
        let for_schema = Self::NOTHING.and(Omission::ThisSchema).and(Omission::UnboundedSchema);
        self.has(Omission::Unknown(flag)) || matches!(flag, Flag::JsonSchema) && self.0 & for_schema.0 != 0
    }

    /// What either of the two leaves out.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The same, with one more omission.
    #[must_use]
    pub const fn and(self, omission: Omission) -> Self {
        /// The bits of flags come first.
        const FLAGS: u32 = Flag::VARIANTS.len() as u32;
        let bit = match omission {
            Omission::Unknown(flag) => flag as u32,
            Omission::ThisSchema => FLAGS,
            Omission::UnboundedSchema => FLAGS + 1,
        };
        Self(self.0 | 1 << bit)
    }
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
    Flag::VARIANTS.iter().copied().find(|flag| flag.as_str() == &rest[..end])
}

/// Whether the CLI says that its own validator does not take the schema; ours has taken it. That is about this schema: the
/// CLI knows the option.
fn refuses_schema(stderr: &str) -> bool {
    const REFUSED_SCHEMA: &str = "--json-schema is not a valid json schema";
    stderr.to_ascii_lowercase().trim_start().trim_start_matches("error: ").starts_with(REFUSED_SCHEMA)
}
