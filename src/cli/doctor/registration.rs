//! What Claude Code knows of us.

use std::path::Path;

use super::report::Report;
use crate::cli::places;
use crate::cli::registration::installation::typed;
use crate::cli::registration::scopes::{self, Found, Registration};
use crate::cli::registration::server_environment::{EnvironmentSetting, ServerEnvironment};
use crate::cli::registration::soundness::{self, Finding};
use crate::cli::registration::{self, SERVER_NAME};
use crate::config::path::{Environment, config_path};
use crate::machines::registration::Standing;

pub fn check(report: &mut Report, environment: &Environment) {
    let file = registration::file(environment);
    if file.is_none() {
        let message = "the file of Claude Code cannot be found without HOME";
        report.warning(message, "set HOME, or CLAUDE_CONFIG_DIR");
    }
    let found = match scopes::find(environment) {
        Ok(found) => found,
        Err(error) => {
            let remedy = format!("repair the file, or move it away and run {} init", typed());
            return report.failure(error.to_string(), remedy);
        }
    };
    for (file, error) in &found.passed_over {
        let message = format!("claude passes over {}: {error}", file.display());
        report.warning(message, "correct the file; Claude Code itself says nothing of it");
    }
    for registration in &found.registrations {
        match soundness::judge(environment, registration) {
            Finding::Sound(what) => report.ok(what),
            Finding::Doubtful { what, remedy } => report.warning(what, remedy),
            Finding::Broken { what, remedy } => report.failure(what, remedy),
        }
    }
    let Some(counting) = found.counting() else {
        // As the older implementation has it: a server may be registered with another client.
        if let Some(file) = file.filter(|_| found.registrations.is_empty()) {
            report.warning(none(&file, &found), format!("{} init registers it", typed()));
        }
        return;
    };
    if found.is_off {
        let message = format!("{SERVER_NAME} is switched off for this project");
        report.warning(message, "switch it on with /mcp in Claude Code, if that is not meant");
    }
    for difference in places::differences(environment, counting, &found.settings) {
        report.warning(difference.what, difference.remedy);
    }
    if let Some((what, remedy)) = found.twice() {
        report.warning(what, remedy);
    }
    let others = found.registrations.iter().filter(|other| other.scope != counting.scope);
    let is_used =
        |other: &&Registration| !matches!(other.standing, Standing::Refused | Standing::Off | Standing::Unloadable);
    for other in others.filter(is_used) {
        compare(report, environment, &found.settings, counting, other);
    }
}

fn none(file: &Path, found: &Found) -> String {
    let none = format!("no MCP server {SERVER_NAME} in {}", file.display());
    match found.elsewhere.as_slice() {
        [] => none,
        [first, others @ ..] => {
            let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
            format!("{none} that counts here; in local scope there is one for {}{more}", first.display())
        }
    }
}

/// Two registrations whose servers do not see the same.
fn compare(
    report: &mut Report,
    environment: &Environment,
    settings: &[EnvironmentSetting],
    counting: &Registration,
    other: &Registration,
) {
    let inherited = |name: &str| std::env::var_os(name);
    let directory = environment.current_dir.as_path();
    let one = ServerEnvironment { entry: &counting.entry, settings, directory, inherited: &inherited };
    let two = ServerEnvironment { entry: &other.entry, ..one };
    let names = one.differing(&two);
    if names.is_empty() {
        return;
    }
    let agents = |server: &ServerEnvironment<'_>| {
        places::of_server(environment, &|name| server.variable(name)).map(|there| config_path(&there))
    };
    let agents = match (agents(&one), agents(&two)) {
        (Ok(one), Ok(two)) if !places::same(&one, &two) => {
            format!(" (agents: {} and {})", one.display(), two.display())
        }
        _ => String::new(),
    };
    let message = format!(
        "two registrations with different environments: that in {}, which counts here, and that in {} differ in {}{agents}",
        counting.place(),
        other.place(),
        names.join(", ")
    );
    let remedy = format!("if that is not meant, keep one: {}, or {}", other.removal(), counting.removal());
    report.warning(message, remedy);
}
