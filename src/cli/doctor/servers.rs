//! Servers that run, and whether they are of this version: Claude Code keeps an old one until it is restarted.

use super::report::Report;
use crate::config::path::Environment;

/// Says what runs, where the system tells of its processes.
pub fn check(report: &mut Report, environment: Option<&Environment>) {
    #[cfg(target_os = "linux")]
    linux::check(report, environment);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = environment;
        report.ok("not looked for on this system");
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::MetadataExt;
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use std::time::Duration;

    use super::Report;
    use crate::cli::places;
    use crate::cli::registration::SERVER_NAME;
    use crate::cli::subprocess;
    use crate::config::path::{self, Environment};
    use crate::fs::identity::Identity;

    /// How long a server's program may take to tell its version.
    const VERSION_LIMIT: Duration = Duration::from_secs(2);
    /// How many programs are asked: more would make the check slow and say nothing new.
    const MAX_ASKED: usize = 8;
    /// What the kernel adds to the name of a program whose file is gone.
    const DELETED: &str = " (deleted)";

    /// A server.
    struct RunningServer {
        pid: i32,
        program: String,
        deleted: bool,
    }

    pub fn check(report: &mut Report, environment: Option<&Environment>) {
        let servers = find();
        if servers.is_empty() {
            return report.ok("none");
        }
        let mut asked = 0;
        for server in &servers {
            let version = if is_this_program(server.pid) {
                Some(env!("CARGO_PKG_VERSION").to_owned())
            } else if asked < MAX_ASKED && is_ours_by_name(&server.program) {
                asked += 1;
                ask(server.pid)
            } else {
                None
            };
            tell(report, server, version.as_deref());
            if let Some(here) = environment {
                tell_place(report, server, here);
            }
        }
    }

    fn tell(report: &mut Report, server: &RunningServer, version: Option<&str>) {
        let RunningServer { pid, program, deleted } = server;
        let restart = "restart the Claude Code session that it belongs to";
        match version {
            Some(version) if version == env!("CARGO_PKG_VERSION") && !deleted => {
                report.ok(format!("process {pid}: version {version}"));
            }
            Some(version) if *deleted => {
                let message = format!("process {pid}: version {version}, whose file {program} was replaced or removed");
                report.warning(message, restart);
            }
            Some(version) => {
                let message =
                    format!("process {pid}: version {version} ({program}), this is {}", env!("CARGO_PKG_VERSION"));
                report.warning(message, restart);
            }
            None => {
                let message = format!("process {pid}: another implementation or unknown version ({program})");
                report.warning(message, restart);
            }
        }
    }

    /// A server that reads another file than this program: the kernel has the environment that it was started with.
    fn tell_place(report: &mut Report, server: &RunningServer, here: &Environment) {
        let Ok(block) = fs::read(format!("/proc/{}/environ", server.pid)) else { return };
        let Ok(current) = fs::read_link(format!("/proc/{}/cwd", server.pid)) else { return };
        let lookup = |name: &str| {
            let entries = block.split(|byte| *byte == 0).map(OsStr::from_bytes);
            let mut values =
                entries.filter_map(|entry| entry.as_bytes().strip_prefix(name.as_bytes())?.strip_prefix(b"="));
            values.next().map(|value| OsStr::from_bytes(value).to_owned())
        };
        let Ok(there) = Environment::from_lookup(current, &lookup, std::env::home_dir) else { return };
        let (ours, theirs) = (path::config_path(here), path::config_path(&there));
        if !places::same(&ours, &theirs) {
            let message = format!("process {} reads {}, this program {}", server.pid, theirs.display(), ours.display());
            report.warning(message, "set the same variables where Claude Code and this shell are started");
        }
    }

    /// The servers of this user.
    fn find() -> Vec<RunningServer> {
        let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
        let own = rustix::process::getuid().as_raw();
        let mut servers = processes
            .flatten()
            .filter(|entry| entry.metadata().is_ok_and(|metadata| metadata.uid() == own))
            .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
            .filter(|pid| is_server(*pid))
            .map(describe)
            .collect::<Vec<_>>();
        servers.sort_by_key(|server| server.pid);
        servers
    }

    /// Whether its command line is ours with `serve`, started directly or by an interpreter.
    fn is_server(pid: i32) -> bool {
        let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) else { return false };
        let words = line.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect::<Vec<_>>();
        let program = words.iter().take(2).position(|word| is_ours_by_name(word));
        program.is_some_and(|at| words.get(at + 1).is_some_and(|verb| verb == "serve"))
    }

    fn is_ours_by_name(path: &str) -> bool {
        Path::new(path.trim_end_matches(DELETED)).file_name().is_some_and(|name| name == SERVER_NAME)
    }

    fn describe(pid: i32) -> RunningServer {
        let program = fs::read_link(exe(pid)).map_or_else(|_| "?".to_owned(), |path| path.display().to_string());
        let deleted = program.ends_with(DELETED);
        RunningServer { pid, program: program.trim_end_matches(DELETED).to_owned(), deleted }
    }

    fn exe(pid: i32) -> PathBuf {
        PathBuf::from(format!("/proc/{pid}/exe"))
    }

    fn is_this_program(pid: i32) -> bool {
        let id = |path: &Path| Identity::at(path).ok().flatten();
        id(&exe(pid)).is_some() && id(&exe(pid)) == id(Path::new("/proc/self/exe"))
    }

    /// What the running program itself says, also when its file is gone.
    fn ask(pid: i32) -> Option<String> {
        let mut command = Command::new(exe(pid));
        command.arg("--version");
        let done = subprocess::run(command, VERSION_LIMIT).ok().filter(|done| done.status.success())?;
        done.stdout.lines().next()?.strip_prefix(SERVER_NAME).map(|version| version.trim().to_owned())
    }
}
