//! The groups.

use super::report::Report;
use crate::cli::registration::installation::typed;
use crate::config::model::{Config, Entry, Group};

pub fn check(report: &mut Report, config: &Config) {
    if config.groups.is_empty() {
        report.ok("there are none");
    }
    for (name, entry) in &config.groups {
        match entry {
            Entry::Invalid(problem) => report.disabled(name, problem),
            Entry::Valid(group) => check_group(report, config, name, group),
        }
    }
}

fn check_group(report: &mut Report, config: &Config, name: &str, group: &Group) {
    let members = group.members.iter().map(|member| member.agent.as_str());
    let unknown = members.clone().filter(|member| config.agent(member).is_none()).collect::<Vec<_>>();
    if !unknown.is_empty() {
        let message = format!("{name}: members that are no agents: {}", unknown.join(", "));
        let remedy = format!("{} group remove-member {name} {}, or add them as agents", typed(), unknown.join(" "));
        return report.failure(message, remedy);
    }
    let mut seen = std::collections::BTreeSet::new();
    if let Some(twice) = members.clone().find(|member| !seen.insert(*member)) {
        let message = format!("{name}: {twice} is a member twice; the first entry counts");
        return report.warning(message, "take one of the two out of agents.yaml");
    }
    match group.members.len() {
        0 => {
            let remedy = format!("{} group add-member {name} AGENT", typed());
            report.warning(format!("{name}: no members"), remedy);
        }
        1 => report.ok(format!("{name}: 1 member")),
        count => report.ok(format!("{name}: {count} members")),
    }
}
