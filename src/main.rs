//! Parse, call, exit code.

use std::path::PathBuf;
use std::process::ExitCode;

use agent_dispatch::config::path::Environment;
use agent_dispatch::machines::ids::JobId;
use agent_dispatch::mcp::{serve, tools::Desk};
use agent_dispatch::shell::engine::SUPERVISE;
use agent_dispatch::shell::supervisor;

fn main() -> ExitCode {
    let arguments = std::env::args().collect::<Vec<_>>();
    let environment = Environment::of_process();
    match arguments.get(1).map(String::as_str) {
        Some("serve") => {
            let desk = Desk::new(environment);
            match serve::run(desk) {
                Ok(()) => ExitCode::SUCCESS,
                Err(_) => ExitCode::FAILURE,
            }
        }
        Some(SUPERVISE) => {
            let id = JobId::try_from(arguments[3].as_str());
            match id.map(|id| supervisor::run(&PathBuf::from(&arguments[2]), id)) {
                Ok(Ok(())) => ExitCode::SUCCESS,
                _ => ExitCode::FAILURE,
            }
        }
        _ => ExitCode::FAILURE,
    }
}
