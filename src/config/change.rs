//! Adding, updating and removing an agent: what the arguments mean, whichever surface they come from.
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::argument::{Amount, Words};
use super::describe;
use super::edit::{Action, Change, Node, Section};
use super::expand::expand_home;
use super::model::{Config, DEFAULT_TIMEOUT_SECONDS};
use super::name::{echoed, is_valid_name};
use super::path::Environment;
use super::settings::MAX_TIMEOUT_SECONDS;
use super::write::{self, WriteError};
use crate::machines::misnamed::check_mode;
use crate::machines::plan::MAX_TURNS;
use crate::machines::rule::{self, List};
use crate::machines::{mode, reference, unattended};

/// Longest text taken for one field, in bytes: half of what one command line argument can carry (128 KiB), since
/// the instructions share theirs with the dispatch protocol.
pub const MAX_TEXT_BYTES: usize = 64 * 1024;
/// What clears a field.
const CLEAR: &str = "none";

/// The fields that can be given for an agent. Not given, null, empty text and 0 are all the same: the field is left as it
/// is. `none` clears a text or a list, so that the defaults hold; an empty list is one: explicitly nothing.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Fields {
    /// What the agent is for.
    pub description: Option<String>,
    /// Time limit in seconds.
    pub timeout: Amount,
    /// Whether the time limit is that of the settings from now on, whatever it is (a caller of a tool cannot say that: 0
    /// leaves the limit as it is).
    #[serde(skip)]
    pub timeout_of_settings: bool,
    /// Spend cap in US dollars; a negative one clears it, so that the default cap of the settings holds (update only).
    pub max_budget_usd: Amount,
    /// Most turns of a run; a negative number clears it (update only).
    pub max_turns: Amount,
    /// Model for claude.
    pub model: Option<String>,
    /// The permission mode in which claude runs.
    pub permission_mode: Option<String>,
    /// Tools that are allowed.
    pub allowed_tools: Words,
    /// Tools that are not allowed.
    pub disallowed_tools: Words,
    /// Tools that are given back of those that unattended runs are denied.
    pub unattended_tools: Words,
    /// The labels that callers choose agents by.
    pub capabilities: Words,
    /// Labels of what needs care.
    pub risky_capabilities: Words,
    /// Standing orders: part of the system prompt of every dispatch.
    pub instructions: Option<String>,
}

/// Why an agent was not added, updated or removed. Nothing was changed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ChangeError {
    /// The name breaks the rule.
    #[error("invalid agent name: '{0}'; use letters, digits, `-` and `_`, beginning with a letter or digit")]
    Name(String),
    /// Another agent has the name.
    #[error("agent '{0}' exists already; change it with update_agent, or remove it first")]
    Exists(String),
    /// Nobody has the name.
    #[error("{0}")]
    Unknown(String),
    /// The directory is missing, not a directory, or cannot be named.
    #[error("directory {path}: {reason}")]
    Directory {
        /// The path as it was given, in quotes.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A value that cannot be.
    #[error("{field}: {reason}")]
    Value {
        /// The name of the argument.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// An update that changes nothing.
    #[error(
        "nothing to update; give at least one field (`none` clears a text or a list, `[]` is an empty list, a negative budget clears the agent's own cap, negative turns their limit)"
    )]
    Nothing,
    /// The file could not be changed.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl ChangeError {
    /// What to do about it, when the message does not say so already.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Write(error) => Some(error.hint()),
            Self::Directory { .. } => {
                Some("create the directory first, or give the path of an existing one".to_owned())
            }
            _ => None,
        }
    }
}

