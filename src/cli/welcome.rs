//! No verb: what this is, and the first thing to try.

use super::failure::{ExitCode, Failure};
use super::output::{self, Style};

/// Prints what this is, and what to type first.
pub fn run() -> Result<ExitCode, Failure> {
    let style = Style::of_stdout();
    let rows = [
        ("demo", "see it work: needs nothing, costs nothing, takes four seconds"),
        ("init", "set it up: agents.yaml, and the MCP server in Claude Code"),
        ("add NAME DIR", "make a project directory an agent"),
        ("test NAME", "ask an agent something; a real run, costs money"),
        ("jobs", "see what runs, and what ran in the background"),
        ("doctor", "find out what is missing"),
    ];
    let rows = rows.map(|(verb, what)| format!("  agent-dispatch {}{what}", style.bold(format_args!("{verb:<15}"))));
    output::data(&format!(
        "agent-dispatch {}: delegate work from one Claude Code project to another.\n\n{}\n\n\
         agent-dispatch --help shows the rest.",
        env!("CARGO_PKG_VERSION"),
        rows.join("\n"),
    ))?;
    Ok(ExitCode::Success)
}
