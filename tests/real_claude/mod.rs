//! The real Claude Code CLI from npm against a stub of the Messages API on loopback.
//!
//! Three suites. [`contract`]: every claim that `fake-claude` embodies, checked on the CLI itself, so that a new version
//! shows what changed. [`end_to_end`]: whole dispatches, with a real `claude` on both sides. [`plugin`]: the plugin for it.
//!
//! # When they run
//! They need npm, its registry and 360 MB on disk, so plain `cargo test` leaves them out:
//!
//! ```text
//! cargo test                                                     # each is listed as `ignored`, with the reason
//! AGENT_DISPATCH_REAL_CLAUDE=1 cargo test --features real-claude # each runs
//! tests/real_claude/span                                         # each runs on the oldest, a middle and the newest version
//! ```
//!
//! A test that returns early would be counted as passed, which says something that is not so. The test harness has
//! one honest word for "did not run", `ignored`, and that is decided when the test is compiled: hence a cargo feature
//! that carries no code, and the [`real_tests`] macro that turns it into the attribute. The environment variable is the
//! request; a request that the build cannot fulfil fails in [`says_which_mode_is_used`] instead of passing unseen.
//! That test always runs and writes past the harness's capture, so that the log of every run names the mode.
#![expect(clippy::unwrap_used, reason = "a test that meets an unexpected None or Err has failed, and says where")]

mod contract;
mod end_to_end;
mod install;
mod notes;
mod plugin;
mod request;
mod run;
mod since;
mod stub;

use std::io::Write;

/// Asks for the real CLI.
const ASKED_ENV: &str = "AGENT_DISPATCH_REAL_CLAUDE";

/// Declares tests that need the real CLI.
macro_rules! real_tests {
    ($($(#[$meta:meta])* fn $name:ident() $body:block)+) => {$(
        $(#[$meta])*
        #[test]
        #[cfg_attr(
            not(feature = "real-claude"),
            ignore = "needs the real CLI: AGENT_DISPATCH_REAL_CLAUDE=1 cargo test --features real-claude"
        )]
        fn $name() {
            crate::real_claude::since::hold(concat!(module_path!(), "::", stringify!($name)), || $body);
        }
    )+};
}
use real_tests;

#[test]
fn says_which_mode_is_used() {
    let asked = std::env::var_os(ASKED_ENV).is_some_and(|value| !value.is_empty() && value != "0");
    let compiled = cfg!(feature = "real-claude");
    assert!(
        compiled || !asked,
        "{ASKED_ENV} asks for the real CLI, but this build leaves its tests out: add `--features real-claude`"
    );
    let mode = if compiled {
        let (version, (differ, may)) = (install::version(), since::differing());
        let path = install::claude().display();
        format!(
            "real_claude: runs Claude Code {version} from {path}; {differ} claims must differ there, {may} may (since.rs)"
        )
    } else {
        format!("real_claude: NOT run (ignored); to run: {ASKED_ENV}=1 cargo test --features real-claude real_claude")
    };
    // Not `println!`: the harness would keep it to itself.
    writeln!(std::io::stderr(), "\n{mode}").unwrap();
}
