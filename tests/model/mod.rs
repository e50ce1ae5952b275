//! Random walks over the machines, judged from the history of what happened, never by a second machine.
//!
//! A failure prints its shrunk walk; `PROPTEST_CASES` sets how many are tried, `tests/proptest-regressions` keeps those
//! that once failed.

mod cache;
mod cache_list;
mod dialogue;
mod dispatch;
mod dispatch_history;
mod job;
mod life;
mod life_moves;
mod life_resources;
mod life_supervisor;
mod life_world;
mod parallel;
mod part;
mod search;
mod slots;
mod slots_world;
mod takeover;

use proptest::test_runner::{Config, FileFailurePersistence};

/// Where shrunk failures are kept; checked in, so that they are tried first ever after.
const REGRESSIONS: &str = "tests/proptest-regressions/model.txt";
/// Walks tried for each property. All of them take about a second together in a debug build.
const WALKS: u32 = 512;

/// `PROPTEST_CASES` outranks the number here.
fn walks() -> Config {
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { Config::default().cases } else { WALKS };
    let failure_persistence = Some(Box::new(FileFailurePersistence::Direct(REGRESSIONS)) as _);
    Config { cases, failure_persistence, ..Config::default() }
}
