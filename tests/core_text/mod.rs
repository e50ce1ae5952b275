//! The pure text core: prompts, command lines, claude's events, answers.

mod activity;
mod aggregate;
mod answer;
mod cli_version;
mod command_line;
mod denied;
mod dialogue;
mod events;
mod failures;
mod fuzz_replay;
mod ids;
mod limit;
mod mcp_servers;
mod prompt;
mod reach;
mod rule;
mod schema;
mod several;
mod shorten;
mod status_line;
mod support;
mod tasks;
mod text;
mod unfinished;
mod usage;
mod verdict;
