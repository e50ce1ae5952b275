//! Parse, call, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    agent_dispatch::cli::logging::start();
    agent_dispatch::cli::run(std::env::args_os().collect())
}
