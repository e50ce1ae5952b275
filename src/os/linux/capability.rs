//! What an old kernel or a container lacks.

use rustix::fs::inotify;
use rustix::process::{PidfdFlags, getpid, pidfd_open};

use crate::os::capability::Lack;
use crate::os::process::shows_marks;
use crate::os::reading::refusal;

pub const USED: &str = "Linux: processes by /proc and handles, news of jobs by inotify";

pub fn lacks() -> Vec<Lack> {
    let mut lacks = Vec::new();
    if !shows_marks() {
        let what = "/proc is not mounted: what a run starts in a session of its own is not ended with it, and a run that \
                    lost its supervisor can be waited for, but not ended";
        lacks.push(Lack { what: what.to_owned(), remedy: Some("mount /proc, as `mount -t proc proc /proc` does") });
    }
    lacks.extend(refusal::of_handles(pidfd_open(getpid(), PidfdFlags::empty()).map(drop)));
    let watch = inotify::init(inotify::CreateFlags::CLOEXEC)
        .and_then(|watch| inotify::add_watch(&watch, c"/", inotify::WatchFlags::DELETE_SELF));
    lacks.extend(refusal::of_watches(watch.map(drop)));
    lacks
}
