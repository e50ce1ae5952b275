//! `wait`

use std::time::Duration;

use serde_json::Value;

use super::arguments::WaitArguments;
use super::failure::{ExitCode, Failure};
use super::records::Records;
use super::runtime::interruptible;
use super::{format, grants, output};
use crate::config::path::Environment;
use crate::machines::answer::{Answer, ErrorType};
use crate::machines::ids::JobId;
use crate::machines::job::Status;
use crate::shell::record::Record;

/// How long to wait where nobody set a limit: longer than any job, and within what clocks can add, in seconds.
const WITHOUT_LIMIT: u32 = u32::MAX;

/// Waits for the end of a job.
pub fn run(environment: &Environment, arguments: &WaitArguments) -> Result<ExitCode, Failure> {
    let records = Records::of(environment);
    let id = records.id(&arguments.id)?;
    let seconds = arguments.timeout.unwrap_or(WITHOUT_LIMIT);
    let waited = async {
        let waited = records.jobs.wait(id, Duration::from_secs(u64::from(seconds))).await;
        waited.map_err(|error| records.failure(&error))
    };
    match interruptible(waited)? {
        Some((record, true)) if arguments.json => {
            output::json(&record)?;
            Ok(exit(&record))
        }
        Some((record, true)) => conclude(environment, &record),
        Some((record, false)) => {
            if arguments.json {
                output::json(&still_running(&record))?;
            }
            let status = record.status.name();
            output::note(&format!("job {id} is still {status} after {seconds} s; it goes on"));
            goes_on(&id);
            Ok(ExitCode::StillRunning)
        }
        None => {
            let failure = Failure::new(format!("interrupted; job {id} goes on"));
            if arguments.json {
                output::json(&failure.to_json())?;
            }
            output::failure(&failure);
            goes_on(&id);
            Ok(ExitCode::Interrupted)
        }
    }
}

/// What can be done with a job that nobody waits for any more.
pub fn goes_on(id: &JobId) {
    output::hint(&format!("agent-dispatch wait {id} waits again, agent-dispatch cancel {id} ends it"));
}

/// As the tool answers.
fn still_running(record: &Record) -> Value {
    let mut value = serde_json::to_value(record).unwrap_or_default();
    if let Value::Object(object) = &mut value {
        object.insert("timed_out_waiting".to_owned(), Value::Bool(true));
    }
    value
}

const fn exit(record: &Record) -> ExitCode {
    match record.status {
        Status::Done => ExitCode::Success,
        Status::Pending | Status::Running | Status::Failed | Status::Cancelled => ExitCode::Failure,
    }
}

/// Prints the answer of a job that has ended; its figures, or what went wrong, to standard error.
pub fn conclude(environment: &Environment, record: &Record) -> Result<ExitCode, Failure> {
    let answer = record.result.clone().and_then(|result| serde_json::from_value::<Answer>(result).ok());
    let text = result_text(record);
    let exit = exit(record);
    if exit == ExitCode::Success {
        output::data(&output::for_stdout(&text))?;
        let figures = answer.as_ref().map(format::of).filter(|figures| !figures.is_empty());
        output::note(&figures.map_or_else(|| "ok".to_owned(), |figures| format!("ok: {figures}")));
    } else {
        let error = record.error.as_deref().unwrap_or("it does not say why");
        if !text.is_empty() && !error.contains(text.trim()) {
            output::data(&output::for_stdout(&text))?;
        }
        let kind = answer.as_ref().and_then(|answer| answer.error_type).map_or(record.status.name(), ErrorType::as_str);
        let said = if error.starts_with(kind) { error.to_owned() } else { format!("{kind}: {error}") };
        output::failure(&Failure::new(said));
    }
    let Some(answer) = answer else { return Ok(exit) };
    answer.hint.iter().for_each(|hint| output::hint(hint));
    let grant = answer.denied_tools.and_then(|denied| grants::now(environment, &answer.agent, &denied));
    grant.iter().for_each(|hint| output::hint(hint));
    Ok(exit)
}

/// The text of an answer; what is no answer of ours as JSON.
pub fn result_text(record: &Record) -> String {
    match &record.result {
        None => String::new(),
        Some(answer) => match answer.get("result") {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => answer.to_string(),
        },
    }
}
