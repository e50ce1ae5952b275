//! The claude CLI and the home.

use std::time::Duration;

use super::report::{Report, Section};
use crate::cli::bounded::{self, Unfinished};
use crate::shell::{claude, environment};

/// How long `claude --version` may take. It usually takes 0.2 s.
const VERSION_LIMIT: Duration = Duration::from_secs(10);
const SECTION: Section = Section::Environment;

/// Adds the section.
pub fn check(report: &mut Report) {
    report.ok(SECTION, format!("agent-dispatch {}", env!("CARGO_PKG_VERSION")));
    check_claude(report);
    if std::env::var_os("HOME").is_none_or(|home| home.is_empty()) {
        let message = std::env::home_dir().map_or_else(
            || "HOME is not set, and this user has no home directory".to_owned(),
            |home| format!("HOME is not set; the home of the password entry counts: {}", home.display()),
        );
        report.warning(SECTION, message, "set it: `~` in agents.yaml and Claude Code's own files depend on it");
    }
    let depth = environment::depth();
    if depth > 0 {
        let remedy = format!("unset {} unless this runs inside a dispatch", environment::DEPTH);
        report.warning(SECTION, format!("{} is {depth}: this looks like a dispatch", environment::DEPTH), remedy);
    }
}

fn check_claude(report: &mut Report) {
    let found = match claude::locate() {
        Ok(found) => found,
        Err(error) => {
            let remedy = format!("{}; `agent-dispatch demo` works without", error.way_out());
            return report.failure(SECTION, error.to_string(), remedy);
        }
    };
    let shown = found.path.display();
    let mut command = claude::command(&found.path);
    command.arg("--version");
    match bounded::run(command, VERSION_LIMIT) {
        Ok(done) if done.status.success() => {
            let version = done.stdout.lines().next().unwrap_or_default().trim().to_owned();
            report.ok(SECTION, format!("claude {version}: {shown} ({})", found.source.told()));
        }
        Ok(done) => report.failure(
            SECTION,
            format!("{shown} --version fails ({}): {}", done.status, done.first_line()),
            format!("run {shown} --version by hand; install Claude Code again"),
        ),
        Err(Unfinished::Start(error)) => {
            let why = claude::explain(&found.path, &error);
            let (what, remedy) = why.map_or_else(
                || (format!("{shown} cannot be run: {error}"), "install Claude Code again".to_owned()),
                |why| (why.to_string(), why.way_out()),
            );
            report.failure(SECTION, what, remedy);
        }
        Err(error) => report.failure(
            SECTION,
            format!("{shown} --version {error}"),
            format!("run {shown} --version by hand; install Claude Code again"),
        ),
    }
}
