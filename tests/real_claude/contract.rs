//! What the product relies on in the CLI, and what `fake-claude` plays.
//!
//! Texts of the CLI change between versions: only the words that carry the meaning are compared.

mod denials;
mod errors;
mod flags;
mod mcp;
mod permissions;
mod processes;
mod prompts;
mod results;
mod schema;
mod sessions;
mod tasks;
mod tools;
