//! `jobs`

use super::arguments::JobsArguments;
use super::failure::{ExitCode, Failure};
use super::format::{self, UNKNOWN};
use super::output::{self, Style};
use super::records::Records;
use super::runtime::entered;
use super::table::Columns;
use crate::config::path::Environment;
use crate::machines::job::Status;
use crate::machines::summary::{Filter, Summary};
use crate::machines::text;
use crate::shell::clock;

/// Longest name of an agent in the table, in characters.
const AGENT_CHARS: usize = 20;
/// Longest outcome or kind of failure in the table, in characters; ours have at most eleven.
const DETAIL_CHARS: usize = 12;
/// How much of a task is shown where no terminal says how much fits, in characters.
const TASK_CHARS: usize = 60;
/// How much of it is shown at least.
const LEAST_TASK_CHARS: usize = 20;
const HEADINGS: [&str; 7] = ["ID", "AGENT", "STATUS", "AGE", "TOOK", "COST", "TASK"];

/// Lists the jobs. None is an empty list, not a failure.
pub fn run(environment: &Environment, arguments: JobsArguments) -> Result<ExitCode, Failure> {
    let JobsArguments { status, agent, limit, json } = arguments;
    let records = Records::of(environment);
    records.check()?;
    let (filter, limit) = (Filter { status, agent }, usize::from(limit));
    let found = entered(|| records.jobs.list(&filter, limit))?;
    if json {
        output::json(&found)?;
    } else if found.is_empty() && filter != Filter::default() {
        output::note("no job matches; agent-dispatch jobs lists all");
    } else if found.is_empty() {
        output::note(&format!("no jobs in {}", records.store.directory().display()));
        output::hint("the tool dispatch_async starts one");
    } else {
        output::data(&table(&found))?;
        if found.len() == limit {
            output::note(&format!("no more than {limit} are shown; --limit N shows more"));
        }
    }
    Ok(ExitCode::Success)
}

/// The jobs, a line each, under a heading.
pub fn table(jobs: &[Summary]) -> String {
    let now = clock::unix_seconds();
    let mut rows = jobs.iter().map(|job| row(job, now)).collect::<Vec<_>>();
    let headings = HEADINGS.map(str::to_owned);
    let columns = Columns::of(rows.iter().chain([&headings]), 0..0);
    let left = |all: usize| all.saturating_sub(columns.last_begins()).max(LEAST_TASK_CHARS);
    let task_chars = output::width().map_or(TASK_CHARS, left);
    for [.., task] in &mut rows {
        *task = shortened(task, task_chars);
    }
    columns.table(&headings, &rows, Style::of_stdout())
}

fn row(job: &Summary, now: f64) -> [String; 7] {
    let ended = match job.status {
        Status::Pending => None,
        Status::Running => Some(now),
        Status::Done | Status::Failed | Status::Cancelled => job.completed_at,
    };
    let took = job.started_at.zip(ended).map(|(started, ended)| format::span(ended - started));
    [
        job.id.to_string(),
        shortened(&job.agent, AGENT_CHARS),
        standing(job.status, job.outcome.as_deref(), job.error_type.as_deref()),
        format::span(now - job.created_at),
        took.unwrap_or_else(|| UNKNOWN.to_owned()),
        job.cost_usd.map_or_else(|| UNKNOWN.to_owned(), format::dollars),
        job.task.clone(),
    ]
}

/// The status, and what it does not say by itself.
pub fn standing(status: Status, outcome: Option<&str>, error_type: Option<&str>) -> String {
    let detail = match status {
        Status::Done => outcome.filter(|outcome| *outcome != "done"),
        Status::Failed => error_type,
        Status::Pending | Status::Running | Status::Cancelled => None,
    };
    let detail = detail.map(|detail| format!(" ({})", shortened(detail, DETAIL_CHARS)));
    format!("{}{}", status.name(), detail.unwrap_or_default())
}

/// Text from elsewhere as one line of at most so many characters, safe for a terminal.
pub fn shortened(words: &str, max_chars: usize) -> String {
    let line = output::printable(&text::one_line(words, max_chars.saturating_add(1)));
    if line.chars().count() <= max_chars {
        return line;
    }
    format!("{}…", text::first_chars(&line, max_chars.saturating_sub(1)))
}
