//! Adding, changing and removing a group.
use serde_json::{Value, json};

use super::change::MAX_TEXT_BYTES;
use super::edit::{self, Action, Change, Node, Section};
use super::model::{Config, Group, Problem};
use super::name::{echoed, is_valid_name};
use super::path::{self, Environment};
use super::write::{self, WriteError};

/// Why a group was not changed. Nothing was written.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GroupError {
    /// The name breaks the rule.
    #[error("invalid group name: '{0}'; use letters, digits, `-` and `_`, beginning with a letter or digit")]
    Name(String),
    /// Another group has the name.
    #[error("group '{0}' exists already")]
    Exists(String),
    /// Nobody has the name.
    #[error("{0}")]
    Unknown(String),
    /// A member that is no agent.
    #[error("{0}")]
    UnknownAgent(String),
    /// It belongs to the group already.
    #[error("agent '{agent}' is a member of group '{group}' already")]
    Member {
        /// The name of the agent.
        agent: String,
        /// The name of the group.
        group: String,
    },
    /// It does not belong to the group.
    #[error("agent '{agent}' is not a member of group '{group}'. Members: {members}")]
    NotAMember {
        /// The name of the agent.
        agent: String,
        /// The name of the group.
        group: String,
        /// The names of those that are.
        members: String,
    },
    /// The group's entry is invalid, so that its members are not known.
    #[error("group '{group}' is disabled by a mistake in its entry: {problem}")]
    Disabled {
        /// The name of the group.
        group: String,
        /// What is wrong, and where.
        problem: Problem,
    },
    /// A text that is too long.
    #[error("{field}: {bytes} bytes are too much; the most is {MAX_TEXT_BYTES}")]
    TooLong {
        /// The name of the argument.
        field: &'static str,
        /// The length of the text, in bytes.
        bytes: usize,
    },
    /// An update that changes nothing.
    #[error("nothing to update")]
    Nothing,
    /// The file could not be changed.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// The texts of a group that were given. An empty one clears it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    /// For the session that orchestrates.
    pub description: Option<String>,
    /// For the members.
    pub shared_context: Option<String>,
}

/// A member as it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMember {
    /// The agent's name.
    pub agent: String,
    /// What to ask it for; empty for nothing in particular.
    pub use_for: String,
}

