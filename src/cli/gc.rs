//! `gc`

use serde_json::{Value, json};

use super::arguments::GcArguments;
use super::failure::{ExitCode, Failure};
use super::records::Records;
use super::{jobs, output};
use crate::config::path::Environment;
use crate::shell::jobs::Collected;

/// Older than this is every job, also one whose end lies in the future because a clock was set back; in days.
const EVERY_AGE: f64 = f64::NEG_INFINITY;

/// Removes finished jobs, or only says which.
pub fn run(environment: &Environment, arguments: &GcArguments) -> Result<ExitCode, Failure> {
    let records = Records::of(environment);
    records.check()?;
    let days = if arguments.all { EVERY_AGE } else { arguments.days };
    let collected = records.jobs.collect(days, arguments.dry_run);
    if arguments.json {
        output::json(&answer(arguments, &collected))?;
    } else {
        show(&records, arguments, &collected)?;
    }
    if arguments.dry_run {
        return Ok(ExitCode::Success);
    }
    // One that another process removed at the same time is gone as well.
    let left = collected.ids.iter().filter(|id| records.store.summary(id).is_ok()).count();
    if left == 0 {
        return Ok(ExitCode::Success);
    }
    output::failure(
        &Failure::new(format!("{left} of {} could not be removed", described(arguments, collected.ids.len())))
            .hint("AGENT_DISPATCH_LOG=warn says why"),
    );
    Ok(ExitCode::Failure)
}

/// As the tool answers.
fn answer(arguments: &GcArguments, Collected { ids, purged }: &Collected) -> Value {
    let days = if arguments.all { 0.0 } else { arguments.days };
    if arguments.dry_run {
        json!({"dry_run": true, "purged": 0, "would_purge": ids.len(), "job_ids": ids, "max_age_days": days})
    } else {
        json!({"purged": purged, "max_age_days": days})
    }
}

fn show(records: &Records, arguments: &GcArguments, Collected { ids, purged }: &Collected) -> Result<(), Failure> {
    if !arguments.dry_run {
        return output::data(&format!("removed {}", described(arguments, *purged)));
    }
    let found = ids.iter().filter_map(|id| records.store.summary(id).ok()).collect::<Vec<_>>();
    if !found.is_empty() {
        output::data(&jobs::table(&found))?;
    }
    output::note(&format!("would remove {}", described(arguments, ids.len())));
    Ok(())
}

fn described(arguments: &GcArguments, count: usize) -> String {
    let noun = if count == 1 { "job" } else { "jobs" };
    match arguments.days {
        _ if arguments.all => format!("{count} finished {noun}"),
        days => format!("{count} {noun} that ended more than {days} days ago"),
    }
}
