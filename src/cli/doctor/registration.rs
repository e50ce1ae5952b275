//! What Claude Code knows of us.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::report::{Report, Section};
use crate::cli::bounded;
use crate::cli::places;
use crate::cli::registration::{self, Entry, SERVER_NAME};
use crate::config::path::Environment;

/// How long the registered program may take to tell its version.
const VERSION_LIMIT: Duration = Duration::from_secs(5);
const SECTION: Section = Section::Registration;

/// An entry as it would be typed.
pub fn shown(entry: &Entry) -> String {
    std::iter::once(&entry.command)
        .chain(&entry.arguments)
        .map(|word| registration::quoted(word))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Adds the section.
pub fn check(report: &mut Report, environment: &Environment) {
    let Some(file) = registration::file(environment) else {
        let message = "the file of Claude Code cannot be found without HOME";
        return report.warning(SECTION, message, "set HOME, or CLAUDE_CONFIG_DIR");
    };
    match registration::entry(&file) {
        Ok(Some(entry)) => {
            check_entry(report, &entry);
            for difference in places::differences(environment, &entry) {
                report.warning(SECTION, difference.what, difference.remedy);
            }
        }
        // As the older implementation has it: a server may be registered in another scope, or with another client.
        Ok(None) => report.warning(
            SECTION,
            format!("no MCP server {SERVER_NAME} in {}", file.display()),
            "agent-dispatch init registers it",
        ),
        Err(error) => {
            report.failure(SECTION, error.to_string(), "repair the file, or move it away and run agent-dispatch init");
        }
    }
}

fn check_entry(report: &mut Report, entry: &Entry) {
    let again = format!("claude mcp remove {SERVER_NAME} --scope user && agent-dispatch init");
    let Some(program) = find(&entry.command) else {
        let message = format!("the registered command {} is not an executable file", shown(entry));
        return report.failure(SECTION, message, again);
    };
    if entry.arguments.first().is_none_or(|first| first != "serve") {
        let message = format!("the registered command {} does not end in `serve`", shown(entry));
        return report.failure(SECTION, message, again);
    }
    let ours = registration::own_path().and_then(|own| own.canonicalize()).ok();
    if program.canonicalize().ok() == ours && ours.is_some() {
        return report.ok(SECTION, format!("registered: {}", shown(entry)));
    }
    let mut command = Command::new(&program);
    command.arg("--version");
    let version = match bounded::run(command, VERSION_LIMIT) {
        Ok(done) if done.status.success() => done.stdout.lines().next().unwrap_or_default().trim().to_owned(),
        Ok(done) => {
            let message = format!("the registered command {} does not work: {}", shown(entry), done.first_line());
            return report.failure(SECTION, message, again);
        }
        Err(error) => {
            return report.failure(SECTION, format!("the registered command {} {error}", shown(entry)), again);
        }
    };
    if version == format!("{SERVER_NAME} {}", env!("CARGO_PKG_VERSION")) {
        report.ok(SECTION, format!("registered: {} (another copy of this version)", shown(entry)));
    } else {
        let message = format!("registered is another version: {} is {version}", shown(entry));
        report.warning(SECTION, message, again);
    }
}

/// The program behind a command, as it is found on PATH.
fn find(command: &str) -> Option<PathBuf> {
    let executable = |path: &PathBuf| path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok();
    if command.contains('/') {
        return Some(PathBuf::from(command)).filter(|path| path.is_absolute()).filter(executable);
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(Path::new(command))).find(executable)
}
