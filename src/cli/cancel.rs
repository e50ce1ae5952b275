//! `cancel`

use serde_json::json;

use super::failure::{ExitCode, Failure};
use super::records::Records;
use super::{format, output};
use crate::config::path::Environment;
use crate::machines::ids::JobId;
use crate::shell::jobs::CancelOutcome;

/// Ends a job. Blocks until its processes are gone.
pub fn run(environment: &Environment, typed: &str, json: bool) -> Result<ExitCode, Failure> {
    let records = Records::of(environment);
    let id = records.id(typed)?;
    let (outcome, status) = records.jobs.cancel(&id).map_err(|error| records.failure(&error))?;
    if json {
        let mut answer = json!({"job_id": id, "outcome": outcome, "status": status.name()});
        if outcome == CancelOutcome::Running {
            answer["message"] = CancelOutcome::NOT_OURS.into();
        }
        output::json(&answer)?;
    }
    let done = match outcome {
        CancelOutcome::Cancelled => format!("cancelled job {id} before it began"),
        CancelOutcome::CancelledRunning => format!("cancelled job {id}; its run is ended"),
        CancelOutcome::AlreadyTerminal => format!("job {id} had ended before: {}", status.name()),
        CancelOutcome::Running => {
            output::failure(&Failure::new(format!("job {id} still runs: {}", CancelOutcome::NOT_OURS)));
            return Ok(ExitCode::Failure);
        }
    };
    if !json {
        output::data(&done)?;
        if outcome == CancelOutcome::CancelledRunning {
            resume(&records, &id).iter().for_each(|hint| output::hint(hint));
        }
    }
    Ok(ExitCode::Success)
}

/// How to go on with a run that was ended.
fn resume(records: &Records, id: &JobId) -> Option<String> {
    let plan = records.store.plan(id).ok()?;
    Some(format::resume(&plan.directory, plan.session.id().as_str()))
}
