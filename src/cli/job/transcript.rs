//! `job --transcript`: everything as Markdown. Written while it is read, so that a long run takes no memory.

use super::event_log::{EventLog, Step};
use super::facts;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::records::Records;
use crate::cli::wait;
use crate::shell::record::Record;

/// Writes the transcript. What others wrote is quoted, except for the answer, which comes last.
pub fn write(records: &Records, record: &Record) -> Result<(), Failure> {
    let mut head = format!("# Job {}\n", record.id);
    for (key, value) in facts(record) {
        // Its id is the title.
        if key == "job" {
            continue;
        }
        head.push_str(&format!("\n- {key}: {}", plain(&value)));
    }
    head.push('\n');
    let given = [("Goal", &record.goal), ("Context", &record.context), ("Task", &Some(record.task.clone()))];
    for (heading, text) in given {
        if let Some(text) = text {
            head.push_str(&format!("\n## {heading}\n\n{}\n", quoted(text)));
        }
    }
    head.push_str("\n## What it did\n");
    output::data(&output::for_stdout(&head))?;
    let mut log = EventLog::of(&records.store, &record.id);
    while let Some(steps) = log.read() {
        tell(&steps)?;
    }
    if !log.was_told() {
        let lines = record.progress.iter().flatten().map(|line| Step::Happened(line.clone()));
        tell(&lines.collect::<Vec<_>>())?;
    } else if record.status.is_terminal() {
        tell(&log.finish())?;
    }
    let mut end = String::new();
    if let Some(error) = &record.error {
        end.push_str(&format!("\n## Error\n\n{}\n", quoted(error)));
    }
    if record.result.is_some() {
        end.push_str(&format!("\n## Result\n\n{}\n", wait::result_text(record).trim_end()));
    }
    if end.is_empty() { Ok(()) } else { output::data(&output::for_stdout(&end)) }
}

fn tell(steps: &[Step]) -> Result<(), Failure> {
    if steps.is_empty() {
        return Ok(());
    }
    let parts = steps.iter().map(|step| match step {
        Step::Said(text) => format!("\n{}\n", quoted(text)),
        Step::Used(tool) => format!("\n- tool {}\n", plain(tool)),
        Step::Happened(what) => format!("\n- {}\n", plain(what)),
    });
    output::data(&output::for_stdout(&parts.collect::<String>()))
}

/// Text of several lines that cannot end the place where it stands.
fn quoted(text: &str) -> String {
    let lines = text.trim_end().lines().map(|line| format!("> {line}").trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

/// A line of text in which nothing is Markdown.
fn plain(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    for letter in line.chars() {
        if matches!(letter, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|') {
            plain.push('\\');
        }
        plain.push(if letter.is_control() { ' ' } else { letter });
    }
    plain
}
