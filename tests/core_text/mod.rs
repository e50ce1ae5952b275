//! The pure text core: prompts, command lines, claude's events, answers.

mod answer;
mod command_line;
mod events;
mod fuzz_replay;
mod ids;
mod prompt;
mod status_line;
mod support;
mod text;
mod usage;
mod verdict;
