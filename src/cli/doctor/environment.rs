//! The claude CLI and the home.

use std::path::Path;
use std::time::Duration;

use super::report::Report;
use crate::cli::registration::SERVER_NAME;
use crate::cli::registration::installation::{self, Named, typed};
use crate::cli::subprocess::{self, SubprocessError};
use crate::config::model::Config;
use crate::machines::cli_version::{NEWEST, OLDEST, Version};
use crate::machines::flags::Flag;
use crate::os::{capability, program};
use crate::shell::{claude, environment};

/// How long `claude --version` may take. It usually takes 0.2 s.
const VERSION_LIMIT: Duration = Duration::from_secs(10);

pub fn check(report: &mut Report, config: Option<&Config>) {
    report.ok(format!("agent-dispatch {}", env!("CARGO_PKG_VERSION")));
    check_claude(report, config);
    check_own_path(report);
    if std::env::var_os("HOME").is_none_or(|home| home.is_empty()) {
        let message = std::env::home_dir().map_or_else(
            || "HOME is not set, and this user has no home directory".to_owned(),
            |home| format!("HOME is not set; the home of the password entry counts: {}", home.display()),
        );
        report.warning(message, "set it: `~` in agents.yaml and Claude Code's own files depend on it");
    }
    let depth = environment::depth();
    if depth > 0 {
        let remedy = format!("unset {} unless this runs inside a dispatch", environment::DEPTH);
        report.warning(format!("{} is {depth}: this looks like a dispatch", environment::DEPTH), remedy);
    }
}

fn check_claude(report: &mut Report, config: Option<&Config>) {
    let found = match claude::locate() {
        Ok(found) => found,
        Err(error) => {
            let remedy = format!("{}; `{} demo` works without", error.way_out(), typed());
            return report.failure(error.to_string(), remedy);
        }
    };
    let shown = found.path.display();
    let mut command = claude::command(&found.path);
    command.arg("--version");
    match subprocess::run(command, VERSION_LIMIT) {
        Ok(done) if done.status.success() => {
            let version = done.stdout.lines().next().unwrap_or_default().trim().to_owned();
            report.ok(format!("claude {version}: {shown} ({})", found.source.told()));
            check_version(report, &version);
            check_flag(report, &found.path, config);
        }
        Ok(done) => report.failure(
            format!("{shown} --version fails ({}): {}", done.status, done.first_line()),
            by_hand(&found.path, "--version"),
        ),
        Err(SubprocessError::Start(error)) => {
            let why = claude::explain(&found.path, &error);
            let (what, remedy) = why.map_or_else(
                || (format!("{shown} cannot be run: {error}"), "install Claude Code again".to_owned()),
                |why| (why.to_string(), why.way_out()),
            );
            report.failure(what, remedy);
        }
        Err(error) => report.failure(format!("{shown} --version {error}"), by_hand(&found.path, "--version")),
    }
}

/// Adds what is not as on the newest version; nothing where the version cannot be read.
fn check_version(report: &mut Report, printed: &str) {
    let Some(version) = Version::parse(printed) else { return };
    if version.is_unsupported() {
        let message = format!("claude {version} is older than all tested versions ({OLDEST} to {NEWEST})");
        report.warning(message, "claude update");
    }
    if !version.bounds_schema() {
        let message = format!(
            "claude {version}: a response_schema is only part of the task, because this CLI would ask for it without end"
        );
        report.warning(message, format!("claude update: from {OLDEST} on it is otherwise"));
    }
    for loss in version.losses() {
        let remedy = format!("claude update: from {} on it is otherwise", loss.below);
        report.warning(format!("claude {version}: {}", loss.what), remedy);
    }
}

/// Whether our name leads to this program.
fn check_own_path(report: &mut Report) {
    let name = Path::new(SERVER_NAME);
    let own = program::file().ok();
    let shown = own.as_deref().unwrap_or(name).display();
    if let Some(runner) = own.as_deref().and_then(installation::runner_of) {
        return report.warning(format!("this program, {shown}, is {}", runner.told()), runner.install);
    }
    match installation::named() {
        Named::This(named) => report.ok(format!("on PATH: {}", named.display())),
        Named::Script(named) => {
            report.ok(format!("on PATH: {}, a script that starts this version", named.display()));
        }
        Named::Other(named) => report.warning(
            format!("{} is on PATH, which is not this program ({shown})", named.display()),
            "remove the one that is not wanted, or put the other directory first on PATH",
        ),
        Named::Nothing => report.warning(
            format!("{SERVER_NAME} is not on PATH ({shown}); a server that is registered with its full path works"),
            format!("add {} to PATH", own.as_deref().and_then(Path::parent).unwrap_or(name).display()),
        ),
    }
}

/// Without this option the CLI cannot be told what it is told of every run; runs go on without.
fn check_flag(report: &mut Report, program: &Path, config: Option<&Config>) {
    let flag = Flag::AppendSystemPrompt.as_str();
    let mut command = claude::command(program);
    command.arg("--help");
    let shown = program.display();
    let unknown = |report: &mut Report, why: String| {
        let remedy = by_hand(program, "--help");
        report.warning(format!("whether claude knows {flag} could not be found out: {shown} --help {why}"), remedy);
    };
    let help = match subprocess::run(command, VERSION_LIMIT) {
        Ok(done) if !done.status.success() => {
            return unknown(report, format!("fails ({}): {}", done.status, done.first_line()));
        }
        Ok(done) if done.stdout.trim().is_empty() && done.stderr.trim().is_empty() => {
            return unknown(report, "says nothing".to_owned());
        }
        Ok(done) => done.stdout + &done.stderr,
        Err(error) => return unknown(report, error.to_string()),
    };
    let of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    if help.split(|letter| !of_name(letter)).any(|word| word == flag) {
        return report.ok(format!("claude knows {flag} (dispatch protocol, instructions)"));
    }
    let agents = config.into_iter().flat_map(|config| &config.agents);
    let instructed = agents.filter(|(_, entry)| entry.valid().is_some_and(|agent| agent.instructions.is_some()));
    let instructed = instructed.map(|(name, _)| name.as_str()).collect::<Vec<_>>();
    let protocol = config.is_none_or(|config| config.settings.dispatch_protocol);
    let lost = match (protocol, instructed.as_slice()) {
        (false, []) => return report.ok(format!("claude does not know {flag}, and nothing needs it")),
        (true, []) => "agents are not told that they run unattended".to_owned(),
        (false, names) => format!("{} run without their instructions", names.join(", ")),
        (true, names) => {
            format!("agents are not told that they run unattended; {} run without their instructions", names.join(", "))
        }
    };
    report.warning(format!("claude does not know {flag}: {lost}"), "update Claude Code");
}

/// What to do where the CLI does not even answer this: what it cannot work without, where that is lacking.
fn by_hand(program: &Path, option: &str) -> String {
    if std::env::home_dir().is_none_or(|home| home.as_os_str().is_empty()) {
        return "set HOME: Claude Code does not work without a home directory".to_owned();
    }
    if capability::stopping().is_some() {
        return "see the section System".to_owned();
    }
    format!("run {} {option} by hand; install Claude Code again", program.display())
}
