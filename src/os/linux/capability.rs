//! What an old kernel or a container lacks.

use rustix::fs::inotify;
use rustix::process::{PidfdFlags, getpid, pidfd_open};

use crate::os::capability::Lack;
use crate::os::process::shows_marks;
use crate::os::reading::refusal;

pub fn used() -> &'static str {
    if shows_marks() {
        "Linux: processes by /proc and handles, news of jobs by inotify"
    } else {
        "Linux: processes by ps, news of jobs by inotify"
    }
}

/// Claude Code 2.1.332 asks it for the real path of each directory; 2.1.300 crashes. What a run starts in a session of its own,
/// and a run that lost its supervisor, could not be ended either.
pub fn stopping() -> Option<Lack> {
    let what =
        "/proc is not mounted: without it Claude Code crashes or takes every directory for missing, and no run works";
    let remedy = Some("mount it, as `mount -t proc proc /proc` does");
    (!shows_marks()).then(|| Lack { what: what.to_owned(), remedy, stops_runs: true })
}

pub fn lacks() -> Vec<Lack> {
    let mut lacks = Vec::from_iter(stopping());
    lacks.extend(refusal::of_handles(pidfd_open(getpid(), PidfdFlags::empty()).map(drop)));
    let watch = inotify::init(inotify::CreateFlags::CLOEXEC)
        .and_then(|watch| inotify::add_watch(&watch, c"/", inotify::WatchFlags::DELETE_SELF));
    lacks.extend(refusal::of_watches(watch.map(drop)));
    lacks
}
