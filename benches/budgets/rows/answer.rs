//! A very large answer.

use serde_json::json;

use crate::Result;
use crate::client::{Client, Link};
use crate::process::{Peaks, Watch};
use crate::rounds::Samples;
use crate::rows::Bench;
use crate::subject::Subject;
use crate::table::{Budget, Row};
use crate::world::Agent;

const MB: usize = 1024 * 1024;
const ANSWER_MB: usize = 50;
const KB_PER_MB: f64 = 1024.0;
/// Peak below so many times the answer.
const BUDGET_ANSWERS: f64 = 4.0;

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let agents = [Agent::plays("big", format!("result-bytes {}", ANSWER_MB * MB))];
    let pair = bench.servers("answer", &agents, "")?;
    let (ours, took) = watched(&pair.ours)?;
    let python = pair.python.as_ref().map(watched).transpose()?;
    let budget = Budget::PeakUnder(BUDGET_ANSWERS * ANSWER_MB as f64);
    let megabytes = |kilobytes: f64| Samples::one(kilobytes / KB_PER_MB);
    let peak = python.map(|(peaks, _)| megabytes(peaks.server));
    Ok(vec![
        // The response has it twice, as text and as structure.
        Row::new(format!("answer of {ANSWER_MB} MB, peak RSS of the server"), "MB", megabytes(ours.server))
            .python(peak)
            .budget(budget),
        Row::new("the same, peak RSS of the supervisor", "MB", megabytes(ours.supervisor)).budget(budget),
        Row::new("the same, time", "ms", Samples::one(took)).python(python.map(|(_, took)| Samples::one(took))),
    ])
}

fn watched(subject: &Subject) -> Result<(Peaks, f64)> {
    let mut server = Client::greeted(subject, Link::Sockets)?;
    let watch = Watch::start(server.pid());
    let called = server.call("dispatch", &json!({"agent": "big", "task": "question"}));
    let peaks = watch.end()?;
    Ok((peaks, called?))
}
