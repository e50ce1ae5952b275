//! All integration tests, in one binary.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here, with the value in the message")]

mod cli;
mod config;
mod fake_claude;
mod model;
mod real_claude;
mod spec;
