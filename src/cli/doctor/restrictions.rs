//! What restricts runs, of an agent or in the settings, whose mistakes are told once and in their own place.

use super::report::Report;
use crate::config::model::{Agent, Settings};
use crate::machines::{mode, unattended};

/// The mode and the lists that hold together.
struct Restrictions<'a> {
    /// How their messages begin: the agent or the section of the file.
    owner: &'a str,
    mode: Option<&'a str>,
    allowed: &'a [String],
    denied: &'a [String],
    given_back: &'a [String],
    /// How the keys of lists are called there: `allowed_tools` with it before.
    prefix: &'static str,
}

/// Tells the mistakes of the settings.
pub fn check_settings(report: &mut Report, settings: &Settings) {
    let all = Restrictions {
        owner: "settings",
        mode: settings.default_permission_mode.as_deref(),
        allowed: &settings.default_allowed_tools,
        denied: &settings.default_disallowed_tools,
        given_back: &settings.unattended_tools,
        prefix: "default_",
    };
    check_mode(report, &all);
    check_both(report, &all);
    check_given_back(report, &all);
    check_ineffective(report, &all);
}

/// Tells the mistakes that the agent has a part in; those of the settings alone are told there.
pub fn check_agent(report: &mut Report, settings: &Settings, name: &str, agent: &Agent) {
    let all = Restrictions {
        owner: name,
        mode: agent.permission_mode.as_deref(),
        allowed: agent.allowed_tools(settings),
        denied: agent.disallowed_tools(settings),
        given_back: agent.unattended_tools(settings),
        prefix: "",
    };
    check_mode(report, &all);
    if agent.allowed_tools.is_some() || agent.disallowed_tools.is_some() {
        check_both(report, &all);
    }
    if agent.unattended_tools.is_some() {
        check_given_back(report, &all);
    }
    if agent.allowed_tools.is_some() || agent.unattended_tools.is_some() {
        check_ineffective(report, &all);
    }
}

fn check_mode(report: &mut Report, all: &Restrictions<'_>) {
    let owner = all.owner;
    let Some(given) = all.mode else { return };
    if !mode::KNOWN.contains(&given) {
        let message = format!("{owner}: permission mode {given} is not one that is known");
        report.warning(message, format!("use one of {}", mode::KNOWN.join(", ")));
    } else if given == mode::BYPASS && rustix::process::geteuid().is_root() {
        let message = format!("{owner}: claude refuses {} to root", mode::BYPASS);
        report.warning(message, "run as another user, or choose another mode");
    }
}

/// What is in both lists.
fn check_both(report: &mut Report, all: &Restrictions<'_>) {
    let both = all.allowed.iter().filter(|tool| all.denied.contains(tool));
    let both = both.map(String::as_str).collect::<Vec<_>>();
    if !both.is_empty() {
        let message = format!("{}: allowed and disallowed at once: {}", all.owner, both.join(", "));
        report.warning(message, "take them out of one of the two lists; disallowed wins");
    }
}

/// What is given back and was never taken.
fn check_given_back(report: &mut Report, all: &Restrictions<'_>) {
    if let Some(unknown) = unattended::unknown(all.given_back) {
        let message = format!("{}: unattended_tools: {}", all.owner, unattended::not_withheld(unknown));
        report.warning(message, "correct the name, or take it out");
    }
}

/// Tools that are allowed and that unattended runs are denied.
fn check_ineffective(report: &mut Report, all: &Restrictions<'_>) {
    let ineffective = unattended::ineffective(all.allowed, all.given_back);
    if !ineffective.is_empty() {
        let message = format!(
            "{}: allowed without effect: {}; unattended runs are denied what reaches past them",
            all.owner,
            ineffective.join(", ")
        );
        let remedy = format!("take it out of {}allowed_tools; SECURITY.md says why", all.prefix);
        report.warning(message, remedy);
    }
}
