//! Parse, call, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = std::env::args_os().collect::<Vec<_>>();
    agent_dispatch::cli::logging::start(&arguments);
    agent_dispatch::cli::run(arguments)
}
