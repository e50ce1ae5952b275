//! Which MCP servers the agents lacked in their last runs: a line for each change, `jobs/.known/mcp-servers`, in two
//! generations of bounded size. A directory that was pushed out, or whose line could not be written, is told of again by
//! its next run.
//!
//! Not in the usage journal: that may be switched off, knows agents by name and not by directory, and another
//! implementation writes lines into it that would say that all is well.
//!
//! Written when claude has told of its servers, where that is news; read when agents are listed.

use std::path::Path;

use super::generations::Generations;
use super::{clock, known};
use crate::machines::events::McpServer;
use crate::machines::mcp_servers::{ConfigFile, Notes, ServerReport};
use crate::machines::plan::RunPlan;

const FILE: &str = "mcp-servers";
/// A generation of this size, in bytes, is moved aside: some 400 lines, so that about as many directories are known, and
/// that both are read in less than a millisecond.
const MAX_BYTES: u64 = 64 * 1024;

/// Notes what a run told of its servers. `began_at`: when it began, in Unix seconds, where it told some time ago. Whatever
/// goes wrong is only logged: the next run tells again.
pub fn note(jobs: &Path, plan: &RunPlan, servers: &[McpServer], file: ConfigFile, began_at: Option<f64>) {
    let Some(directory) = plan.known_directory() else { return };
    let now = clock::whole_unix_seconds();
    let at = began_at.map_or(now, |began_at| now.min(clock::whole(began_at)));
    let told = ServerReport { directory, servers, file, at, now };
    let Some(note) = told.note(all(jobs).last(directory)) else { return };
    if let Err(error) = lines(jobs).append(&note.to_line()) {
        tracing::debug!(%error, "the servers that an agent lacks are not noted");
    }
}

/// What is known. Reads files; those that cannot be read tell nothing.
#[must_use]
pub fn all(jobs: &Path) -> Notes {
    let mut notes = Notes::default();
    lines(jobs).newest_first().for_each(|lines| notes.add_older(&lines));
    notes
}

fn lines(jobs: &Path) -> Generations {
    Generations::at(known::file(jobs, FILE), MAX_BYTES)
}
