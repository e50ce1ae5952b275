//! This program, as `/proc` and `prctl` have it.

use std::path::PathBuf;

use crate::os::posix;

pub fn own() -> PathBuf {
    let own = PathBuf::from("/proc/self/exe");
    if own.exists() { own } else { posix::program::own() }
}

pub fn show_name() {
    if let Err(error) = rustix::thread::set_name(c"agent-dispatch") {
        tracing::debug!(%error, "process not named");
    }
}

/// What no interpreter is registered for is told as what is no program at all.
pub const fn is_for_another_processor(_error: i32) -> bool {
    false
}
