//! What holds for the runs of an agent, in words: its own values, and what it takes from the settings.

use crate::config::model::{Agent, DEFAULT_TIMEOUT_SECONDS, Settings};

/// What stands where the agent says nothing itself.
pub const INHERITED: &str = "(inherit defaults)";

/// The keys of agents.yaml with what holds.
pub fn lines(agent: &Agent, settings: &Settings) -> Vec<(&'static str, String)> {
    let mut lines = vec![
        ("timeout", timeout(agent, settings)),
        ("model", agent.model.clone().unwrap_or_else(|| "(claude's default)".to_owned())),
        ("max_budget_usd", budget(agent, settings)),
    ];
    lines.extend(agent.max_turns.map(|turns| ("max_turns", turns.to_string())));
    lines.extend([
        ("permission_mode", mode(agent, settings)),
        ("allowed_tools", tools(agent.allowed_tools.as_deref(), &settings.default_allowed_tools)),
        ("disallowed_tools", tools(agent.disallowed_tools.as_deref(), &settings.default_disallowed_tools)),
    ]);
    lines
}

fn timeout(agent: &Agent, settings: &Settings) -> String {
    match agent.timeout_seconds {
        None => format!("{DEFAULT_TIMEOUT_SECONDS} (not set)"),
        Some(0) => format!("{INHERITED}: {}", settings.default_timeout),
        Some(seconds) => seconds.to_string(),
    }
}

fn budget(agent: &Agent, settings: &Settings) -> String {
    match (agent.max_budget_usd.filter(|cap| *cap > 0.0), agent.budget(settings)) {
        (Some(cap), _) => cap.to_string(),
        (None, Some(default)) => format!("{INHERITED}: {default}"),
        (None, None) => format!("{INHERITED}: none"),
    }
}

fn mode(agent: &Agent, settings: &Settings) -> String {
    match (&agent.permission_mode, agent.permission_mode(settings)) {
        (Some(mode), _) => mode.clone(),
        (None, Some(default)) => format!("{INHERITED}: {default}"),
        (None, None) => INHERITED.to_owned(),
    }
}

/// An explicit empty list is told apart from none at all.
fn tools(own: Option<&[String]>, default: &[String]) -> String {
    let listed = |tools: &[String], none: &str| if tools.is_empty() { none.to_owned() } else { tools.join(", ") };
    own.map_or_else(|| format!("{INHERITED}: {}", listed(default, "none")), |own| listed(own, "[]"))
}
