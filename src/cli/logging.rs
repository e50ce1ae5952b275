//! Logs for whoever looks for a fault: off, unless `AGENT_DISPATCH_LOG` names a filter. They go to standard error, and to
//! one file beside the jobs: a supervisor has no standard error, and a job's life goes through several processes.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tracing::Level;
use tracing_subscriber::filter::{FilterExt, Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

use super::output;
use crate::config::path::{self, Environment};
use crate::fs::owner_only;
use crate::os::process::SUPERVISE;
use crate::shell::environment;

/// The log beside the jobs.
const FILE: &str = ".log";
/// The one before it.
const OLD_FILE: &str = ".log.1";
/// When a new one is begun, in bytes: tens of thousands of jobs at `info`.
const FILE_BYTES: u64 = 8 * 1024 * 1024;
/// Our own modules. Others' lines may hold whole messages, prompts and answers included: they are for `trace` only.
const OURS: &str = "agent_dispatch";

/// Starts logging where it is asked for. `arguments` begin with the program's name. A filter that cannot be read is told and
/// stops nothing.
pub fn start(arguments: &[OsString]) {
    let Some(filter) = std::env::var_os(environment::LOG).filter(|filter| !filter.is_empty()) else { return };
    // Its standard error is a ticket for a slot.
    let supervises = arguments.get(1).is_some_and(|verb| verb == SUPERVISE);
    let targets = match filter.to_string_lossy().parse::<Targets>() {
        Ok(targets) => targets,
        Err(_) if supervises => return,
        Err(error) => {
            return output::warning(&format!(
                "{} is not a filter such as `debug` or `agent_dispatch=trace`: {error}",
                environment::LOG
            ));
        }
    };
    let given = arguments.get(2).filter(|_| supervises).map(PathBuf::from);
    let sink = Sink {
        // Why there is no place for jobs is told by whoever needs one.
        jobs: given.or_else(|| Environment::of_process().ok().map(|environment| path::jobs_dir(&environment))),
        has_standard_error: !supervises,
    };
    let all = targets.clone();
    let private = filter_fn(move |of| is_ours(of.target()) || all.would_enable(of.target(), &Level::TRACE));
    let layer = fmt::layer().with_writer(move || sink.clone()).with_ansi(false).with_filter(targets.and(private));
    // It fails where logging was started already, which a process does once.
    drop(registry().with(layer).try_init());
}

fn is_ours(target: &str) -> bool {
    target.strip_prefix(OURS).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Where lines go. Each one comes as a whole.
#[derive(Clone)]
struct Sink {
    jobs: Option<PathBuf>,
    has_standard_error: bool,
}

impl Write for Sink {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.has_standard_error {
            io::stderr().write_all(line)?;
        }
        // Without a jobs directory there are no jobs yet; a full disk is no reason to fail.
        drop(self.jobs.as_ref().map(|jobs| append(jobs, line)));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One write at the end of the file: lines of several processes do not mix.
fn append(jobs: &Path, line: &[u8]) -> io::Result<()> {
    let path = jobs.join(FILE);
    let open = || owner_only::create_or_append(&path);
    let mut file = open()?;
    if file.metadata()?.len() > FILE_BYTES {
        std::fs::rename(&path, jobs.join(OLD_FILE))?;
        file = open()?;
    }
    file.write_all(line)
}
