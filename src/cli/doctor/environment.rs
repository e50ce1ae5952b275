//! The claude CLI and the home.

use std::process::Command;
use std::time::Duration;

use super::report::{Report, Section};
use super::version;
use crate::cli::bounded;
use crate::config::path::Environment;
use crate::shell::{claude, environment};

/// How long `claude --version` may take. It usually takes 0.2 s.
const VERSION_LIMIT: Duration = Duration::from_secs(10);
const SECTION: Section = Section::Environment;

/// Adds the section.
pub fn check(report: &mut Report, environment: &Environment) {
    report.ok(SECTION, format!("agent-dispatch {}", env!("CARGO_PKG_VERSION")));
    check_claude(report);
    if environment.home.is_none() {
        report.warning(
            SECTION,
            "HOME is not set",
            "set it: `~` in agents.yaml and Claude Code's own files depend on it",
        );
    }
    let depth = environment::depth();
    if depth > 0 {
        let remedy = format!("unset {} unless this runs inside a dispatch", environment::DEPTH);
        report.warning(SECTION, format!("{} is {depth}: this looks like a dispatch", environment::DEPTH), remedy);
    }
}

fn check_claude(report: &mut Report) {
    let path = match claude::find() {
        Ok(path) => path,
        Err(error) => {
            let remedy = "install Claude Code (https://claude.com/claude-code); until then `agent-dispatch demo` works";
            return report.failure(SECTION, error.to_string(), remedy);
        }
    };
    let shown = path.display();
    let mut command = Command::new(&path);
    command.arg("--version");
    match bounded::run(command, VERSION_LIMIT) {
        Ok(done) if done.status.success() => {
            let version = done.stdout.lines().next().unwrap_or_default().trim().to_owned();
            report.ok(SECTION, format!("claude {version}: {shown}"));
            version::check(report, &version);
        }
        Ok(done) => report.failure(
            SECTION,
            format!("{shown} --version fails ({}): {}", done.status, done.first_line()),
            format!("run {shown} --version by hand; install Claude Code again"),
        ),
        Err(error) => report.failure(
            SECTION,
            format!("{shown} --version {error}"),
            format!("run {shown} --version by hand; install Claude Code again"),
        ),
    }
}
