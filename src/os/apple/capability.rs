//! What macOS lacks that Linux has.

use crate::os::capability::Lack;

pub const fn used() -> &'static str {
    "macOS: processes by sysctl, news of jobs by kqueue"
}

pub const fn stopping() -> Option<Lack> {
    None
}

pub fn lacks() -> Vec<Lack> {
    let what = "macOS does not show the environment of the programs that Apple signs: what they start in a session of its own \
                is told by its ancestors, once a second, and is not ended with the run when they have ended before";
    vec![Lack { what: what.to_owned(), remedy: None, stops_runs: false }]
}
