//! What Claude Code knows of us.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::report::Report;
use crate::cli::places;
use crate::cli::registration::installation::{self, VERSION_LIMIT};
use crate::cli::registration::scopes::{self, Found, Registration};
use crate::cli::registration::server_environment::{EnvironmentSetting, ServerEnvironment};
use crate::cli::registration::{self, SERVER_NAME, ServerEntry, plugin};
use crate::cli::subprocess;
use crate::config::path::{Environment, config_path};
use crate::machines::registration::{Scope, Standing};
use crate::machines::runner::Runner;
use crate::shell::claude::is_executable;

/// An entry as it would be typed.
pub fn shown(entry: &ServerEntry) -> String {
    std::iter::once(&entry.command)
        .chain(&entry.arguments)
        .map(|word| registration::quoted(word))
        .collect::<Vec<_>>()
        .join(" ")
}

pub fn check(report: &mut Report, environment: &Environment) {
    let file = registration::file(environment);
    if file.is_none() {
        let message = "the file of Claude Code cannot be found without HOME";
        report.warning(message, "set HOME, or CLAUDE_CONFIG_DIR");
    }
    let found = match scopes::find(environment) {
        Ok(found) => found,
        Err(error) => {
            let remedy = "repair the file, or move it away and run agent-dispatch init";
            return report.failure(error.to_string(), remedy);
        }
    };
    for (file, error) in &found.passed_over {
        let message = format!("claude passes over {}: {error}", file.display());
        report.warning(message, "correct the file; Claude Code itself says nothing of it");
    }
    for registration in &found.registrations {
        check_registration(report, environment, registration);
    }
    let Some(counting) = found.counting() else {
        // As the older implementation has it: a server may be registered with another client.
        if let Some(file) = file.filter(|_| found.registrations.is_empty()) {
            report.warning(none(&file, &found), "agent-dispatch init registers it");
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
    for other in others.filter(|other| !matches!(other.standing, Standing::Refused | Standing::Off)) {
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

/// What a finding says after the command.
fn told(registration: &Registration) -> String {
    let place = registration.place();
    match registration.standing {
        Standing::Counts => place,
        Standing::Behind(scope) => format!("{place}; here the one in {} scope goes before it", scope.name()),
        Standing::Unapproved => {
            format!("{place}; interactive sessions ask before they use it, `claude -p` does not")
        }
        Standing::Refused => format!("{place}; refused by disabledMcpjsonServers in the settings of Claude Code"),
        Standing::Off => format!("{place}; switched off for this project, /mcp in Claude Code switches it on"),
    }
}

/// How to register this program in its place.
fn again(registration: &Registration) -> String {
    let own = installation::lasting_path().ok().and_then(|own| own.into_os_string().into_string().ok());
    let own = own.unwrap_or_else(|| SERVER_NAME.to_owned());
    let entry = registration.entry.with_command(&own);
    match registration.scope {
        Scope::Project => {
            let instead = registration.replacement(&entry);
            format!("correct it for all who use the project, or register your own: {instead}")
        }
        // With nothing to keep.
        Scope::Local | Scope::User if entry == ServerEntry::ours(&own) => {
            format!("{} && agent-dispatch init", registration.removal())
        }
        Scope::Plugin => {
            let directory = Path::new(&own).parent().unwrap_or(Path::new(&own));
            format!("put {} on PATH where Claude Code is started, before other directories", directory.display())
        }
        Scope::Local | Scope::User => registration.replacement(&entry),
    }
}

/// How to install this program before it is registered, where it is in a cache itself.
fn for_good(runner: Runner) -> String {
    let is_own = registration::own_path().is_ok_and(|own| installation::runner_of(&own).is_some());
    if is_own { format!("{}; then ", runner.install) } else { String::new() }
}

fn check_registration(report: &mut Report, environment: &Environment, registration: &Registration) {
    let (entry, told) = (&registration.entry, told(registration));
    let again = || again(registration);
    let fails = |what: &str| format!("the registered command {} {what} ({told})", shown(entry));
    let elsewhere = || plugin::installed(environment.home.as_deref()).filter(|_| registration.scope == Scope::Plugin);
    let Some(program) = find(&entry.command).or_else(elsewhere) else {
        let of_plugin = registration.scope == Scope::Plugin;
        let why =
            if of_plugin { "is neither on PATH nor where installers put it" } else { "is not an executable file" };
        return report.failure(fails(why), again());
    };
    if entry.arguments.first().is_none_or(|first| first != "serve") {
        return report.failure(fails("does not end in `serve`"), again());
    }
    // A bare name may lead elsewhere where Claude Code is started.
    if let Some(runner) = installation::runner_of(Path::new(&entry.command)) {
        return report.warning(fails(&format!("is {}", runner.told())), for_good(runner) + &again());
    }
    let ours = registration::own_path().and_then(|own| own.canonicalize()).ok();
    if program.canonicalize().ok() == ours && ours.is_some() {
        return report.ok(format!("registered: {} ({told})", shown(entry)));
    }
    // What a project names is not run before the user approved it.
    if registration.scope == Scope::Project && registration.standing != Standing::Counts {
        return report.ok(format!("registered: {}, which was not asked for its version ({told})", shown(entry)));
    }
    let mut command = Command::new(&program);
    command.arg("--version");
    let version = match subprocess::run(command, VERSION_LIMIT) {
        Ok(done) if done.status.success() => done.stdout.lines().next().unwrap_or_default().trim().to_owned(),
        Ok(done) => {
            return report.failure(fails(&format!("does not work: {}", done.first_line())), again());
        }
        Err(error) => return report.failure(fails(&error.to_string()), again()),
    };
    if installation::is_this_version(&version) {
        report.ok(format!("registered: {}, another copy of this version ({told})", shown(entry)));
    } else {
        let message = format!("registered is another version: {} is {version} ({told})", shown(entry));
        report.warning(message, again());
    }
}

/// The program behind a command, as it is found on PATH.
fn find(command: &str) -> Option<PathBuf> {
    let executable = |path: &PathBuf| is_executable(path);
    if command.contains('/') {
        return Some(PathBuf::from(command)).filter(|path| path.is_absolute()).filter(executable);
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(Path::new(command))).find(executable)
}
