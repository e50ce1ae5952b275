//! `group add`, `update`, `remove`, `add-member`, `remove-member`

use crate::cli::arguments::GroupTexts;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output;
use crate::config::groups::{self, NewMember, Texts};
use crate::config::path::Environment;

pub fn add(environment: &Environment, name: &str, texts: GroupTexts, members: &[NewMember]) -> Result<Exit, Failure> {
    groups::add(environment, name, &given(texts), members)?;
    output::data(&format!("added group {name}: {}", listed(members.iter().map(|member| member.agent.as_str()))))?;
    if members.is_empty() {
        output::hint(&format!("agent-dispatch group add-member {name} AGENT makes an agent a member"));
    }
    Ok(Exit::Success)
}

pub fn update(environment: &Environment, name: &str, texts: GroupTexts) -> Result<Exit, Failure> {
    let texts = given(texts);
    groups::update(environment, name, &texts)?;
    let fields = [("description", &texts.description), ("shared_context", &texts.shared_context)];
    let fields = fields.iter().filter(|(_, text)| text.is_some()).map(|(field, _)| *field);
    output::data(&format!("updated group {name}: {}", listed(fields)))?;
    Ok(Exit::Success)
}

pub fn remove(environment: &Environment, name: &str) -> Result<Exit, Failure> {
    groups::remove(environment, name)?;
    output::data(&format!("removed group {name}; its agents stay"))?;
    Ok(Exit::Success)
}

pub fn add_members(environment: &Environment, name: &str, members: &[NewMember]) -> Result<Exit, Failure> {
    groups::add_members(environment, name, members)?;
    output::data(&format!("added to group {name}: {}", listed(members.iter().map(|member| member.agent.as_str()))))?;
    Ok(Exit::Success)
}

pub fn remove_members(environment: &Environment, name: &str, agents: &[String]) -> Result<Exit, Failure> {
    groups::remove_members(environment, name, agents)?;
    output::data(&format!("removed from group {name}: {}", listed(agents.iter().map(String::as_str))))?;
    Ok(Exit::Success)
}

fn given(texts: GroupTexts) -> Texts {
    Texts { description: texts.description, shared_context: texts.shared_context }
}

fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words = words.collect::<Vec<_>>();
    if words.is_empty() { "no members".to_owned() } else { words.join(", ") }
}
