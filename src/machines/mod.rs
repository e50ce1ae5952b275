//! The pure core: state machines that decide, and the text they decide about.
//!
//! Nothing in here reads a clock, a file, the environment or a random number: time and ids arrive inside events, and what
//! is to be done leaves as a list of effects. The one invariant every caller keeps:
//!
//! > one event → one step → persist the new state → perform its effects in order → only then the next event.
//!
//! `spec/*.yaml` declares each machine; `tests/spec` compares the shipped `step` functions with it, row by row.

pub mod access;
pub mod activity;
pub mod adoption;
pub mod answer;
pub mod apply;
pub mod cache;
pub mod call;
pub mod cancel;
pub mod cli_version;
pub mod command_line;
pub mod conclusion;
pub mod dialogue;
pub mod dispatch;
pub mod effect;
pub mod events;
pub mod flags;
pub mod ids;
pub mod job;
pub mod json;
pub mod kinship;
pub mod limit;
pub mod look_pace;
pub mod mcp_servers;
pub mod misnamed;
pub mod mode;
pub mod money;
pub mod next_call;
pub mod owners;
pub mod parallel;
pub mod part;
pub mod plan;
pub mod program;
pub mod prompt;
pub mod protocol;
pub mod reference;
pub mod registration;
pub mod rejected;
pub mod retention;
pub mod rule;
pub mod runner;
pub mod schema;
pub mod shorten;
pub mod slots;
pub mod start;
pub mod status_line;
pub mod summary;
pub mod takeover;
pub mod tasks;
pub mod text;
pub mod time;
pub mod unattended;
pub mod usage;
pub mod verdict;
