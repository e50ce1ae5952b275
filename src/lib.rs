//! agent-dispatch: delegate work from one Claude Code project to another.
pub mod cli;
pub mod config;
pub mod fs;
pub mod machines;
pub mod mcp;
pub mod os;
pub mod shell;
