//! The answers about agents and groups: who is there, what they can do, whether they can be reached.
use std::collections::HashMap;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::detect::{DETECTION_BUDGET, Detection, Health, Inspection, detect_all, inspect};
use super::model::{Agent, Config, DEFAULT_TIMEOUT_SECONDS, Entry, Group, Problem, Settings};
use crate::machines::mcp_servers::{Note, Notes};
use crate::machines::mode::{self, ModeSource};
use crate::machines::{reference, unattended};

/// Most lines of a preview: enough for what a project is, and an answer that a model can read at once.
pub const MAX_PREVIEW_LINES: i64 = 200;

/// What past runs of an agent took, as the answer shows it; `None` when there were too few.
pub type Typical<'a> = &'a dyn Fn(&str) -> Option<Value>;

/// What past runs tell of the agents.
#[derive(Clone, Copy)]
pub struct Past<'a> {
    /// What they took.
    pub typical: Typical<'a>,
    /// The MCP servers that they lacked.
    pub servers: &'a Notes,
}

/// The mode in which the agent's runs begin, as its own value, the settings and claude's own settings say it.
fn mode_of(agent: &Agent, settings: &Settings, said: Option<(ModeSource, &str)>) -> String {
    let own = agent.permission_mode(settings).map(str::to_owned);
    let unless_own = || match (mode::unless_said(said), said) {
        (None, Some((_, said))) => said.to_owned(),
        (given, _) => given.unwrap_or(mode::DEFAULT).to_owned(),
    };
    mode::portable(&own.unwrap_or_else(unless_own)).to_owned()
}

/// Where an answer says which MCP servers did not come up in the last run.
pub const LACKED: &str = "mcp_servers_failed";

/// The MCP servers that the last run in the agent's directory lacked; nothing where its `.mcp.json` has changed since.
#[must_use]
pub fn lacked<'a>(servers: &'a Notes, agent: &Agent, found: &Detection) -> Option<&'a Note> {
    let note = servers.lacked(&agent.directory.to_string_lossy(), found.mcp_file);
    note.filter(|_| found.health == Health::Healthy)
}

/// No agent or group has the name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnknownName(pub String);

/// No agent is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no agents are configured; add one with add_agent(name, directory) or `agent-dispatch add NAME DIR`")]
pub struct NoAgents;

/// All agents, in the order of the file. Waits for the disk, at most [`DETECTION_BUDGET`].
pub fn list_agents(config: &Config, past: Past<'_>) -> Result<Value, NoAgents> {
    if config.agents.is_empty() {
        return Err(NoAgents);
    }
    let found = detect_all(&directories(config), DETECTION_BUDGET);
    let mut found = found.into_iter();
    let entry = |(name, entry): &(String, Entry<Agent>)| match entry {
        Entry::Valid(agent) => listed(config, name, agent, &found.next().unwrap_or_default(), past),
        Entry::Invalid(problem) => invalid(name, problem),
    };
    Ok(Value::Array(config.agents.iter().map(entry).collect()))
}

/// Where a list says which allowed tools have no effect, because unattended runs are denied them.
const INEFFECTIVE: &str = "allowed_without_effect";

/// Where an answer says what the file gives twice, so that some of it is dropped that may have restricted the agent.
pub const GIVEN_TWICE: &str = "given_twice";

/// The directories of the valid agents, in the order of the file.
fn directories(config: &Config) -> Vec<PathBuf> {
    config.agents.iter().filter_map(|(_, entry)| entry.valid()).map(|agent| agent.directory.clone()).collect()
}

fn invalid(name: &str, problem: &Problem) -> Value {
    json!({"name": name, "healthy": false, "error": problem.to_string()})
}

fn listed(config: &Config, name: &str, agent: &Agent, found: &Detection, past: Past<'_>) -> Value {
    let mut answer = Answer::of(name, agent);
    answer.set("healthy", json!(found.health));
    answer.set_some("directory_error", directory_error(agent, found.health));
    answer.set("has_claude_md", found.has_claude_md);
    answer.set("has_mcp_config", found.has_mcp_config);
    answer.set_some("mcp_config_error", found.mcp_config_error.as_deref());
    answer.set_filled("mcp_servers", &found.mcp_servers);
    answer.set_some(LACKED, lacked(past.servers, agent, found).map(Note::to_value));
    answer.set_filled("stacks", &found.stacks);
    answer.set_filled("dbs", &found.dbs);
    answer.set_some("permission_mode", agent.permission_mode.as_deref());
    answer.set_some("model", agent.model.as_deref());
    answer.set_tools(config, name, agent);
    answer.set_filled("capabilities", &agent.capabilities);
    answer.set_filled("risky_capabilities", &agent.risky_capabilities);
    answer.set_some("typical", (past.typical)(name));
    answer.done()
}