/// One field as it will stand in the file: `None` clears it.
type Given = (&'static str, Option<Node>);

/// Adds an agent and returns the answer `{added, directory, description, …}`.
///
/// # Errors
/// When an argument cannot be, the name is taken, or the file cannot be changed.
pub fn add_agent(env: &Environment, name: &str, directory: &str, fields: &Fields) -> Result<Value, ChangeError> {
    if !is_valid_name(name) {
        return Err(ChangeError::Name(echoed(name)));
    }
    for (field, limit) in [("max_budget_usd", fields.max_budget_usd), ("max_turns", fields.max_turns)] {
        if limit.0.is_some_and(|limit| limit < 0.0) {
            let reason = "must not be negative; 0 means no limit of its own".to_owned();
            return Err(ChangeError::Value { field, reason });
        }
    }
    let directory = existing_directory(env, directory)?;
    let mut given: Vec<(&'static str, Node)> =
        fields.given()?.into_iter().filter_map(|(key, node)| node.map(|node| (key, node))).collect();
    let path = directory.to_string_lossy().into_owned();
    let description = match given.iter().position(|(key, _)| *key == "description").map(|index| given.remove(index)) {
        Some((_, Node::Text(text))) => text,
        _ => describe::description(&directory),
    };
    let mut answer = Map::new();
    answer.insert("added".to_owned(), name.into());
    answer.insert("directory".to_owned(), path.as_str().into());
    answer.insert("description".to_owned(), description.as_str().into());
    answer.extend(given.iter().map(|(key, node)| ((*key).to_owned(), json(node))));
    if !given.iter().any(|(key, _)| *key == "timeout") {
        given.insert(0, ("timeout", Node::Whole(DEFAULT_TIMEOUT_SECONDS)));
    }
    given.insert(0, ("directory", Node::Text(path)));
    given.insert(1, ("description", Node::Text(description)));
    warn(&mut answer, fields);
    let exists = |config: &Config| config.agent(name).is_some();
    change(
        env,
        |config| if exists(config) { Err(ChangeError::Exists(name.to_owned())) } else { Ok(()) },
        name,
        Action::Add(given),
    )?;
    Ok(Value::Object(answer))
}

/// Updates an agent and returns the answer `{updated, fields}`.
///
/// # Errors
/// When an argument cannot be, nothing is given, the name is unknown, or the file cannot be changed.
pub fn update_agent(env: &Environment, name: &str, fields: &Fields) -> Result<Value, ChangeError> {
    let given = fields.given()?;
    let mut answer = Map::new();
    answer.insert("updated".to_owned(), name.into());
    answer.insert("fields".to_owned(), given.iter().map(|(key, _)| *key).collect());
    warn(&mut answer, fields);
    let nothing = given.is_empty();
    let uncapped = given.iter().any(|(key, node)| *key == "max_budget_usd" && node.is_none());
    let mut default_cap = None;
    let check = |config: &Config| {
        known(config, name)?;
        default_cap = config.settings.default_max_budget_usd.filter(|cap| uncapped && *cap > 0.0);
        if nothing { Err(ChangeError::Nothing) } else { Ok(()) }
    };
    change(env, check, name, Action::Set(given))?;
    if let Some(cap) = default_cap {
        let text = format!("the default cap of the settings holds now: {cap} USD (default_max_budget_usd)");
        add_warning(&mut answer, text);
    }
    Ok(Value::Object(answer))
}

/// Removes an agent and returns the answer `{removed}`.
///
/// # Errors
/// When the name is unknown or the file cannot be changed.
pub fn remove_agent(env: &Environment, name: &str) -> Result<Value, ChangeError> {
    change(env, |config| known(config, name), name, Action::Remove)?;
    Ok(Value::Object(Map::from_iter([("removed".to_owned(), name.into())])))
}

fn known(config: &Config, name: &str) -> Result<(), ChangeError> {
    config.known_agent(name).map(drop).map_err(ChangeError::Unknown)
}

fn change(
    env: &Environment,
    check: impl FnOnce(&Config) -> Result<(), ChangeError>,
    name: &str,
    action: Action,
) -> Result<(), ChangeError> {
    let change = Change { section: Section::Agents, name: name.to_owned(), action };
    write::change(&super::path::config_path(env), env.home.as_deref(), |config| check(config).map(|()| (change, ())))
}

fn warn(answer: &mut Map<String, Value>, fields: &Fields) {
    let given = fields.permission_mode.as_deref().map(str::trim).unwrap_or_default();
    if !given.is_empty() && !given.eq_ignore_ascii_case(CLEAR) && !mode::KNOWN.contains(&given) {
        let known = mode::KNOWN.join(", ");
        let text = format!("permission_mode '{}' is not one that is known: {known}", echoed(given));
        add_warning(answer, text);
    }
}

fn add_warning(answer: &mut Map<String, Value>, text: String) {
    let earlier = answer.get("warning").and_then(Value::as_str).map(|earlier| format!("{earlier}; "));
    answer.insert("warning".to_owned(), format!("{}{text}", earlier.unwrap_or_default()).into());
}

/// The directory, absolute and with links followed.
fn existing_directory(env: &Environment, given: &str) -> Result<PathBuf, ChangeError> {
    let wrong =
        |reason: &str| ChangeError::Directory { path: format!("'{}'", echoed(given)), reason: reason.to_owned() };
    if given.trim().is_empty() {
        return Err(wrong("a path is needed"));
    }
    let expanded =
        expand_home(Path::new(given.trim()), env.home.as_deref()).map_err(|reason| wrong(&reason.to_string()))?;
    let absolute = env.current_dir.join(expanded);
    match absolute.canonicalize() {
        Ok(real) if real.to_str().is_none() => Err(wrong("its path is not UTF-8 text and cannot stand in agents.yaml")),
        Ok(real) if real.is_dir() => Ok(real),
        Ok(_) => Err(wrong("it is not a directory")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let advice = reference::unexpanded(given).map(|advice| format!("; {advice}")).unwrap_or_default();
            Err(wrong(&format!("it does not exist ({}){advice}", absolute.display())))
        }
        Err(error) => Err(wrong(&error.to_string())),
    }
}

impl Fields {
    /// The fields that were given, in the order they are written, each checked.
    fn given(&self) -> Result<Vec<Given>, ChangeError> {
        let mut given = Vec::new();
        text(&mut given, "description", self.description.as_deref())?;
        self.timeout(&mut given)?;
        limit(&mut given, "max_budget_usd", self.max_budget_usd, budget)?;
        limit(&mut given, "max_turns", self.max_turns, turns)?;
        text(&mut given, "model", self.model.as_deref())?;
        permission_mode(&mut given, self.permission_mode.as_deref())?;
        rules(&mut given, "allowed_tools", &self.allowed_tools, List::Allowed)?;
        rules(&mut given, "disallowed_tools", &self.disallowed_tools, List::Disallowed)?;
        self.unattended(&mut given)?;
        words(&mut given, "capabilities", &self.capabilities)?;
        words(&mut given, "risky_capabilities", &self.risky_capabilities)?;
        text(&mut given, "instructions", self.instructions.as_deref())?;
        Ok(given)
    }

    /// Only tools that are withheld can be given back: another name would say that something is allowed that is not.
    fn unattended(&self, given: &mut Vec<Given>) -> Result<(), ChangeError> {
        const FIELD: &str = "unattended_tools";
        let names = self.unattended_tools.0.as_deref().unwrap_or_default();
        match unattended::unknown(names).filter(|_| !clears(names)) {
            Some(name) => Err(ChangeError::Value { field: FIELD, reason: unattended::not_withheld(&echoed(name)) }),
            None => words(given, FIELD, &self.unattended_tools),
        }
    }

    fn timeout(&self, given: &mut Vec<Given>) -> Result<(), ChangeError> {
        if self.timeout_of_settings {
            given.push(("timeout", Some(Node::Whole(0))));
            return Ok(());
        }
        limit(given, "timeout", self.timeout, |seconds| match seconds {
            _ if !seconds.is_finite() || seconds < 0.0 || seconds.fract() != 0.0 => {
                Err(format!("{seconds} is not a whole number of seconds, 1 or more, such as 600"))
            }
            _ if seconds > MAX_TIMEOUT_SECONDS as f64 => {
                Err(format!("{seconds} s is more than a year; the most is {MAX_TIMEOUT_SECONDS}"))
            }
            _ => Ok(Some(Node::Whole(seconds as u64))),
        })
    }
}

fn budget(dollars: f64) -> Result<Option<Node>, String> {
    if !dollars.is_finite() {
        return Err(format!("{dollars} is not an amount in dollars"));
    }
    Ok((dollars > 0.0).then_some(Node::Number(dollars)))
}

fn turns(turns: f64) -> Result<Option<Node>, String> {
    match turns {
        _ if turns < 0.0 => Ok(None),
        _ if turns.fract() == 0.0 && turns <= f64::from(MAX_TURNS) => Ok(Some(Node::Whole(turns as u64))),
        _ => Err(format!("{turns} is not a whole number of turns, 1 to {MAX_TURNS}")),
    }
}

/// A limit that is given and not 0.
fn limit(
    given: &mut Vec<Given>,
    field: &'static str,
    value: Amount,
    check: impl FnOnce(f64) -> Result<Option<Node>, String>,
) -> Result<(), ChangeError> {
    if let Some(value) = value.0.filter(|value| *value != 0.0) {
        given.push((field, check(value).map_err(|reason| ChangeError::Value { field, reason })?));
    }
    Ok(())
}

fn text(given: &mut Vec<Given>, field: &'static str, value: Option<&str>) -> Result<(), ChangeError> {
    let value = value.map(str::trim).unwrap_or_default();
    bounded(field, value.len())?;
    if value.eq_ignore_ascii_case(CLEAR) {
        given.push((field, None));
    } else if !value.is_empty() {
        given.push((field, Some(Node::Text(value.to_owned()))));
    }
    Ok(())
}

fn permission_mode(given: &mut Vec<Given>, value: Option<&str>) -> Result<(), ChangeError> {
    const FIELD: &str = "permission_mode";
    text(given, FIELD, value)?;
    match given.last() {
        Some((FIELD, Some(Node::Text(said)))) => check_mode(said, mode::KNOWN)
            .map_err(|wrong| ChangeError::Value { field: FIELD, reason: format!("`{}` {wrong}", echoed(said)) }),
        _ => Ok(()),
    }
}

/// Permission rules; an empty list is written as one.
fn rules(given: &mut Vec<Given>, field: &'static str, rules: &Words, list: List) -> Result<(), ChangeError> {
    words(given, field, rules)?;
    if let (Some(entries), Some((_, node))) = (&rules.0, given.last_mut())
        && !clears(entries)
    {
        rule::check_all(entries, list).map_err(|wrong| ChangeError::Value { field, reason: wrong.to_string() })?;
        *node = Some(Node::List(entries.clone()));
    }
    Ok(())
}

/// Labels; none is the same as an empty list.
fn words(given: &mut Vec<Given>, field: &'static str, words: &Words) -> Result<(), ChangeError> {
    bounded(field, words.0.iter().flatten().map(String::len).sum())?;
    given.extend(words.0.as_ref().map(|list| {
        let kept = !list.is_empty() && !clears(list);
        (field, kept.then(|| Node::List(list.clone())))
    }));
    Ok(())
}

/// Whether the list is the word that clears a field.
fn clears(list: &[String]) -> bool {
    matches!(list, [only] if only.eq_ignore_ascii_case(CLEAR))
}

fn bounded(field: &'static str, bytes: usize) -> Result<(), ChangeError> {
    if bytes > MAX_TEXT_BYTES {
        let reason = format!("{bytes} bytes are too much; the most is {MAX_TEXT_BYTES}");
        return Err(ChangeError::Value { field, reason });
    }
    Ok(())
}

fn json(node: &Node) -> Value {
    match node {
        Node::Text(text) => text.as_str().into(),
        Node::Whole(number) => (*number).into(),
        Node::Number(number) => (*number).into(),
        Node::List(items) => items.as_slice().into(),
        // No field of an agent holds a mapping.
        Node::Table(_) | Node::Tables(_) => Value::Null,
    }
}
