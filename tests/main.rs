//! All integration tests, in one binary.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed; the panic names the line")]

mod cli;
mod config;
mod core_text;
mod differential;
mod docs;
mod fake_claude;
mod fs;
mod jobs;
mod mcp;
mod model;
mod os;
mod packages;
mod real_claude;
mod scenarios;
mod shell;
mod spec;
mod support;
mod tidy;
