//! `agents.yaml`: where it is, what it says, and how it is changed without disturbing what the user wrote.
//!
//! Reading gives positions ([`read`]), one bad entry disables itself alone ([`model::Entry`]), and every change
//! ([`edit`], [`write`]) is checked against a second reading before it reaches the disk.
pub mod argument;
pub mod cached;
pub mod change;
pub mod claude_settings;
pub mod describe;
pub mod detect;
pub mod edit;
mod entries;
pub mod expand;
mod flow;
pub mod group;
pub mod groups;
mod guard;
mod items;
pub mod listing;
mod locate;
pub mod mcp_file;
mod misnamed;
pub mod model;
pub mod name;
mod node;
pub mod number;
mod parse;
mod pass;
pub mod path;
pub mod plan;
mod problem;
mod raw;
pub mod read;
mod repair;
pub mod repository;
pub mod rewrite;
pub mod rights;
mod rules;
mod schemas;
pub mod settings;
mod shapes;
pub mod snapshot;
mod splice;
pub mod threads;
mod tree;
pub mod write;
