//! What can be typed.

use std::path::PathBuf;

use clap::Parser;

use crate::floor::Floor;

/// Measures the budgets of agent-dispatch: cargo bench --bench budgets -- [OPTIONS] [ROWS]...
#[derive(Debug, Parser)]
#[command(name = "budgets", bin_name = "cargo bench --bench budgets --")]
pub struct Options {
    /// Groups of rows to measure; all of them when none is named
    pub rows: Vec<String>,
    /// Show the names of the groups
    #[arg(long)]
    pub list: bool,
    /// Rounds of the quick measurements; slow ones take a fixed, smaller number
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub rounds: u32,
    /// Measure Python 0.16.0 as well; installs it from PyPI below the target directory (python3 with venv and pip)
    #[arg(long)]
    pub python: bool,
    /// Measure although the machine is busy
    #[arg(long)]
    pub noisy: bool,
    /// Size of the event stream, in MB
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub stream_mb: u32,
    /// Put scratch projects below this directory instead of the target directory. (On ext4 without a journal a new file
    /// costs more, the more were removed in the last five minutes)
    #[arg(long, value_name = "DIR")]
    pub scratch: Option<PathBuf>,
    /// Measure this program instead of the one that was built with the runner
    #[arg(long, value_name = "FILE")]
    pub program: Option<PathBuf>,
    /// What cargo adds by itself
    #[arg(long, hide = true)]
    pub bench: bool,
    /// How this program starts itself as a floor
    #[arg(long, hide = true)]
    pub floor: Option<Floor>,
}
