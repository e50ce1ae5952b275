//! What POSIX lacks.

use crate::os::capability::Lack;
use crate::os::posix::process::can_list;
use crate::os::reading::refusal::no_news;

pub const fn used() -> &'static str {
    "POSIX: processes by ps, and looks in place of news of jobs"
}

pub const fn stopping() -> Option<Lack> {
    None
}

pub fn lacks() -> Vec<Lack> {
    let mark = "the environment of a process is not shown: what a run starts in a session of its own is told by its \
                ancestors, once a second, and is not ended with the run when they have ended before";
    let mut lacks =
        vec![Lack { what: mark.to_owned(), remedy: None, stops_runs: false }, no_news("POSIX has none", None)];
    if !can_list() {
        let what = "ps does not list the processes: of a run only its process group is ended, and of one that lost its \
                    supervisor nothing";
        lacks.push(Lack {
            what: what.to_owned(),
            remedy: Some("install ps (of procps, say), or allow it"),
            stops_runs: false,
        });
    }
    lacks
}
