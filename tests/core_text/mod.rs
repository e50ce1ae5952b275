//! The pure text core: prompts, command lines, claude's events, answers.

mod activity;
mod aggregate;
mod answer;
mod command_line;
mod denied;
mod dialogue;
mod events;
mod failures;
mod fuzz_replay;
mod ids;
mod limit;
mod prompt;
mod schema;
mod shorten;
mod status_line;
mod support;
mod text;
mod usage;
mod verdict;
