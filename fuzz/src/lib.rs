//! Bodies of the fuzz targets; `cargo test` replays them over the corpus and over random input.
//!
//! A body takes any bytes and panics when a promise is broken. The targets themselves are three lines each, below
//! `fuzz_targets/`.

pub mod agents_yaml;
pub mod command_line;
pub mod commander;
pub mod events;
pub mod ids;
pub mod job_record;
pub mod mcp_line;

/// A fuzz body.
pub type Body = fn(&[u8]);

/// Every target: its name, which is also that of its folder below `corpus/`, and its body.
pub const TARGETS: &[(&str, Body)] = &[
    ("command_line", command_line::check),
    ("ids", ids::check),
    ("events", events::check),
    ("agents_yaml", agents_yaml::check),
    ("job_record", job_record::check),
    ("mcp_line", mcp_line::check),
];
