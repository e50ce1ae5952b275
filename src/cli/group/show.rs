//! `group list`, `inspect`

use serde_json::Value;

use crate::cli::failure::{ExitCode, Failure};
use crate::cli::output::{self, Style};
use crate::config::listing;
use crate::config::path::{self, Environment};
use crate::config::read;
use crate::machines::text;

/// Longest description in the table, in characters: with a name and some members it fits on two lines.
const DESCRIPTION_CHARS: usize = 80;

/// Lists the groups. None is an empty list, not a failure.
pub fn list(environment: &Environment, json: bool) -> Result<ExitCode, Failure> {
    let file = path::config_path(environment);
    let config = read::load(&file, environment.home.clone())?;
    let groups = match listing::list_groups(&config) {
        Ok(Value::Array(groups)) => groups,
        Ok(_) | Err(_) => Vec::new(),
    };
    if json {
        output::json(&groups)?;
    } else if groups.is_empty() {
        output::note(&format!("no groups in {}", file.display()));
        output::hint("agent-dispatch group add NAME --member AGENT makes one");
    } else {
        let style = Style::of_stdout();
        let lines = groups.iter().map(|group| line(style, group)).collect::<Vec<_>>();
        output::data(&lines.join("\n"))?;
    }
    Ok(ExitCode::Success)
}

fn line(style: Style, group: &Value) -> String {
    let said = |key: &str| group.get(key).and_then(Value::as_str).unwrap_or_default();
    let name = style.bold(said("name"));
    // What is wrong is not cut: its place comes last.
    if group.get("error").is_some() {
        return format!("{name}  (disabled)  {}", output::printable(said("error")));
    }
    let members = group["members"].as_array().map(Vec::as_slice).unwrap_or_default();
    let members = members.iter().map(member).collect::<Vec<_>>();
    let members = if members.is_empty() { "no members".to_owned() } else { members.join(", ") };
    let about = text::one_line(said("description"), DESCRIPTION_CHARS);
    output::printable(format!("{name}  {members}  {about}").trim_end())
}

/// A member's name, and what is wrong with it.
fn member(member: &Value) -> String {
    let name = member["agent"].as_str().unwrap_or_default();
    match (member.get("unknown"), &member["healthy"]) {
        (Some(_), _) => format!("{name} (unknown)"),
        (None, Value::Bool(true)) => name.to_owned(),
        (None, Value::Bool(false)) => format!("{name} (missing)"),
        (None, _) => format!("{name} (unreadable)"),
    }
}

/// Shows everything about a group. An entry with a mistake is shown with it, and is a failure.
pub fn inspect(environment: &Environment, name: &str, json: bool) -> Result<ExitCode, Failure> {
    let config = read::load(&path::config_path(environment), environment.home.clone())?;
    let group = listing::inspect_group(&config, name)
        .map_err(|unknown| Failure::new(unknown.0).hint("agent-dispatch group list shows all groups"))?;
    if json {
        output::json(&group)?;
    } else {
        output::data(&shown(&group))?;
    }
    Ok(if group.get("error").is_some() { ExitCode::Failure } else { ExitCode::Success })
}

fn shown(group: &Value) -> String {
    let style = Style::of_stdout();
    let said = |key: &str| output::printable(group.get(key).and_then(Value::as_str).unwrap_or_default());
    let mut lines = vec![style.bold(said("name"))];
    for (key, label) in [("error", "error"), ("description", "description"), ("shared_context", "shared context")] {
        if !said(key).is_empty() {
            lines.push(format!(
                "{} {}",
                style.bold(format_args!("{label}:")),
                said(key).trim_end().replace('\n', "\n  ")
            ));
        }
    }
    for entry in group["members"].as_array().into_iter().flatten() {
        let part = |key: &str| entry.get(key).and_then(Value::as_str).map(output::printable);
        let about = part("use_for").or_else(|| part("description")).unwrap_or_default();
        let about = text::one_line(&about, DESCRIPTION_CHARS);
        let place = part("directory").unwrap_or_default();
        lines.push(format!("- {}  {place}  {about}", output::printable(&member(entry))).trim_end().to_owned());
    }
    lines.join("\n")
}
