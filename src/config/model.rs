//! What agents.yaml says, checked: whoever holds a [`Config`] need not check its values again.
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::name::unknown;
pub use super::settings::{CacheSettings, DEFAULT_TIMEOUT_SECONDS, Settings};
use crate::machines::unattended;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// Agents in the order of the file. Of two entries with one name the last counts, at the place of the first,
    /// and the name is listed in `duplicates`.
    pub agents: Vec<(String, Entry<Agent>)>,
    /// Groups in the order of the file; duplicates as for agents.
    pub groups: Vec<(String, Entry<Group>)>,
    /// What holds for all agents.
    pub settings: Settings,
    /// Keys that nothing reads; kept in the file, reported by `doctor`.
    pub unknown_keys: Vec<UnknownKey>,
    /// Keys that are given twice: only the last one counts.
    pub duplicates: Vec<DuplicateKey>,
}

/// An entry that is valid, or the reason why it is not. An invalid one disables itself alone.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry<T> {
    /// Checked and usable.
    Valid(T),
    /// Unusable, with the reason.
    Invalid(Problem),
}

/// What is wrong with an entry, and where. Lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problem {
    /// What is wrong, beginning with the path of the value (`agents.infra.timeout: …`); at most a few hundred
    /// characters.
    pub message: String,
    /// Line in agents.yaml, from 1.
    pub line: Option<u32>,
    /// Column in that line, from 1.
    pub column: Option<u32>,
}

/// A key that nothing reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownKey {
    /// Where it stands, such as `agents.infra.timeuot`.
    pub path: String,
    /// Line in agents.yaml, from 1.
    pub line: Option<u32>,
    /// The known key that looks most like it.
    pub nearest: Option<&'static str>,
}

/// A key that is given more than once in one mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuplicateKey {
    /// Where it stands, such as `agents.infra`.
    pub path: String,
    /// Line of the occurrence that counts, from 1.
    pub line: Option<u32>,
}

impl fmt::Display for DuplicateKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} is given twice; only the last one counts", self.path)?;
        self.line.map_or(Ok(()), |line| write!(out, " (line {line})"))
    }
}

impl DuplicateKey {
    /// Whether what was dropped may have restricted the agent: its entry, a key of it, or what holds for all agents.
    #[must_use]
    pub fn concerns(&self, agent: &str) -> bool {
        let below = self.path.strip_prefix("agents.").and_then(|path| path.strip_prefix(agent));
        below.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            || ["agents", "settings"].contains(&self.path.as_str())
            || self.path.starts_with("settings.")
    }
}

/// One agent: a project directory and how claude runs in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agent {
    /// The project directory: absolute, `~` expanded. Whether it exists is not known here.
    pub directory: PathBuf,
    /// What the agent is for, in a sentence for its callers.
    pub description: String,
    /// Time limit in seconds as the file gives it: `None` = not given, `Some(0)` = `settings.default_timeout`.
    /// Use [`Agent::timeout`].
    #[serde(rename = "timeout")]
    pub timeout_seconds: Option<u64>,
    /// Model for claude; `None` = claude's own choice.
    pub model: Option<String>,
    /// Spend cap in US dollars as the file gives it, finite and not negative. Use [`Agent::budget`].
    pub max_budget_usd: Option<f64>,
    /// Most turns of a run, above 0; `None` = no limit.
    pub max_turns: Option<u32>,
    /// Permission mode as the file gives it. Use [`Agent::permission_mode`].
    pub permission_mode: Option<String>,
    /// `None` = the defaults of the settings, empty = explicitly none. Use [`Agent::allowed_tools`].
    pub allowed_tools: Option<Vec<String>>,
    /// As `allowed_tools`. Use [`Agent::disallowed_tools`].
    pub disallowed_tools: Option<Vec<String>>,
    /// Tools that are given back of those that unattended runs are denied; `None` = those of the settings. Use
    /// [`Agent::denied_tools`].
    #[serde(default)]
    pub unattended_tools: Option<Vec<String>>,
    /// Labels for callers; never passed to claude.
    pub capabilities: Vec<String>,
    /// Labels of what needs care; never passed to claude.
    pub risky_capabilities: Vec<String>,
    /// Schemas of answers, by the names under which callers ask for them; each was checked.
    pub response_schemas: BTreeMap<String, Value>,
    /// Standing orders, part of the system prompt of every dispatch; never empty.
    pub instructions: Option<String>,
}

/// A named set of agents that work on one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// For the session that orchestrates; never sent to a member.
    pub description: String,
    /// Facts put before the context of a dispatch within this group.
    pub shared_context: String,
    /// The members, in the order of the file.
    pub members: Vec<Member>,
}

/// One member of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Name of an agent, which may be missing from the file.
    pub agent: String,
    /// What to ask this member for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_for: Option<String>,
}

