//! What a refused system call says of the system.

use rustix::io::{Errno, Result};

use crate::os::capability::Lack;

/// What the attempt to get a handle of a process tells.
#[must_use]
pub fn of_handles(tried: Result<()>) -> Option<Lack> {
    let error = tried.err()?;
    let what = format!("no handles of processes ({error}): one is signalled by its id, after a last look at it");
    let remedy = match error {
        Errno::NOSYS => "a kernel of Linux 5.3 or newer has them",
        _ => "allow the system call pidfd_open in this container",
    };
    Some(Lack { what, remedy: Some(remedy), stops_runs: false })
}

/// What the attempt to watch a directory by inotify tells.
#[must_use]
pub fn of_watches(tried: Result<()>) -> Option<Lack> {
    let error = tried.err()?;
    let remedy = match error {
        Errno::MFILE => {
            "end programs that watch files, or raise the limit: `sysctl fs.inotify.max_user_instances=1024`"
        }
        Errno::NOSPC => {
            "end programs that watch files, or raise the limit: `sysctl fs.inotify.max_user_watches=524288`"
        }
        _ => "allow the system call inotify_init1 in this container",
    };
    Some(no_news(&error.to_string(), Some(remedy)))
}

/// Without news of files, for that reason.
#[must_use]
pub fn no_news(why: &str, remedy: Option<&'static str>) -> Lack {
    Lack {
        what: format!("no news of files ({why}): whoever waits for a job looks again and again"),
        remedy,
        stops_runs: false,
    }
}
