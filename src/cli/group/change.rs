//! `group add`, `update`, `remove`, `add-member`, `remove-member`

use serde_json::Value;

use crate::cli::arguments::GroupTexts;
use crate::cli::failure::{ExitCode, Failure};
use crate::cli::output;
use crate::config::groups::{self, NewMember, Texts};
use crate::config::path::Environment;

pub fn add(
    environment: &Environment,
    name: &str,
    texts: GroupTexts,
    members: &[NewMember],
) -> Result<ExitCode, Failure> {
    let answer = groups::add(environment, name, &given(texts), members)?;
    output::data(&format!("added group {name}: {}", listed(&answer["members"])))?;
    if members.is_empty() {
        output::hint(&format!("agent-dispatch group add-member {name} AGENT makes an agent a member"));
    }
    Ok(ExitCode::Success)
}

pub fn update(environment: &Environment, name: &str, texts: GroupTexts) -> Result<ExitCode, Failure> {
    let answer = groups::update(environment, name, &given(texts))?;
    output::data(&format!("updated group {name}: {}", listed(&answer["fields"])))?;
    Ok(ExitCode::Success)
}

pub fn remove(environment: &Environment, name: &str) -> Result<ExitCode, Failure> {
    groups::remove(environment, name)?;
    output::data(&format!("removed group {name}; its agents stay"))?;
    Ok(ExitCode::Success)
}

pub fn add_members(environment: &Environment, name: &str, members: &[NewMember]) -> Result<ExitCode, Failure> {
    let answer = groups::add_members(environment, name, members)?;
    output::data(&format!("added to group {name}: {}", listed(&answer["added"])))?;
    Ok(ExitCode::Success)
}

pub fn remove_members(environment: &Environment, name: &str, agents: &[String]) -> Result<ExitCode, Failure> {
    let answer = groups::remove_members(environment, name, agents)?;
    output::data(&format!("removed from group {name}: {}", listed(&answer["removed"])))?;
    Ok(ExitCode::Success)
}

fn given(texts: GroupTexts) -> Texts {
    Texts { description: texts.description, shared_context: texts.shared_context }
}

fn listed(words: &Value) -> String {
    let words = words.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>();
    if words.is_empty() { "no members".to_owned() } else { words.join(", ") }
}
