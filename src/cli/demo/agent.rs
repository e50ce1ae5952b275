//! The simulated agent: stands in for the claude CLI in the demo. It knows the flags that a dispatch uses, prints the same
//! events, keeps its sessions, and answers from the files it finds. No model is asked.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cli::failure::{ExitCode, Failure};
use crate::cli::output;

/// The name that this program has when it plays: the demo makes a link, since a script would need a shell.
pub const NAME: &str = "simulated-agent";
/// Names the directory where sessions are kept; without it nobody plays a demo.
pub const SESSIONS_VARIABLE: &str = "AGENT_DISPATCH_DEMO_SESSIONS";

/// How long a look at a file takes: long enough to be seen.
const LOOK: Duration = Duration::from_millis(300);
/// How long a month of the books takes at first: six of them do not fit into the agent's two seconds.
const MONTH: Duration = Duration::from_millis(800);
/// How long one takes when the session goes on, for the sake of who watches.
const MONTH_RESUMED: Duration = Duration::from_millis(150);
/// Most that is read of a prompt, in bytes: as the CLI.
const MAX_PROMPT_BYTES: u64 = 10 * 1024 * 1024;

/// Which session a run belongs to.
struct DemoSession {
    id: String,
    resumed: bool,
    file: PathBuf,
}

/// A run that began.
struct DemoRun {
    session: DemoSession,
    began: Instant,
    turns: u32,
}

/// Answers one prompt.
pub fn run(arguments: &[OsString]) -> Result<ExitCode, Failure> {
    let words = arguments.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>();
    if words.iter().any(|word| word == "--version") {
        output::data("0.0.0 (simulated agent of agent-dispatch)")?;
        return Ok(ExitCode::Success);
    }
    let Some(sessions) = std::env::var_os(SESSIONS_VARIABLE) else {
        return Err(Failure::new("the simulated agent only plays in `agent-dispatch demo`"));
    };
    let value = |flag: &str| words.iter().find_map(|word| word.strip_prefix(flag));
    let (id, resumed) = match (value("--resume="), value("--session-id=")) {
        (Some(id), _) => (id, true),
        (None, Some(id)) => (id, false),
        (None, None) => return Err(Failure::new("the simulated agent needs --session-id=… or --resume=…")),
    };
    // Whatever the id is, it names a file in this directory and nowhere else.
    let name = id.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-').collect::<String>();
    let file = PathBuf::from(sessions).join(name);
    if resumed && !file.exists() {
        return Err(Failure::new(format!("No conversation found with session ID: {id}")));
    }
    let mut prompt = String::new();
    std::io::stdin()
        .take(MAX_PROMPT_BYTES)
        .read_to_string(&mut prompt)
        .map_err(|error| Failure::new(format!("the prompt cannot be read: {error}")))?;
    let session = DemoSession { id: id.to_owned(), resumed, file };
    DemoRun { session, began: Instant::now(), turns: 1 }.answer()?;
    Ok(ExitCode::Success)
}

impl DemoRun {
    fn answer(mut self) -> Result<(), Failure> {
        let cwd = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        let id = self.session.id.clone();
        event(&json!({"type": "system", "subtype": "init", "cwd": cwd, "session_id": id, "model": "simulated",
            "permissionMode": "default", "tools": ["Read"], "mcp_servers": []}))?;
        let months = csv_files(&cwd);
        let answer = if months.is_empty() { self.describe(&cwd)? } else { self.audit(&months)? };
        self.say(&answer)?;
        let took = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        event(&json!({"type": "result", "subtype": "success", "is_error": false, "duration_ms": took,
            "duration_api_ms": 0, "num_turns": self.turns, "result": answer, "stop_reason": "end_turn",
            "session_id": id, "total_cost_usd": 0.0, "usage": {}, "modelUsage": {}, "permission_denials": []}))
    }

    /// What project this is, from its own words.
    fn describe(&mut self, cwd: &Path) -> Result<String, Failure> {
        self.remember(0)?;
        self.say("I look at CLAUDE.md first.")?;
        self.uses("Read", "CLAUDE.md")?;
        let about = fs::read_to_string(cwd.join("CLAUDE.md")).unwrap_or_default();
        let about = about.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
        Ok(format!("{}\nSTATUS: done", about.unwrap_or("This project does not say what it is.")))
    }

    /// Checks one file after the other, and goes on where an earlier run of the session was cut off.
    fn audit(&mut self, months: &[PathBuf]) -> Result<String, Failure> {
        let done = if self.session.resumed { self.remembered().min(months.len()) } else { 0 };
        let pace = if self.session.resumed { MONTH_RESUMED } else { MONTH };
        if done > 0 {
            self.say(&format!("I remember: {done} of {} months are checked. Going on.", months.len()))?;
        }
        let sums = months.iter().map(|month| total(month)).collect::<Vec<_>>();
        self.remember(done)?;
        for (at, month) in months.iter().enumerate().skip(done) {
            std::thread::sleep(pace);
            let name = month.file_name().unwrap_or_default().to_string_lossy();
            self.say(&format!("{name}: {:.2}, balanced", sums[at]))?;
            self.remember(at + 1)?;
        }
        let sum = sums.iter().sum::<f64>();
        let begun = if done > 0 { format!(", the first {done} before the time ran out") } else { String::new() };
        Ok(format!("All {} months are checked{begun}: {sum:.2} in all.\nSTATUS: done", months.len()))
    }

    fn remembered(&self) -> usize {
        fs::read_to_string(&self.session.file).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    }

    fn remember(&self, done: usize) -> Result<(), Failure> {
        fs::write(&self.session.file, done.to_string())
            .map_err(|error| Failure::new(format!("the session cannot be kept: {error}")))
    }

    fn say(&self, text: &str) -> Result<(), Failure> {
        self.assistant(&json!({"type": "text", "text": text}))
    }

    fn uses(&mut self, tool: &str, file: &str) -> Result<(), Failure> {
        self.turns += 1;
        std::thread::sleep(LOOK);
        self.assistant(&json!({"type": "tool_use", "id": "toolu_1", "name": tool, "input": {"file_path": file}}))?;
        std::thread::sleep(LOOK);
        event(&json!({"type": "user", "session_id": self.session.id, "message": {"role": "user", "content":
            [{"type": "tool_result", "tool_use_id": "toolu_1", "content": ""}]}}))
    }

    fn assistant(&self, block: &Value) -> Result<(), Failure> {
        event(&json!({"type": "assistant", "session_id": self.session.id, "parent_tool_use_id": null, "message":
            {"id": format!("msg_{}", self.turns), "type": "message", "role": "assistant", "model": "simulated", "content": [block],
             "stop_reason": null}}))
    }
}

fn event(value: &Value) -> Result<(), Failure> {
    output::data(&value.to_string())
}

fn csv_files(directory: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files = files.filter(|path| path.extension().is_some_and(|end| end == "csv")).collect::<Vec<_>>();
    files.sort();
    files
}

/// The sum of the last column.
fn total(file: &Path) -> f64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().filter_map(|line| line.rsplit(',').next()?.trim().parse::<f64>().ok()).sum()
}
