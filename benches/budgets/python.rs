//! The Python implementation, for comparison.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;

/// The version that is compared with: the last of that implementation.
pub const VERSION: &str = "0.16.0";

/// An installed Python implementation.
#[derive(Debug)]
pub struct Python {
    /// The virtual environment.
    pub home: PathBuf,
}

impl Python {
    /// Its command line program.
    pub fn program(&self) -> PathBuf {
        self.home.join("bin/agent-dispatch")
    }

    /// Its interpreter.
    pub fn interpreter(&self) -> PathBuf {
        self.home.join("bin/python")
    }
}

/// Finds it below the target directory, or installs it there.
pub fn ensure() -> Result<Python> {
    let python = Python { home: Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("python-{VERSION}")) };
    if !python.program().is_file() {
        eprintln!("budgets: installing agent-dispatch {VERSION} for Python below {}", python.home.display());
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&python.home))?;
        let wanted = format!("agent-dispatch=={VERSION}");
        run(Command::new(python.interpreter()).args(["-m", "pip", "install", "--quiet", &wanted]))?;
    }
    Ok(python)
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|error| format!("cannot start {command:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed: {status}").into()) }
}
