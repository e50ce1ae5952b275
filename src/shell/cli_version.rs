//! Which version the claude CLI has that a run is about to start.
//!
//! Asking costs two tenths of a second, so it is asked only where something depends on it, and the answer is remembered
//! for the program: a small file beside the slots, which every process of the user reads.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::process::Command;

use super::environment::{self, Changes};
use super::{clock, known, slots};
use crate::machines::cli_version::Version;

const FILE: &str = "claude_version";
/// How long `claude --version` may take. It usually takes 0.2 s.
const LIMIT: Duration = Duration::from_secs(5);
/// How long an answer is relied on, in seconds. A program that is replaced is noticed by its size and time at once; a
/// wrapper that stays the same while the CLI behind it is updated, after this.
const RELIED_ON_S: f64 = 24.0 * 3600.0;

/// A program as it was when it was asked, and what it said.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Asked {
    program: PathBuf,
    size: u64,
    /// Its last change, in Unix milliseconds.
    changed_ms: u128,
    /// In Unix seconds.
    asked_at: f64,
    /// Nothing where it printed no version.
    version: Option<String>,
}

/// The version of this program; `None` where it does not tell one.
pub async fn of(program: &Path, environment: &Changes, jobs: &Path) -> Option<Version> {
    let (size, changed_ms) = stamp(program).ok()?;
    let now = clock::unix_seconds();
    let is_the_same = |asked: &Asked| {
        asked.program == program
            && (asked.size, asked.changed_ms) == (size, changed_ms)
            && (0.0..RELIED_ON_S).contains(&(now - asked.asked_at))
    };
    let file = slots::directory(jobs).join(FILE);
    if let Some(asked) = known::read(&file).filter(is_the_same) {
        return asked.version.as_deref().and_then(Version::parse);
    }
    let version = ask(program, environment).await;
    let told = version.map(|version| version.to_string());
    let asked = Asked { program: program.to_owned(), size, changed_ms, asked_at: now, version: told };
    // A note that cannot be made costs the next run the question.
    let noted = serde_json::to_vec(&asked).map_err(io::Error::from).and_then(|bytes| known::write(&file, &bytes));
    if let Err(error) = noted {
        tracing::debug!(%error, "the version of the claude CLI cannot be noted");
    }
    version
}

async fn ask(program: &Path, environment: &Changes) -> Option<Version> {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    environment::apply(environment, &mut command);
    let output = tokio::time::timeout(LIMIT, command.output()).await.ok()?.ok()?;
    Version::parse(&String::from_utf8_lossy(&output.stdout))
}

/// Size and last change.
fn stamp(program: &Path) -> io::Result<(u64, u128)> {
    let metadata = fs::metadata(program)?;
    let changed = metadata.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Ok((metadata.len(), changed.as_millis()))
}
