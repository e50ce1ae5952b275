//! What this program does as a contestant itself.

use std::ffi::OsStr;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;

/// A result event as the CLI prints it, with what an answer needs.
pub const RESULT: &str = r#"{"type":"result","subtype":"success","is_error":false,"duration_ms":100,"num_turns":1,"result":"done","stop_reason":"end_turn","session_id":"00000000-0000-4000-8000-000000000000","total_cost_usd":0.01,"permission_denials":[]}"#;

/// How long the trivial child takes, in milliseconds.
pub const CHILD_MS: &str = "BUDGETS_CHILD_MS";

/// The least that a kind of work can cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Floor {
    /// Answers every line, without reading more of it than its id.
    Lines,
    /// Ends at once.
    Nothing,
}

/// Runs as a floor, to the end of the input.
pub fn run(floor: Floor) {
    match floor {
        // A closed pipe ends it, like the end of the input.
        Floor::Lines => drop(answer_lines()),
        Floor::Nothing => {}
    }
}

/// Whether this program was started under the name of the CLI: then it is the trivial child.
pub fn is_child() -> bool {
    std::env::args_os().next().is_some_and(|name| Path::new(&name).file_name() == Some(OsStr::new("claude")))
}

/// The trivial child: reads nothing, waits as long as it is told, and gives an answer.
pub fn child() {
    let wait = std::env::var(CHILD_MS).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    std::thread::sleep(Duration::from_millis(wait));
    // Whoever does not read it notices.
    drop(writeln!(io::stdout(), "{RESULT}"));
}

fn answer_lines() -> io::Result<()> {
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let mut line = String::new();
    while input.read_line(&mut line)? > 0 {
        if let Some(id) = id_of(&line) {
            output.write_all(format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{}}}}\n").as_bytes())?;
            output.flush()?;
        }
        line.clear();
    }
    Ok(())
}

/// The number behind the first `"id":` of a message that this runner's client wrote.
fn id_of(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("\"id\":")?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..end).filter(|id| !id.is_empty())
}
