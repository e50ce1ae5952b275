//! Flags that a run can do without.

use serde::{Deserialize, Serialize};

use crate::machines::command_line;

/// A flag that older versions of the CLI may not know. A run is tried again without it, once for each flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// `--session-id`: without it a timed-out run cannot be resumed unless the CLI told its own id.
    SessionId,
    /// `--permission-prompts`: without it a denial is told in other words.
    PermissionPrompts,
    /// `--settings`: a CLI without it knows none of the settings that we pass.
    Settings,
    /// `--append-system-prompt`: without it the agent does not see the dispatch protocol.
    SystemPrompt,
    /// `--system-prompt-snapshot`: without it a resumed session keeps the system prompt of its first run.
    Snapshot,
    /// `--max-budget-usd`: without it an overshoot is only reported.
    MaxBudget,
    /// `--max-turns`: without it the number of turns has no limit.
    MaxTurns,
    /// `--json-schema`: without it the schema stands in the prompt alone; the answer is checked all the same.
    JsonSchema,
    /// `--json-schema` with the schema of this run: the CLI knows the flag, and its own validator refuses the schema.
    ThisSchema,
}

impl Flag {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::SessionId,
        Self::PermissionPrompts,
        Self::Settings,
        Self::SystemPrompt,
        Self::Snapshot,
        Self::MaxBudget,
        Self::MaxTurns,
        Self::JsonSchema,
        Self::ThisSchema,
    ];

    /// The flag that the CLI refuses, read from the beginning of its stderr, where a run without it is still the run that
    /// was asked for.
    #[must_use]
    pub fn refused(stderr: &str) -> Option<Self> {
        if command_line::refuses_schema(stderr) {
            return Some(Self::ThisSchema);
        }
        command_line::unknown_option(stderr).and_then(Self::droppable)
    }

    /// Whether the CLI refuses it in every run.
    #[must_use]
    pub const fn is_refused_always(self) -> bool {
        !matches!(self, Self::ThisSchema)
    }

    /// The flag behind an option, where a run without it is still the run that was asked for.
    #[must_use]
    pub const fn droppable(option: command_line::Flag) -> Option<Self> {
        match option {
            command_line::Flag::SessionId => Some(Self::SessionId),
            command_line::Flag::PermissionPrompts => Some(Self::PermissionPrompts),
            command_line::Flag::Settings => Some(Self::Settings),
            command_line::Flag::AppendSystemPrompt => Some(Self::SystemPrompt),
            command_line::Flag::SystemPromptSnapshot => Some(Self::Snapshot),
            command_line::Flag::MaxBudget => Some(Self::MaxBudget),
            command_line::Flag::MaxTurns => Some(Self::MaxTurns),
            command_line::Flag::JsonSchema => Some(Self::JsonSchema),
            command_line::Flag::Print
            | command_line::Flag::OutputFormat
            | command_line::Flag::Verbose
            | command_line::Flag::Resume
            | command_line::Flag::Model
            | command_line::Flag::PermissionMode
            | command_line::Flag::AllowedTools
            | command_line::Flag::DisallowedTools => None,
        }
    }
}

/// The flags that are left out, each for its reason: the CLI said that it does not take it, or would not bound the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Omitted {
    /// `--session-id` is left out.
    pub session_id: bool,
    /// `--permission-prompts` is left out.
    pub permission_prompts: bool,
    /// `--settings` is left out.
    pub settings: bool,
    /// `--append-system-prompt` is left out.
    pub system_prompt: bool,
    /// `--system-prompt-snapshot` is left out.
    pub snapshot: bool,
    /// `--max-budget-usd` is left out.
    pub max_budget: bool,
    /// `--max-turns` is left out.
    pub max_turns: bool,
    /// `--json-schema` is left out because the CLI does not know it.
    pub json_schema: bool,
    /// `--json-schema` is left out because the CLI refuses this schema.
    pub this_schema: bool,
    /// `--json-schema` is left out because the CLI would ask for an answer of that form without end.
    pub unbounded_schema: bool,
}

impl Omitted {
    /// Nothing is left out.
    pub const NOTHING: Self = Self {
        session_id: false,
        permission_prompts: false,
        settings: false,
        system_prompt: false,
        snapshot: false,
        max_budget: false,
        max_turns: false,
        json_schema: false,
        this_schema: false,
        unbounded_schema: false,
    };

    /// Whether `flag` is left out.
    #[must_use]
    pub const fn has(self, flag: Flag) -> bool {
        match flag {
            Flag::SessionId => self.session_id,
            Flag::PermissionPrompts => self.permission_prompts,
            Flag::Settings => self.settings,
            Flag::SystemPrompt => self.system_prompt,
            Flag::Snapshot => self.snapshot,
            Flag::MaxBudget => self.max_budget,
            Flag::MaxTurns => self.max_turns,
            Flag::JsonSchema | Flag::ThisSchema => self.json_schema || self.this_schema || self.unbounded_schema,
        }
    }

    /// What either of the two leaves out.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self {
            session_id: self.session_id || other.session_id,
            permission_prompts: self.permission_prompts || other.permission_prompts,
            settings: self.settings || other.settings,
            system_prompt: self.system_prompt || other.system_prompt,
            snapshot: self.snapshot || other.snapshot,
            max_budget: self.max_budget || other.max_budget,
            max_turns: self.max_turns || other.max_turns,
            json_schema: self.json_schema || other.json_schema,
            this_schema: self.this_schema || other.this_schema,
            unbounded_schema: self.unbounded_schema || other.unbounded_schema,
        }
    }

    /// The same, with `flag` left out as well.
    #[must_use]
    pub const fn and(mut self, flag: Flag) -> Self {
        match flag {
            Flag::SessionId => self.session_id = true,
            Flag::PermissionPrompts => self.permission_prompts = true,
            Flag::Settings => self.settings = true,
            Flag::SystemPrompt => self.system_prompt = true,
            Flag::Snapshot => self.snapshot = true,
            Flag::MaxBudget => self.max_budget = true,
            Flag::MaxTurns => self.max_turns = true,
            Flag::JsonSchema => self.json_schema = true,
            Flag::ThisSchema => self.this_schema = true,
        }
        self
    }
}
