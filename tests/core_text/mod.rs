//! The pure text core: prompts, command lines, claude's events, answers.

mod answer;
mod command_line;
mod events;
mod fuzz_replay;
mod ids;
mod limit;
mod prompt;
mod schema;
mod status_line;
mod support;
mod text;
mod verdict;
