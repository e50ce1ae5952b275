//! `describe`

use serde_json::Value;

use super::failure::{ExitCode, Failure};
use super::output::{self, Style};
use super::permissions;
use crate::config::claude_settings::user_directory;
use crate::config::listing::{self, Past};
use crate::config::model::{Config, Entry};
use crate::config::path::{self, Environment};
use crate::config::read;
use crate::shell::lacked_servers;
use crate::shell::usage::{History, Journal};

/// How much of CLAUDE.md and README.md is shown, in lines; the tool's default (contract).
const PREVIEW_LINES: i64 = 40;

/// Shows everything about an agent. An entry with a mistake is shown with it, and is a failure.
pub fn run(environment: &Environment, name: &str, json: bool) -> Result<ExitCode, Failure> {
    let config = read::load(&path::config_path(environment), environment.home.clone())?;
    let history = config.settings.usage_log.then(|| History::of(Journal::at(path::usage_log_path(environment))));
    let looked = history.as_ref().map(History::look);
    let typical = |agent: &str| looked.as_ref()?.full(agent);
    let past = Past { typical: &typical, servers: &lacked_servers::all(&path::jobs_dir(environment)) };
    let agent = listing::inspect_agent(&config, name, PREVIEW_LINES, past, user_directory())
        .map_err(|unknown| Failure::new(unknown.0).hint("agent-dispatch list shows all agents"))?;
    if json {
        output::json(&agent)?;
    } else {
        let style = Style::of_stdout();
        output::data(&shown(style, &agent, &config, name))?;
    }
    Ok(if agent.get("error").is_some() { ExitCode::Failure } else { ExitCode::Success })
}

/// The answer a line for each key; what restricts the agent with the values that hold.
fn shown(style: Style, answer: &Value, config: &Config, name: &str) -> String {
    let valid = config.agent(name).and_then(Entry::valid);
    let held = valid.map(|agent| permissions::lines(agent, &config.settings)).unwrap_or_default();
    let mut lines = Vec::new();
    for (key, value) in answer.as_object().into_iter().flatten() {
        if key == "timeout" {
            let mode = answer.pointer("/effective/permission_mode").and_then(Value::as_str);
            lines.extend(held.iter().map(|(key, words)| match mode.filter(|_| words == permissions::INHERITED) {
                Some(mode) => line(style, key, &Value::from(format!("{words}: {mode}"))),
                None => line(style, key, &Value::from(words.as_str())),
            }));
        } else if key != "effective" && !held.iter().any(|(known, _)| known == key) {
            lines.push(line(style, key, value));
        }
    }
    lines.join("\n")
}

fn line(style: Style, key: &str, value: &Value) -> String {
    let key = style.bold(format_args!("{key}:"));
    let shown = match value {
        Value::String(text) if text.contains('\n') => indented(text),
        Value::String(text) => format!(" {text}"),
        Value::Bool(true) => " yes".to_owned(),
        Value::Bool(false) => " no".to_owned(),
        Value::Array(items) if items.is_empty() => " none".to_owned(),
        Value::Array(items) => {
            let words = items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned));
            format!(" {}", words.collect::<Vec<_>>().join(", "))
        }
        Value::Object(entries) => {
            let words = entries.iter().map(|(key, value)| format!("{} {}", key.replace('_', " "), figure(value)));
            format!(" {}", words.collect::<Vec<_>>().join(", "))
        }
        Value::Null | Value::Number(_) => format!(" {value}"),
    };
    format!("{key}{}", output::printable(&shown))
}

/// A value inside a value; what has parts of its own stands in brackets.
fn figure(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(entries) => {
            let words = entries.iter().map(|(key, value)| format!("{key} {}", figure(value)));
            format!("({})", words.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => format!("({})", items.iter().map(figure).collect::<Vec<_>>().join(", ")),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn indented(text: &str) -> String {
    text.trim_end().lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("\n  {line}") }).collect()
}
