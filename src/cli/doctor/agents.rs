//! The agents.

use super::commands::{self, MissingCommand};
use super::report::Report;
use super::restrictions;
use crate::cli::registration::installation::typed;
use crate::config::detect::{DETECTION_BUDGET, Detection, Health, detect_all};
use crate::config::model::{Agent, Config, Entry};
use crate::config::{listing, threads};
use crate::machines::mcp_servers::Notes;
use crate::machines::reference;
use crate::machines::text::{first_chars, quoted};

/// Most characters of a name that is repeated.
const MAX_TOLD_CHARS: usize = 100;

/// Waits for the disks of all agents together, at most [`DETECTION_BUDGET`].
pub fn check(report: &mut Report, config: &Config, can_add: bool, servers: &Notes) {
    if config.agents.is_empty() {
        let first = if can_add { "" } else { "see the section Config; then " };
        let remedy = format!("{first}{} add NAME DIR makes a project directory an agent", typed());
        return report.warning("there are none", remedy);
    }
    let valid = config.agents.iter().filter_map(|(_, entry)| entry.valid());
    let directories = valid.map(|agent| agent.directory.clone()).collect::<Vec<_>>();
    let mut found = detect_all(&directories, DETECTION_BUDGET).into_iter();
    let mut missing = threads::each(directories, DETECTION_BUDGET, commands::missing).into_iter();
    for (name, entry) in &config.agents {
        match entry {
            Entry::Invalid(problem) => report.disabled(name, problem),
            Entry::Valid(agent) => {
                let found = found.next().unwrap_or_default();
                check_agent(report, config, name, agent, &found);
                check_servers(report, servers, name, agent, &found);
                check_commands(report, name, &missing.next().flatten().unwrap_or_default());
            }
        }
    }
}

fn check_agent(report: &mut Report, config: &Config, name: &str, agent: &Agent, found: &Detection) {
    let directory = agent.directory.display();
    match found.health {
        Health::Missing => {
            let remedy = reference::unexpanded(&agent.directory.to_string_lossy());
            let remedy = remedy.unwrap_or_else(|| format!("create it, or {} remove {name}", typed()));
            return report.failure(format!("{name}: {directory} is not there"), remedy);
        }
        Health::Unreadable => {
            let message = format!("{name}: {directory} cannot be looked into, or does not answer");
            return report.failure(message, "check its permissions, or whether its network drive is there");
        }
        Health::Healthy => report.ok(format!("{name}: {directory}")),
    }
    if let Some(error) = &found.mcp_config_error {
        let message = format!("{name}: claude passes over its .mcp.json: {error}");
        report.warning(message, "correct the file; until then the agent has none of the servers that are wrong");
    }
    restrictions::check_agent(report, &config.settings, name, agent);
}

/// What the last run in the directory lacked.
fn check_servers(report: &mut Report, servers: &Notes, name: &str, agent: &Agent, found: &Detection) {
    let directory = agent.directory.to_string_lossy();
    let Some(note) = listing::lacked(servers, agent, found) else { return };
    for (trouble, names) in note.troubles() {
        let message = format!("{name}: {}", trouble.told(&note.when(), names));
        report.warning(message, format!("{}; the next run tells anew", trouble.remedy(&quoted(&directory), names)));
    }
}

/// Servers that no run can start.
fn check_commands(report: &mut Report, name: &str, missing: &[MissingCommand]) {
    for MissingCommand { server, command } in missing {
        let [server, command] = [server, command].map(|text| quoted(first_chars(text, MAX_TOLD_CHARS)));
        let message = format!("{name}: the MCP server {server} of its .mcp.json cannot start: there is no {command}");
        report.warning(message, "install it, put its directory on PATH, or correct `command` in .mcp.json");
    }
}
