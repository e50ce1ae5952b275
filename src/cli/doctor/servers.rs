//! Servers that run, and whether they are of this version: Claude Code keeps an old one until it is restarted.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::report::Report;
use crate::cli::places;
use crate::cli::registration::SERVER_NAME;
use crate::cli::subprocess;
use crate::config::path::{self, Environment};
use crate::fs::identity::Identity;
use crate::os::process::{self, Program, Shown};
use crate::os::program;

/// How long a server's program may take to tell its version.
const VERSION_LIMIT: Duration = Duration::from_secs(2);
/// How many programs are asked: more would make the check slow and say nothing new.
const MAX_ASKED: usize = 8;

/// Says what runs, where the system tells of its processes.
pub fn check(report: &mut Report, environment: Option<&Environment>) {
    let Some(servers) = process::of_user(&is_server) else {
        return report.ok("not seen: see the section System");
    };
    if servers.is_empty() {
        return report.ok("none");
    }
    let mut asked = 0;
    if servers.iter().any(|server| server.environment.is_none()) {
        report.ok("the system does not show what they were started with, nor which files they use");
    }
    for server in &servers {
        let program = server.program.as_ref();
        let version = if program.is_some_and(is_this_program) {
            Some(env!("CARGO_PKG_VERSION").to_owned())
        } else if asked < MAX_ASKED && program.is_some_and(|program| is_ours_by_name(program.path.as_os_str())) {
            asked += 1;
            program.and_then(|program| ask(program.again.as_deref()?))
        } else {
            None
        };
        tell(report, server, version.as_deref());
        if let Some(here) = environment {
            tell_place(report, server, here);
        }
    }
}

fn tell(report: &mut Report, server: &Shown, version: Option<&str>) {
    let (pid, gone) = (server.pid, server.program.as_ref().is_some_and(|program| program.gone));
    let program = server.program.as_ref().map_or_else(|| "?".to_owned(), |program| program.path.display().to_string());
    let restart = server.directory.as_ref().map_or_else(
        || "restart the Claude Code session that it belongs to".to_owned(),
        |directory| format!("restart the Claude Code session in {}, which it belongs to", directory.display()),
    );
    match version {
        Some(version) if version == env!("CARGO_PKG_VERSION") && !gone => {
            report.ok(format!("process {pid}: version {version}"));
        }
        Some(version) if gone => {
            let message = format!("process {pid}: version {version}, whose file {program} was replaced or removed");
            report.warning(message, restart);
        }
        Some(version) => {
            let message =
                format!("process {pid}: version {version} ({program}), this is {}", env!("CARGO_PKG_VERSION"));
            report.warning(message, restart);
        }
        None if gone => {
            report.warning(format!("process {pid}: its file {program} was replaced or removed"), restart);
        }
        None => {
            let message = format!("process {pid}: another implementation or unknown version ({program})");
            report.warning(message, restart);
        }
    }
}

/// A server that reads another file than this program, where the system shows what it was started with.
fn tell_place(report: &mut Report, server: &Shown, here: &Environment) {
    let (Some(block), Some(current)) = (&server.environment, &server.directory) else { return };
    let lookup = |name: &str| {
        let entries = block.split(|byte| *byte == 0).map(OsStr::from_bytes);
        let mut values = entries.filter_map(|entry| entry.as_bytes().strip_prefix(name.as_bytes())?.strip_prefix(b"="));
        values.next().map(|value| OsStr::from_bytes(value).to_owned())
    };
    let Ok(there) = Environment::from_lookup(current.clone(), &lookup, std::env::home_dir) else { return };
    let (ours, theirs) = (path::config_path(here), path::config_path(&there));
    if !places::same(&ours, &theirs) {
        let message = format!("process {} reads {}, this program {}", server.pid, theirs.display(), ours.display());
        report.warning(message, "set the same variables where Claude Code and this shell are started");
    }
}

/// Whether a command line is ours with `serve`, started directly or by an interpreter.
fn is_server(words: &[OsString]) -> bool {
    let program = words.iter().take(2).position(|word| is_ours_by_name(word));
    program.is_some_and(|at| words.get(at + 1).is_some_and(|verb| verb == "serve"))
}

fn is_ours_by_name(path: &OsStr) -> bool {
    Path::new(path).file_name().is_some_and(|name| name == SERVER_NAME)
}

fn is_this_program(program: &Program) -> bool {
    let id = |path: &Path| Identity::at(path).ok().flatten();
    let theirs = program.again.as_deref().and_then(id);
    theirs.is_some() && theirs == id(&program::own())
}

/// What the running program itself says.
fn ask(program: &Path) -> Option<String> {
    let mut command = Command::new(program);
    command.arg("--version");
    let done = subprocess::run(command, VERSION_LIMIT).ok().filter(|done| done.status.success())?;
    done.stdout.lines().next()?.strip_prefix(SERVER_NAME).map(|version| version.trim().to_owned())
}
