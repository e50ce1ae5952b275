//! What is said of a run that ended without a supervisor: its output has what it came to.

use super::record::Record;
use super::run_output::{RunOutput, session_began};
use super::run_progress::RunProgress;
use super::store::{JobFile, Patch, Store};
use super::{directory_facts, lacked_servers, session_file, usage};
use crate::fs::atomic::Durability;
use crate::machines::answer::Answer;
use crate::machines::conclusion::Owed;
use crate::machines::job::Event;
use crate::machines::next_call;
use crate::machines::plan::RunPlan;
use crate::machines::verdict::{self, Canceller, EndReason, Evidence};

/// Writes the usage line and the last progress of a cancelled run, if its dead supervisor did not. For whoever holds the
/// lock of the job.
pub fn account_cancelled(store: &Store, record: &Record) {
    let Ok(plan) = store.plan(&record.id) else { return };
    let state = store.summary(&record.id).ok().map(|job| job.state);
    let owed = Owed::of(state, usage::Journal::of(&plan).map(|journal| journal.mentions(&record.id)));
    if !owed.progress && !owed.line {
        return;
    }
    let (answer, progress) = judge(store, record, &plan);
    if let Some(shown) = progress.unwritten().filter(|_| owed.progress) {
        let patch = Patch { progress: Some(shown), ..Patch::default() };
        if let Err(error) = store.step(&record.id, &Event::Progress, patch, Durability::Cached) {
            tracing::debug!(id = %record.id, %error, "last progress not written");
        }
    }
    if !owed.line {
        return;
    }
    let run = usage::Run { job: &record.id, started_at: record.started_at, cancelled: true };
    if let Some(line) = usage::UsageLine::of_run(&plan, &answer, run) {
        line.write();
    }
}

/// The end of a job that nobody can go on with: why, and what is left of it.
#[must_use]
pub fn given_up(store: &Store, record: &Record, why: &str) -> Patch {
    let written = store.file(&record.id, JobFile::Stdout);
    let session = record.session_id.as_deref().filter(|_| session_began(&written));
    let way_out = match session {
        Some(session) => format!(
            "what it wrote is in {}, what it did is kept in its session: {}",
            written.display(),
            next_call::resume(&record.agent, session)
        ),
        None => "it had not begun; submit the task again".to_owned(),
    };
    Patch { error: Some(format!("{why}; {way_out}")), no_session: session.is_none(), ..Patch::default() }
}

/// What a run amounts to of which only the output is left.
fn judge(store: &Store, record: &Record, plan: &RunPlan) -> (Answer, RunProgress) {
    let mut output = RunOutput::open(&store.file(&record.id, JobFile::Stdout), 0, &plan.directory);
    let mut progress = RunProgress::default();
    let end = output.length();
    loop {
        let (signs, more) = output.read();
        progress.extend(signs);
        if !more || output.position() >= end {
            break;
        }
    }
    progress.extend(output.finish());
    if let Some(servers) = &output.mcp_servers {
        let file = directory_facts::mcp_file_of(plan);
        lacked_servers::note(store.directory(), plan, servers, file, record.started_at);
    }
    let answer = verdict::judge(Evidence {
        resumptions: record.resumptions.unwrap_or_default(),
        wall_ms: output.wall_ms(record.started_at),
        result: output.result.take(),
        last_text: output.last_text.take(),
        session_kept: output.plain.is_some() && session_file::exists(plan.session.id()),
        plain: output.plain.take(),
        stray: output.stray.take(),
        session_id: output.session_id.take(),
        begun: output.signs(true).begun,
        mcp_servers: output.mcp_servers.take().unwrap_or_default(),
        last_retry: output.last_retry.take(),
        rate_limit: output.rate_limit.take(),
        unfinished: output.tasks.unfinished(),
        ..Evidence::new(plan, EndReason::Cancelled { by: Canceller::Request })
    });
    (answer, progress)
}