/// What is wrong with a directory that is not there, where its name tells.
fn directory_error(agent: &Agent, health: Health) -> Option<String> {
    (health == Health::Missing).then(|| reference::unexpanded(&agent.directory.to_string_lossy())).flatten()
}

/// What holds for the agent's runs: its own values, those that it takes from the settings, and the mode that claude's own
/// settings say where both are silent.
fn effective(agent: &Agent, settings: &Settings, said: Option<(ModeSource, &str)>) -> Value {
    let mut answer = Answer::default();
    answer.set("timeout", agent.timeout(settings));
    answer.set_some("max_budget_usd", agent.budget(settings));
    answer.set("permission_mode", mode_of(agent, settings, said));
    answer.set("allowed_tools", agent.allowed_tools(settings));
    answer.set("disallowed_tools", agent.disallowed_tools(settings));
    answer.done()
}

/// Everything about one agent. `user` is the directory of the user's claude configuration. Waits for the disk, at most
/// [`DETECTION_BUDGET`].
pub fn inspect_agent(
    config: &Config,
    name: &str,
    preview_lines: i64,
    past: Past<'_>,
    user: Option<PathBuf>,
) -> Result<Value, UnknownName> {
    let agent = match config.known_agent(name).map_err(UnknownName)? {
        Entry::Invalid(problem) => return Ok(invalid(name, problem)),
        Entry::Valid(agent) => agent,
    };
    let lines = usize::try_from(preview_lines.clamp(0, MAX_PREVIEW_LINES)).unwrap_or_default();
    let found = inspect(&agent.directory, lines, user, DETECTION_BUDGET);
    Ok(inspected(config, name, agent, found, past))
}

fn inspected(config: &Config, name: &str, agent: &Agent, found: Inspection, past: Past<'_>) -> Value {
    let mut answer = Answer::of(name, agent);
    answer.set("timeout", agent.timeout_seconds.unwrap_or(DEFAULT_TIMEOUT_SECONDS));
    answer.set_some("model", agent.model.as_deref());
    answer.set_some("max_budget_usd", agent.max_budget_usd);
    answer.set_some("max_turns", agent.max_turns);
    answer.set_some("permission_mode", agent.permission_mode.as_deref());
    answer.set_tools(config, name, agent);
    let said = found.mode.as_ref().map(|(source, mode)| (*source, mode.as_str()));
    answer.set("effective", effective(agent, &config.settings, said));
    answer.set_filled("capabilities", &agent.capabilities);
    answer.set_filled("risky_capabilities", &agent.risky_capabilities);
    answer.set_filled("response_schemas", &agent.response_schemas.keys().cloned().collect::<Vec<_>>());
    answer.set_some("instructions", agent.instructions.as_deref());
    answer.set_some("typical", (past.typical)(name));
    let lacked = lacked(past.servers, agent, &found.detection).map(Note::to_value);
    let detection = found.detection;
    answer.set("healthy", json!(detection.health));
    answer.set_some("directory_error", directory_error(agent, detection.health));
    if detection.health != Health::Healthy {
        return answer.done();
    }
    answer.set("mcp_servers", detection.mcp_servers);
    answer.set_some(LACKED, lacked);
    answer.set("stacks", detection.stacks);
    answer.set("dbs", detection.dbs);
    answer.set("has_claude_md", detection.has_claude_md);
    answer.set("has_readme", detection.has_readme);
    answer.set("has_mcp_config", detection.has_mcp_config);
    answer.set_some("mcp_config_error", detection.mcp_config_error);
    for (preview, key, truncated) in [
        (found.claude_md, "claude_md_preview", "claude_md_truncated"),
        (found.readme, "readme_preview", "readme_truncated"),
    ] {
        let cut = preview.as_ref().filter(|preview| preview.truncated).map(|_| true);
        answer.set_some(key, preview.map(|preview| preview.text));
        answer.set_some(truncated, cut);
    }
    answer.done()
}

