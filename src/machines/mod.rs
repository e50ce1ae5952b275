//! machines
pub mod answer;
pub mod command_line;
pub mod events;
pub mod ids;
pub mod plan;
pub mod prompt;
pub mod protocol;
pub mod status_line;
pub mod text;
pub mod verdict;
