//! How a person grants tools that a run was denied.

use super::registration::quoted;
use crate::config::model::Config;
use crate::config::path::{self, Environment};
use crate::config::read;
use crate::machines::{mode, unattended};

/// The command that grants the agent what it was denied, beside what it is allowed; nothing where that would change nothing, or
/// where it is the user's alone to give.
pub fn command(config: &Config, name: &str, denied: &[String]) -> Option<String> {
    let agent = config.agent(name)?.valid()?;
    let allowed = agent.allowed_tools(&config.settings);
    let missing = denied.iter().filter(|tool| !unattended::is_withheld(tool) && !allowed.contains(tool));
    let missing = missing.map(String::as_str).collect::<Vec<_>>();
    if missing.is_empty() || agent.permission_mode(&config.settings) == Some(mode::BYPASS) {
        return None;
    }
    let all = allowed.iter().map(String::as_str).chain(missing.iter().copied()).collect::<Vec<_>>().join(",");
    let name = quoted(name);
    Some(format!("agent-dispatch update {name} --allowed-tools {} grants {}", quoted(&all), missing.join(", ")))
}

/// As [`command`], with the configuration as it is now. One with a mistake in it is another verb's matter.
pub fn now(environment: &Environment, name: &str, denied: &[String]) -> Option<String> {
    let config = read::load(&path::config_path(environment), environment.home.clone()).ok()?;
    command(&config, name, denied)
}