/// No group is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no groups are configured; add one with `agent-dispatch group add NAME --member AGENT`")]
pub struct NoGroups;

/// All groups, in the order of the file. Waits for the disk, at most [`DETECTION_BUDGET`].
pub fn list_groups(config: &Config) -> Result<Value, NoGroups> {
    if config.groups.is_empty() {
        return Err(NoGroups);
    }
    let health = member_health(config);
    let entry = |(name, entry): &(String, Entry<Group>)| match entry {
        Entry::Valid(group) => group_answer(config, name, group, &health, false),
        Entry::Invalid(problem) => invalid(name, problem),
    };
    Ok(Value::Array(config.groups.iter().map(entry).collect()))
}

/// Everything about one group. Waits for the disk, at most [`DETECTION_BUDGET`].
pub fn inspect_group(config: &Config, name: &str) -> Result<Value, UnknownName> {
    Ok(match config.known_group(name).map_err(UnknownName)? {
        Entry::Valid(group) => group_answer(config, name, group, &member_health(config), true),
        Entry::Invalid(problem) => invalid(name, problem),
    })
}

/// The health of all valid agents.
fn member_health(config: &Config) -> HashMap<&str, Health> {
    let found = detect_all(&directories(config), DETECTION_BUDGET);
    let valid = config.agents.iter().filter(|(_, entry)| entry.valid().is_some());
    valid.map(|(name, _)| name.as_str()).zip(found.into_iter().map(|found| found.health)).collect()
}

fn group_answer(config: &Config, name: &str, group: &Group, health: &HashMap<&str, Health>, in_full: bool) -> Value {
    let mut answer = Answer::default();
    answer.set("name", name);
    answer.set("description", group.description.as_str());
    answer.set("shared_context_present", !group.shared_context.is_empty());
    if in_full {
        answer.set("shared_context", group.shared_context.as_str());
    }
    answer.set("member_count", group.members.len());
    let members = group.members.iter().map(|member| {
        let mut answer = Answer::default();
        answer.set("agent", member.agent.as_str());
        answer.set_some("use_for", member.use_for.as_deref());
        let entry = config.agent(&member.agent);
        if let (true, Some(agent)) = (in_full, entry.and_then(Entry::valid)) {
            answer.set("directory", agent.directory.to_string_lossy());
            answer.set("description", agent.description.as_str());
        }
        match (entry, health.get(member.agent.as_str())) {
            (None, _) => answer.set("unknown", true),
            (Some(_), health) => answer.set("healthy", json!(health.copied().unwrap_or(Health::Missing))),
        }
        answer.done()
    });
    answer.set("members", members.collect::<Vec<_>>());
    answer.done()
}

/// An answer whose keys come in the order they are set.
#[derive(Default)]
struct Answer(Map<String, Value>);

impl Answer {
    /// The answer about an agent begins with who it is.
    fn of(name: &str, agent: &Agent) -> Self {
        let mut answer = Answer::default();
        answer.set("name", name);
        answer.set("directory", agent.directory.to_string_lossy());
        answer.set("description", agent.description.as_str());
        answer
    }

    /// The agent's own rules, and what is wrong with them.
    fn set_tools(&mut self, config: &Config, name: &str, agent: &Agent) {
        self.set_some("allowed_tools", agent.allowed_tools.as_deref());
        self.set_some("disallowed_tools", agent.disallowed_tools.as_deref());
        self.set_some("unattended_tools", agent.unattended_tools.as_deref());
        let settings = &config.settings;
        let (allowed, given_back) = (agent.allowed_tools(settings), agent.unattended_tools(settings));
        self.set_filled(INEFFECTIVE, &unattended::ineffective(allowed, given_back));
        let twice = config.duplicates.iter().filter(|key| key.concerns(name)).map(ToString::to_string);
        self.set_filled(GIVEN_TWICE, &twice.collect::<Vec<_>>());
    }

    fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.0.insert(key.to_owned(), value.into());
    }

    fn set_some(&mut self, key: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }

    fn set_filled<T: Clone + Into<Value>>(&mut self, key: &str, values: &[T]) {
        if !values.is_empty() {
            self.set(key, values.to_vec());
        }
    }

    fn done(self) -> Value {
        Value::Object(self.0)
    }
}
