//! `job --follow`: what the agent says and does until the job ends, then its answer.

use super::event_log::{EventLog, Step};
use crate::cli::failure::{ExitCode, Failure};
use crate::cli::records::Records;
use crate::cli::runtime::interruptible;
use crate::cli::{output, wait};
use crate::config::path::Environment;
use crate::machines::ids::JobId;
use crate::shell::record::Record;

/// Follows a job to its end. What it does goes to standard error, its answer to standard output.
pub fn run(environment: &Environment, records: &Records, id: JobId) -> Result<ExitCode, Failure> {
    match interruptible(to_the_end(records, id))? {
        Some(record) => wait::conclude(environment, &record),
        None => {
            output::failure(&Failure::new(format!("interrupted; job {id} goes on")));
            wait::goes_on(&id);
            Ok(ExitCode::Interrupted)
        }
    }
}

/// Shows what comes. The kernel tells of the end; until then a look a second is enough.
async fn to_the_end(records: &Records, id: JobId) -> Result<Record, Failure> {
    // Before the first look: an end between look and watch would be missed.
    let mut watch = records.jobs.watch(&id);
    let mut log = EventLog::of(&records.store, &id);
    let mut shown = None;
    loop {
        let record = records.jobs.read(&id).map_err(|error| records.failure(&error))?;
        if shown != Some(record.status) && !record.status.is_terminal() {
            tell(&record, record.status.name());
            shown = Some(record.status);
        }
        while let Some(steps) = log.read() {
            show(&record, &steps);
            // Ctrl-C gets its turn, however much there is to show.
            tokio::task::yield_now().await;
        }
        if record.status.is_terminal() {
            show(&record, &log.finish());
            return Ok(record);
        }
        watch.changed().await;
    }
}

fn show(record: &Record, steps: &[Step]) {
    for step in steps {
        tell(record, &output::printable(&step.words()).replace('\n', "\n  "));
    }
}

fn tell(record: &Record, what: &str) {
    output::note(&format!("{}: {what}", output::printable(&record.agent).replace('\n', " ")));
}