/// Adds a group and returns `{added, members[]}`.
pub fn add(env: &Environment, name: &str, texts: &Texts, members: &[NewMember]) -> Result<Value, GroupError> {
    if !is_valid_name(name) {
        return Err(GroupError::Name(echoed(name)));
    }
    let members = each_once(members);
    let mut fields: Vec<(&'static str, Node)> =
        texts.given()?.into_iter().filter_map(|(key, node)| Some((key, node?))).collect();
    let tables = members.iter().map(fields_of).collect::<Result<Vec<_>, _>>()?;
    fields.push(("members", if tables.is_empty() { Node::List(Vec::new()) } else { Node::Tables(tables) }));
    change(env, name, |config| {
        if config.group(name).is_some() {
            return Err(GroupError::Exists(name.to_owned()));
        }
        members.iter().try_for_each(|member| known_agent(config, &member.agent))?;
        Ok(Action::Add(fields))
    })?;
    Ok(json!({"added": name, "members": names(&members)}))
}

/// Changes the texts of a group and returns `{updated, fields[]}`.
pub fn update(env: &Environment, name: &str, texts: &Texts) -> Result<Value, GroupError> {
    let given = texts.given()?;
    let fields = given.iter().map(|(key, _)| *key).collect::<Vec<_>>();
    change(env, name, |config| {
        config.known_group(name).map_err(GroupError::Unknown)?;
        if given.is_empty() { Err(GroupError::Nothing) } else { Ok(Action::Set(given)) }
    })?;
    Ok(json!({"updated": name, "fields": fields}))
}

/// Removes a group and returns `{removed}`. Its agents stay.
pub fn remove(env: &Environment, name: &str) -> Result<Value, GroupError> {
    change(env, name, |config| config.known_group(name).map(|_| Action::Remove).map_err(GroupError::Unknown))?;
    Ok(json!({"removed": name}))
}

/// Adds members and returns `{updated, added[]}`.
///
/// # Errors
/// [`GroupError`]; then none was added.
pub fn add_members(env: &Environment, name: &str, members: &[NewMember]) -> Result<Value, GroupError> {
    let members = each_once(members);
    let tables = members.iter().map(fields_of).collect::<Result<Vec<_>, _>>()?;
    change(env, name, |config| {
        let group = valid(config, name)?;
        for member in &members {
            known_agent(config, &member.agent)?;
            if group.members.iter().any(|known| known.agent == member.agent) {
                return Err(GroupError::Member { agent: member.agent.clone(), group: name.to_owned() });
            }
        }
        Ok(Action::Push("members", tables))
    })?;
    Ok(json!({"updated": name, "added": names(&members)}))
}

/// Takes members out and returns `{updated, removed[]}`.
///
/// # Errors
/// [`GroupError`]; then none was taken out.
pub fn remove_members(env: &Environment, name: &str, agents: &[String]) -> Result<Value, GroupError> {
    change(env, name, |config| {
        let group = valid(config, name)?;
        let stranger = agents.iter().find(|agent| !group.members.iter().any(|member| member.agent == **agent));
        if let Some(agent) = stranger {
            let members = group.members.iter().map(|member| member.agent.as_str()).collect::<Vec<_>>();
            let members = if members.is_empty() { "none".to_owned() } else { members.join(", ") };
            return Err(GroupError::NotAMember { agent: echoed(agent), group: name.to_owned(), members });
        }
        let places = group.members.iter().enumerate().filter(|(_, member)| agents.contains(&member.agent));
        Ok(Action::Take("members", places.map(|(place, _)| place).collect()))
    })?;
    Ok(json!({"updated": name, "removed": agents}))
}

fn change(
    env: &Environment,
    name: &str,
    action: impl FnOnce(&Config) -> Result<Action, GroupError>,
) -> Result<(), GroupError> {
    write::change(&path::config_path(env), env.home.as_deref(), |config| {
        Ok::<_, GroupError>((Change { section: Section::Groups, name: name.to_owned(), action: action(config)? }, ()))
    })
}

fn valid<'a>(config: &'a Config, name: &str) -> Result<&'a Group, GroupError> {
    let disabled = |problem: &Problem| GroupError::Disabled { group: name.to_owned(), problem: problem.clone() };
    config.known_group(name).map_err(GroupError::Unknown)?.as_result().map_err(disabled)
}

fn known_agent(config: &Config, agent: &str) -> Result<(), GroupError> {
    config.known_agent(agent).map(drop).map_err(GroupError::UnknownAgent)
}

/// Of a member that is given twice the last word counts, at the place of the first.
fn each_once(members: &[NewMember]) -> Vec<NewMember> {
    let mut once: Vec<NewMember> = Vec::new();
    for member in members {
        match once.iter_mut().find(|known| known.agent == member.agent) {
            Some(known) => known.use_for.clone_from(&member.use_for),
            None => once.push(member.clone()),
        }
    }
    once
}

fn names(members: &[NewMember]) -> Vec<&str> {
    members.iter().map(|member| member.agent.as_str()).collect()
}

fn fields_of(member: &NewMember) -> Result<edit::Fields, GroupError> {
    let mut fields = vec![("agent", Node::Text(member.agent.clone()))];
    let use_for = member.use_for.trim();
    bounded("use_for", use_for)?;
    if !use_for.is_empty() {
        fields.push(("use_for", Node::Text(use_for.to_owned())));
    }
    Ok(fields)
}

impl Texts {
    fn given(&self) -> Result<Vec<(&'static str, Option<Node>)>, GroupError> {
        let mut given = Vec::new();
        for (field, text) in [("description", &self.description), ("shared_context", &self.shared_context)] {
            let Some(text) = text.as_deref().map(str::trim) else { continue };
            bounded(field, text)?;
            given.push((field, (!text.is_empty()).then(|| Node::Text(text.to_owned()))));
        }
        Ok(given)
    }
}

fn bounded(field: &'static str, text: &str) -> Result<(), GroupError> {
    if text.len() > MAX_TEXT_BYTES { Err(GroupError::TooLong { field, bytes: text.len() }) } else { Ok(()) }
}