impl Config {
    /// The entry of this name, valid or not.
    pub fn agent(&self, name: &str) -> Option<&Entry<Agent>> {
        self.agents.iter().find(|(known, _)| known == name).map(|(_, entry)| entry)
    }

    /// The group of this name, valid or not.
    pub fn group(&self, name: &str) -> Option<&Entry<Group>> {
        self.groups.iter().find(|(known, _)| known == name).map(|(_, entry)| entry)
    }

    /// The agent of this name, valid or not.
    ///
    /// # Errors
    /// The answer to a name that no agent has.
    pub fn known_agent(&self, name: &str) -> Result<&Entry<Agent>, String> {
        self.agent(name).ok_or_else(|| unknown("agent", name, &self.agent_names().collect::<Vec<_>>()))
    }

    /// The group of this name, valid or not.
    ///
    /// # Errors
    /// The answer to a name that no group has.
    pub fn known_group(&self, name: &str) -> Result<&Entry<Group>, String> {
        self.group(name).ok_or_else(|| unknown("group", name, &self.group_names().collect::<Vec<_>>()))
    }

    /// All group names in the order of the file, valid or not.
    pub fn group_names(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().map(|(name, _)| name.as_str())
    }

    /// All agent names in the order of the file, valid or not.
    pub fn agent_names(&self) -> impl Iterator<Item = &str> {
        self.agents.iter().map(|(name, _)| name.as_str())
    }
}

impl<T> Entry<T> {
    /// The value, when there is one.
    pub fn valid(&self) -> Option<&T> {
        match self {
            Self::Valid(value) => Some(value),
            Self::Invalid(_) => None,
        }
    }

    /// The value or the reason why there is none.
    ///
    /// # Errors
    /// The problem of an invalid entry.
    pub fn as_result(&self) -> Result<&T, &Problem> {
        match self {
            Self::Valid(value) => Ok(value),
            Self::Invalid(problem) => Err(problem),
        }
    }
}

impl Agent {
    /// The time limit that holds, in seconds: its own, 300 when not given, the settings' when it is 0.
    pub fn timeout(&self, settings: &Settings) -> u64 {
        match self.timeout_seconds {
            None => DEFAULT_TIMEOUT_SECONDS,
            Some(0) => settings.default_timeout,
            Some(seconds) => seconds,
        }
    }

    /// The spend cap that holds, in US dollars, above 0: its own, else the settings', else none.
    pub fn budget(&self, settings: &Settings) -> Option<f64> {
        let above_zero = |budget: &f64| *budget > 0.0;
        self.max_budget_usd.filter(above_zero).or_else(|| settings.default_max_budget_usd.filter(above_zero))
    }

    /// The permission mode that holds: its own, else the settings', else claude's.
    pub fn permission_mode<'a>(&'a self, settings: &'a Settings) -> Option<&'a str> {
        self.permission_mode.as_deref().or(settings.default_permission_mode.as_deref())
    }

    /// The allowed tools that hold: its own (empty = explicitly none), else the settings'.
    pub fn allowed_tools<'a>(&'a self, settings: &'a Settings) -> &'a [String] {
        self.allowed_tools.as_deref().unwrap_or(&settings.default_allowed_tools)
    }

    /// The disallowed tools that hold: its own (empty = explicitly none), else the settings'.
    pub fn disallowed_tools<'a>(&'a self, settings: &'a Settings) -> &'a [String] {
        self.disallowed_tools.as_deref().unwrap_or(&settings.default_disallowed_tools)
    }

    /// The tools that are given back: its own (empty = explicitly none), else the settings'.
    pub fn unattended_tools<'a>(&'a self, settings: &'a Settings) -> &'a [String] {
        self.unattended_tools.as_deref().unwrap_or(&settings.unattended_tools)
    }

    /// All that its runs are denied: the disallowed tools that hold, and those that reach past a run.
    pub fn denied_tools(&self, settings: &Settings) -> Vec<String> {
        unattended::denied(self.disallowed_tools(settings), self.unattended_tools(settings))
    }
}

impl Problem {
    /// A problem whose place in the file is not known.
    pub fn unplaced(message: impl Into<String>) -> Self {
        Self { message: message.into(), line: None, column: None }
    }

    /// A problem at this line and column.
    pub fn at(message: impl Into<String>, (line, column): (u32, u32)) -> Self {
        Self { message: message.into(), line: Some(line), column: Some(column) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)?;
        place(self.line, self.column).map_or(Ok(()), |place| write!(out, " (agents.yaml {place})"))
    }
}

/// A place in the file, as far as it is known.
pub(super) fn place(line: Option<u32>, column: Option<u32>) -> Option<String> {
    let column = column.map_or_else(String::new, |column| format!(", column {column}"));
    line.map(|line| format!("line {line}{column}"))
}
