//! The prompt: positional, stdin, and what never reaches the model (CLI contract, chapter 5).

use std::io::{IsTerminal, Read, Write};
use std::sync::mpsc;
use std::time::Duration;

use rustix::fs::FileType;

use crate::Stop;

/// More on stdin than this is refused.
const STDIN_LIMIT_BYTES: u64 = 10 * 1024 * 1024;
/// A silent pipe is given up after this time, as long as no byte came.
const FIRST_BYTE_WAIT_S: u64 = 3;

/// The prompt as the model would get it.
pub fn prompt(positional: Option<&str>) -> Result<String, Stop> {
    let stdin = stdin_text()?;
    let prompt = match (positional.unwrap_or_default(), stdin) {
        ("", text) => text,
        (word, text) if text.is_empty() => word.to_owned(),
        (word, text) => format!("{word}\n{text}"),
    };
    if prompt.is_empty() {
        return Err(Stop::error(
            "Error: Input must be provided either through stdin or as a prompt argument when using --print\n"
                .to_owned(),
        ));
    }
    if prompt.trim().is_empty() {
        return Err(Stop::error("Error: No messages returned from query\n".to_owned()));
    }
    Ok(prompt)
}

fn stdin_text() -> Result<String, Stop> {
    if std::io::stdin().is_terminal() {
        return Ok(String::new());
    }
    let may_block = rustix::fs::fstat(std::io::stdin())
        .is_ok_and(|stat| matches!(FileType::from_raw_mode(stat.st_mode), FileType::Fifo | FileType::Socket));
    let bytes = if may_block { read_patiently() } else { read_all(Vec::new()) };
    if bytes.len() as u64 > STDIN_LIMIT_BYTES {
        return Err(Stop::error(
            "Error: piped stdin input exceeds 10MB. Pass large content as a file path in your prompt instead.\n"
                .to_owned(),
        ));
    }
    Ok(String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
}

/// Reads to the end, or one byte past the limit.
fn read_all(mut bytes: Vec<u8>) -> Vec<u8> {
    let left = (STDIN_LIMIT_BYTES + 1).saturating_sub(bytes.len() as u64);
    // An unreadable stdin is an empty one: the prompt is then missing, and that is said.
    let _ = std::io::stdin().lock().take(left).read_to_end(&mut bytes);
    bytes
}

/// Waits for the first byte a while, and after it without end: a pipe that is never closed hangs the CLI.
fn read_patiently() -> Vec<u8> {
    let (sender, first) = mpsc::channel();
    std::thread::spawn(move || {
        let mut byte = [0];
        let n = std::io::stdin().lock().read(&mut byte).unwrap_or(0);
        // Nobody listens any more when the wait was given up.
        let _ = sender.send(byte[..n].to_vec());
    });
    match first.recv_timeout(Duration::from_secs(FIRST_BYTE_WAIT_S)) {
        Ok(bytes) if bytes.is_empty() => bytes,
        Ok(bytes) => read_all(bytes),
        Err(_) => {
            let _ = writeln!(
                std::io::stderr().lock(),
                "Warning: no stdin data received in 3s, proceeding without it. If piping from a slow command, redirect stdin \
                 explicitly: < /dev/null to skip, or wait longer."
            );
            Vec::new()
        }
    }
}

/// What happens to a prompt before the model sees it.
pub enum Routed {
    /// It goes to the model, perhaps as another text.
    Model(String),
    /// A local command took it; this is the whole answer.
    Local(String),
}

/// Commands that exist only in interactive use.
const INTERACTIVE_ONLY: &[&str] = &["help", "model", "exit", "config", "login", "logout", "status", "permissions"];

/// Takes out local commands: `/word` at the very start, followed by white space or nothing.
pub fn route(prompt: String) -> Routed {
    let Some(rest) = prompt.strip_prefix('/') else { return Routed::Model(prompt) };
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "_:-".contains(c))).unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    if word.is_empty() || !(after.is_empty() || after.starts_with(char::is_whitespace)) {
        return Routed::Model(prompt);
    }
    match word {
        "clear" => Routed::Local(String::new()),
        "init" => Routed::Model("Please analyze this codebase and create a CLAUDE.md file.".to_owned()),
        "review" => Routed::Model("You are an expert code reviewer. Follow these steps.".to_owned()),
        word if INTERACTIVE_ONLY.contains(&word) => {
            Routed::Local(format!("/{word} isn't available in this environment."))
        }
        _ => Routed::Model(prompt),
    }
}
