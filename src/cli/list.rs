//! `list`

use serde_json::Value;

use super::failure::{ExitCode, Failure};
use super::output::{self, Style};
use super::permissions;
use super::places;
use super::table::{Columns, GAP};
use crate::config::listing::{self, GIVEN_TWICE, LACKED, Past};
use crate::config::model::Config;
use crate::config::path::{self, Environment};
use crate::config::read;
use crate::machines::mcp_servers::Trouble;
use crate::machines::text;
use crate::shell::lacked_servers;
use crate::shell::usage::{History, Journal};

/// Longest description in the table, in characters: with a name and a usual path it fits on one line.
const DESCRIPTION_CHARS: usize = 80;

/// Lists the agents. None is an empty list, not a failure.
pub fn run(environment: &Environment, json: bool) -> Result<ExitCode, Failure> {
    let file = path::config_path(environment);
    let config = read::load(&file, environment.home.clone())?;
    // Only programs are told: a table of agents has no room for it.
    let history =
        (json && config.settings.usage_log).then(|| History::of(Journal::at(path::usage_log_path(environment))));
    let looked = history.as_ref().map(History::look);
    let typical = |agent: &str| looked.as_ref()?.short(agent);
    let past = Past { typical: &typical, servers: &lacked_servers::all(&path::jobs_dir(environment)) };
    let agents = match listing::list_agents(&config, past) {
        Ok(Value::Array(agents)) => agents,
        Ok(_) | Err(_) => Vec::new(),
    };
    if json {
        output::json(&agents)?;
    } else if agents.is_empty() {
        output::note(&format!("no agents in {}", places::told(environment)));
        output::hint("agent-dispatch add NAME DIR makes a project directory an agent");
    } else {
        output::data(&table(&agents, &config, environment))?;
        output::note(&format!("from {}", places::told(environment)));
    }
    if !json {
        places::warn(environment);
    }
    Ok(ExitCode::Success)
}

fn table(agents: &[Value], config: &Config, environment: &Environment) -> String {
    let rows = agents.iter().map(|agent| row(agent, environment)).collect::<Vec<_>>();
    let columns = Columns::of(rows.iter(), 0..0);
    let name_width = columns.width(0);
    let style = Style::of_stdout();
    let line = |(row, agent): (&[String; 3], &Value)| {
        let [name, place, about] = columns.cells(row);
        let first = [style.bold(name), place, about].join(GAP);
        let held = held(agent, config).into_iter().map(|held| output::printable(&held));
        let lacking = lacking(agent).into_iter().map(|lacking| style.yellow(output::printable(&lacking)));
        let below = held.chain(lacking).map(|line| format!("\n{:name_width$}{GAP}{line}", "")).collect::<String>();
        format!("{}{below}", first.trim_end())
    };
    rows.iter().zip(agents).map(line).collect::<Vec<_>>().join("\n")
}

/// What holds for the agent's runs, on one line.
fn held(agent: &Value, config: &Config) -> Option<String> {
    let agent = config.agent(agent.get("name")?.as_str()?)?.valid()?;
    let lines = permissions::lines(agent, &config.settings);
    let words = lines.iter().map(|(key, words)| format!("{key} {words}"));
    Some(words.collect::<Vec<_>>().join("; "))
}

/// What the agent works without, and what of it is dropped.
fn lacking(agent: &Value) -> Vec<String> {
    let error = agent.get("mcp_config_error").and_then(Value::as_str);
    let of_file = error.map(|error| format!("claude passes over its .mcp.json: {error}"));
    let of_run = agent.get(LACKED);
    let of_servers = Trouble::ALL.into_iter().filter_map(|trouble| {
        let names = of_run?.get(trouble.status())?.as_array()?.iter().filter_map(Value::as_str).collect::<Vec<_>>();
        let when = of_run?.get("at").and_then(Value::as_str).unwrap_or_default();
        Some(trouble.told(when, &names))
    });
    let twice = agent.get(GIVEN_TWICE).and_then(Value::as_array).into_iter().flatten();
    let twice = twice.filter_map(Value::as_str).map(|told| format!("{told}; take the others out"));
    of_file.into_iter().chain(of_servers).chain(twice).map(|told| format!("warning: {told}")).collect()
}

fn row(agent: &Value, environment: &Environment) -> [String; 3] {
    let text = |key: &str| agent.get(key).and_then(Value::as_str).unwrap_or_default();
    let short = |words: &str| output::printable(&text::one_line(words, DESCRIPTION_CHARS));
    let place = match (text("error"), &agent["healthy"]) {
        ("", Value::Bool(true)) => home_as_tilde(text("directory"), environment),
        ("", Value::Bool(false)) => format!("{} (missing)", home_as_tilde(text("directory"), environment)),
        ("", _) => format!("{} (unreadable)", home_as_tilde(text("directory"), environment)),
        _ => "(disabled)".to_owned(),
    };
    // What is wrong is not cut: its place comes last.
    let wrong = [text("error"), text("directory_error")].into_iter().find(|wrong| !wrong.is_empty());
    let about = wrong.map_or_else(|| short(text("description")), output::printable);
    [short(text("name")), output::printable(&place), about]
}

fn home_as_tilde(directory: &str, environment: &Environment) -> String {
    let home = environment.home.as_deref().filter(|home| home.parent().is_some());
    match home.and_then(|home| std::path::Path::new(directory).strip_prefix(home).ok()) {
        Some(rest) if rest.as_os_str().is_empty() => "~".to_owned(),
        Some(rest) => format!("~/{}", rest.display()),
        None => directory.to_owned(),
    }
}
