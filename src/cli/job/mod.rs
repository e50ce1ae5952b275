//! `job`: a record for people, what the agent did, and the answer.

mod event_log;
mod follow;
mod transcript;

use std::collections::VecDeque;

use serde_json::Value;

use super::arguments::JobArguments;
use super::failure::{ExitCode, Failure};
use super::jobs::{shortened, standing};
use super::output::{self, Style};
use super::records::Records;
use super::{format, grants, wait};
use crate::config::path::Environment;
use crate::machines::job::Status;
use crate::machines::summary::Summary;
use crate::machines::text;
use crate::shell::call::ledger::Ledger;
use crate::shell::clock;
use crate::shell::record::Record;
use event_log::EventLog;

/// How many of the last steps are shown. All of them are in the transcript.
const SHOWN_STEPS: usize = 30;
/// How much of each is shown, in characters.
const STEP_CHARS: usize = 160;
/// How much is shown of a task, a context, a goal, in characters.
const GIVEN_CHARS: usize = 2_000;
/// How much of a name, in characters.
const NAME_CHARS: usize = 200;

/// Shows a job.
pub fn run(environment: &Environment, arguments: &JobArguments) -> Result<ExitCode, Failure> {
    let records = Records::of(environment);
    let id = records.id(&arguments.id)?;
    if arguments.follow {
        return follow::run(environment, &records, id);
    }
    let record = records.read(&id)?;
    if arguments.json {
        output::json(&record)?;
    } else if arguments.transcript {
        transcript::write(&records, &record)?;
    } else {
        show(environment, &records, &record)?;
    }
    Ok(ExitCode::Success)
}

fn show(environment: &Environment, records: &Records, record: &Record) -> Result<(), Failure> {
    let style = Style::of_stdout();
    let mut parts = facts(record).iter().map(|(key, value)| field(style, key, value)).collect::<Vec<_>>();
    let given =
        [("goal", record.goal.as_deref()), ("context", record.context.as_deref()), ("task", Some(&*record.task))];
    for (key, text) in given {
        parts.extend(text.map(|text| field(style, key, &bounded(text, GIVEN_CHARS))));
    }
    let (steps, left_out) = last_steps(records, record);
    if !steps.is_empty() {
        parts.push(style.bold("what it did:"));
        if left_out > 0 {
            parts.push(format!("  ({left_out} earlier; --transcript shows all)"));
        }
        parts.extend(steps.iter().map(|step| format!("  · {}", shortened(step, STEP_CHARS))));
    }
    let of_call = parts_of(records, record);
    if !of_call.is_empty() {
        parts.push(style.bold("its parts:"));
        parts.extend(of_call);
    }
    if let Some(error) = &record.error {
        parts.push(field(style, "error", error));
    }
    if record.result.is_some() {
        let result = wait::result_text(record);
        parts.push(format!("{}\n{}", style.bold("result:"), output::for_stdout(result.trim_end())));
    }
    output::data(&parts.join("\n"))?;
    if record.status.is_terminal() {
        let hint = record.result.as_ref().and_then(|result| result.get("hint")).and_then(Value::as_str);
        hint.iter().for_each(|hint| output::hint(hint));
        let denied = record.result.as_ref().and_then(|result| result.get("denied_tools")).cloned();
        let denied = denied.and_then(|denied| serde_json::from_value::<Vec<String>>(denied).ok());
        let grant = denied.and_then(|denied| grants::now(environment, &record.agent, &denied));
        grant.iter().for_each(|hint| output::hint(hint));
    } else {
        let id = record.id;
        output::hint(&format!("agent-dispatch job {id} --follow shows what comes, agent-dispatch cancel {id} ends it"));
    }
    Ok(())
}

/// What the record says in a line each, in the order in which it matters.
fn facts(record: &Record) -> Vec<(&'static str, String)> {
    let now = clock::unix_seconds();
    let of_result = |key: &str| record.result.as_ref().and_then(|result| result.get(key));
    let word = |key: &str| of_result(key).and_then(Value::as_str);
    let ago = |at: f64| format!("{} ago", format::span(now - at));
    let name = |text: &Option<String>| text.as_deref().map(|text| shortened(text, NAME_CHARS));
    let took = record.started_at.map(|started| match (record.status, record.completed_at) {
        (Status::Running, _) => format!("{} so far", format::span(now - started)),
        (_, Some(ended)) => format::span(ended - started),
        (_, None) => format::UNKNOWN.to_owned(),
    });
    let all = [
        ("job", Some(record.id.to_string())),
        ("agent", Some(shortened(&record.agent, NAME_CHARS))),
        ("status", Some(standing(record.status, word("outcome"), word("error_type")))),
        ("submitted", Some(ago(record.created_at))),
        ("took", took),
        ("cost", of_result("cost_usd").and_then(Value::as_f64).map(format::dollars)),
        ("session", name(&record.session_id)),
        ("caller", name(&record.caller)),
    ];
    all.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

/// The jobs that the parts of a call are, a line each, as far as they are still there.
fn parts_of(records: &Records, record: &Record) -> Vec<String> {
    let noted = record.is_call().then(|| Ledger::jobs(records.store.clone(), record.id));
    let jobs = noted.and_then(Result::ok).unwrap_or_default();
    let summaries = jobs.iter().filter_map(|id| records.store.summary(id).ok());
    let line = |job: Summary| {
        let status = standing(job.status, job.outcome.as_deref(), job.error_type.as_deref());
        format!("  · {} {}: {status}", job.id, shortened(&job.agent, NAME_CHARS))
    };
    summaries.map(line).collect()
}

fn bounded(words: &str, max_chars: usize) -> String {
    let first = text::first_chars(words, max_chars);
    if first.len() == words.len() { words.to_owned() } else { format!("{first}…") }
}

/// A line, or a block where the value has several.
fn field(style: Style, key: &str, value: &str) -> String {
    let (key, value) = (style.bold(format_args!("{key}:")), output::printable(value.trim_end()));
    if value.contains('\n') {
        let lines = value.lines().map(|line| format!("\n  {line}").trim_end_matches(' ').to_owned());
        format!("{key}{}", lines.collect::<String>())
    } else {
        format!("{key} {value}")
    }
}

/// The last steps in words, and how many came before them. Without a stream the record's own lines serve.
fn last_steps(records: &Records, record: &Record) -> (Vec<String>, usize) {
    let mut log = EventLog::of(&records.store, &record.id);
    let (mut last, mut all) = (VecDeque::with_capacity(SHOWN_STEPS), 0_usize);
    let mut take = |steps: Vec<event_log::Step>| {
        for step in steps {
            if last.len() == SHOWN_STEPS {
                last.pop_front();
            }
            last.push_back(step.words());
            all += 1;
        }
    };
    while let Some(steps) = log.read() {
        take(steps);
    }
    if !log.was_told() {
        return (record.progress.clone().unwrap_or_default(), 0);
    }
    // The last line of a run that goes on is not torn but unfinished.
    if record.status.is_terminal() {
        take(log.finish());
    }
    let left_out = all - last.len();
    (last.into(), left_out)
}
