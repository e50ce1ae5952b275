//! Whether Claude Code can start what is registered: one rule for `doctor` and `init`.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::installation::{self, VERSION_LIMIT};
use super::scopes::Registration;
use super::{SERVER_NAME, ServerEntry, own_path, plugin};
use crate::cli::subprocess;
use crate::config::path::Environment;
use crate::machines::registration::{Scope, Standing};
use crate::shell::claude::is_executable;

/// What is found of a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It works.
    Sound(String),
    /// It works, but not as somebody may think, or not for long.
    Doubtful {
        /// What was found.
        what: String,
        /// The next step.
        remedy: String,
    },
    /// It does not work.
    Broken {
        /// What was found.
        what: String,
        /// The next step.
        remedy: String,
    },
}

/// Judges a registration. A command that is not this program is started once, for its version.
pub fn judge(environment: &Environment, registration: &Registration) -> Finding {
    let (entry, told) = (&registration.entry, told(registration));
    let is_plugin = registration.scope == Scope::Plugin;
    if let Some(fault) = &registration.fault {
        let what = format!("Claude Code cannot load the plugin: {fault} ({told})");
        let instead = format!("{} && {} init", registration.removal(), installation::typed());
        return Finding::Broken { what, remedy: format!("{}; or do without it: {instead}", fault.remedy()) };
    }
    let said = |what: &str| format!("the registered command {} {what} ({told})", entry.shown());
    let broken = |what: &str| Finding::Broken { what: said(what), remedy: again(registration) };
    let elsewhere = || plugin::installed(environment.home.as_deref()).filter(|_| is_plugin);
    let Some(program) = find(&entry.command).or_else(elsewhere) else {
        return broken(if is_plugin {
            "is neither on PATH nor where installers put it"
        } else {
            why_not_found(&entry.command)
        });
    };
    if entry.arguments.first().is_none_or(|first| first != "serve") {
        return broken("does not end in `serve`");
    }
    // A bare name may lead elsewhere where Claude Code is started.
    if let Some(runner) = installation::runner_of(Path::new(&entry.command)) {
        return Finding::Doubtful { what: said(&format!("is {}", runner.told())), remedy: again(registration) };
    }
    let ours = own_path().and_then(|own| own.canonicalize()).ok();
    if program.canonicalize().ok() == ours && ours.is_some() {
        return Finding::Sound(format!("registered: {} ({told})", entry.shown()));
    }
    // What a project names is not run before the user approved it.
    if registration.scope == Scope::Project && registration.standing != Standing::Counts {
        let shown = entry.shown();
        return Finding::Sound(format!("registered: {shown}, which was not asked for its version ({told})"));
    }
    let mut command = Command::new(&program);
    command.arg("--version");
    let version = match subprocess::run(command, VERSION_LIMIT) {
        Ok(done) if done.status.success() => done.stdout.lines().next().unwrap_or_default().trim().to_owned(),
        Ok(done) => return broken(&format!("does not work: {}", done.first_line())),
        Err(error) => return broken(&error.to_string()),
    };
    if installation::is_this_version(&version) {
        return Finding::Sound(format!("registered: {}, another copy of this version ({told})", entry.shown()));
    }
    let what = format!("registered is another version: {} is {version} ({told})", entry.shown());
    Finding::Doubtful { what, remedy: again(registration) }
}

/// What a finding says after the command.
fn told(registration: &Registration) -> String {
    let place = registration.place();
    match registration.standing {
        Standing::Counts | Standing::Unloadable => place,
        Standing::Behind(scope) => format!("{place}; here the one in {} scope goes before it", scope.name()),
        Standing::Unapproved => {
            format!("{place}; interactive sessions ask before they use it, `claude -p` does not")
        }
        Standing::Refused => format!("{place}; refused by disabledMcpjsonServers in the settings of Claude Code"),
        Standing::Off => format!("{place}; switched off for this project, /mcp in Claude Code switches it on"),
    }
}

/// How to register this program in its place. One in a cache is installed first, and is on PATH then.
fn again(registration: &Registration) -> String {
    let cache = own_path().ok().and_then(|own| installation::runner_of(&own));
    let own = installation::lasting_path().ok().and_then(|own| own.into_os_string().into_string().ok());
    let own = own.filter(|_| cache.is_none()).unwrap_or_else(|| SERVER_NAME.to_owned());
    let (first, typed) = match cache {
        Some(runner) => (format!("{}; then ", runner.install), SERVER_NAME),
        None => (String::new(), installation::typed()),
    };
    let entry = registration.entry.with_command(&own);
    let then = match registration.scope {
        Scope::Project => {
            let instead = registration.replacement(&entry);
            format!("correct it for all who use the project, or register your own: {instead}")
        }
        // With nothing to keep.
        Scope::Local | Scope::User if entry == ServerEntry::ours(&own) => {
            format!("{} && {typed} init", registration.removal())
        }
        Scope::Plugin => {
            let directory = Path::new(&own).parent().unwrap_or(Path::new(&own));
            format!("put {} on PATH where Claude Code is started, before other directories", directory.display())
        }
        Scope::Local | Scope::User => registration.replacement(&entry),
    };
    first + &then
}

/// The program behind a command, as it is found on PATH.
fn find(command: &str) -> Option<PathBuf> {
    if command.contains('/') {
        return Some(PathBuf::from(command)).filter(|path| path.is_absolute() && is_executable(path));
    }
    installation::first_on_path(command)
}

/// What is wrong with a command that [`find`] finds nothing for.
fn why_not_found(command: &str) -> &'static str {
    let path = Path::new(command);
    if path.is_absolute() && path.try_exists().is_ok_and(|exists| !exists) {
        "does not exist"
    } else if !command.is_empty() && !command.contains('/') {
        "is not on PATH"
    } else {
        "is not an executable file"
    }
}
