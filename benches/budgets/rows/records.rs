//! Directories with many records: listing them, and starting a server over them.

use std::cell::RefCell;
use std::fs;
use std::path::Path;

use serde_json::json;

use crate::Result;
use crate::client::{Client, Link};
use crate::rounds::{Contestant, Samples, interleave, milliseconds};
use crate::rows::Bench;
use crate::subject::Subject;
use crate::table::{Budget, Row};
use crate::world::Agent;

/// How many records, and within which time a warm list of them is answered, in ms.
const SIZES: [(u32, f64); 3] = [(100, 20.0), (10_000, 20.0), (50_000, 100.0)];
const START_BUDGET_MS: f64 = 10.0;
/// Another call must not wait for a list.
const OTHER_BUDGET_MS: f64 = 5.0;
/// Each of these takes seconds of the Python implementation.
const PYTHON_ROUNDS: usize = 2;
/// An answer's usual length, in bytes.
const ANSWER_BYTES: usize = 1_500;

type Measure = fn(&RefCell<Option<Client>>, &Subject) -> Result<f64>;

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (count, budget) in SIZES {
        let pair = bench.servers(&format!("records-{count}"), &[Agent::plays("plain", "")], "")?;
        for side in [Some(&pair.our_side), pair.python_side.as_ref()].into_iter().flatten() {
            fill(&side.file("jobs"), count)?;
        }
        let kinds: [(&str, Measure, Option<f64>); 4] = [
            ("start to `initialize` over", start, Some(START_BUDGET_MS)),
            ("dispatch_jobs, a server's first, over", cold, None),
            ("dispatch_jobs, later, over", warm, Some(budget)),
            ("another call beside dispatch_jobs over", beside, Some(OTHER_BUDGET_MS)),
        ];
        for (what, kind, budget) in kinds {
            let (ours, python) = against(bench, &pair.ours, pair.python.as_ref(), kind)?;
            let row = Row::new(format!("{what} {count} records"), "ms", ours).python(python);
            rows.push(if let Some(limit) = budget { row.budget(Budget::Under(limit)) } else { row });
        }
    }
    Ok(rows)
}

fn against(
    bench: &Bench,
    ours: &Subject,
    python: Option<&Subject>,
    kind: Measure,
) -> Result<(Samples, Option<Samples>)> {
    let servers = [RefCell::new(None), RefCell::new(None)];
    let mut contestants = vec![Contestant::new(bench.few_rounds() * 2, || kind(&servers[0], ours))];
    if let Some(python) = python {
        contestants.push(Contestant::new(PYTHON_ROUNDS, || kind(&servers[1], python)));
    }
    let mut samples = interleave(contestants)?.into_iter();
    Ok((samples.next().ok_or("nothing was measured")?, samples.next()))
}

fn start(_: &RefCell<Option<Client>>, subject: &Subject) -> Result<f64> {
    let mut server = None;
    milliseconds(|| server.insert(Client::start(subject, Link::Sockets)?).initialize())
}

fn cold(_: &RefCell<Option<Client>>, subject: &Subject) -> Result<f64> {
    Client::greeted(subject, Link::Sockets)?.call("dispatch_jobs", &json!({}))
}

fn warm(server: &RefCell<Option<Client>>, subject: &Subject) -> Result<f64> {
    kept(server, subject, |server| server.call("dispatch_jobs", &json!({})))
}

/// The time of the first of two answers: the list is asked for first.
fn beside(server: &RefCell<Option<Client>>, subject: &Subject) -> Result<f64> {
    kept(server, subject, |server| {
        server.send("tools/call", &json!({"name": "dispatch_jobs", "arguments": {}}))?;
        let took = milliseconds(|| {
            server.send("tools/call", &json!({"name": "cache_stats", "arguments": {}}))?;
            server.receive_all(1)
        })?;
        server.receive_all(1)?;
        Ok(took)
    })
}

/// With one server for all rounds.
fn kept(
    server: &RefCell<Option<Client>>,
    subject: &Subject,
    measure: impl FnOnce(&mut Client) -> Result<f64>,
) -> Result<f64> {
    let mut server = server.borrow_mut();
    if server.is_none() {
        *server = Some(Client::greeted(subject, Link::Sockets)?);
    }
    measure(server.as_mut().ok_or("no server")?)
}

fn fill(jobs: &Path, count: u32) -> Result<()> {
    fs::create_dir_all(jobs)?;
    for number in 0..count {
        let id = uuid::Uuid::new_v4().simple().to_string();
        let created = 1_700_000_000.0 + f64::from(number);
        let record = json!({
            "id": id, "agent": "plain", "task": "a task of the usual length, which is not that long",
            "status": "done", "created_at": created, "started_at": created + 0.1, "completed_at": created + 9.5,
            "result": {
                "agent": "plain", "success": true, "result": "x".repeat(ANSWER_BYTES), "cost_usd": 0.1,
                "session_id": uuid::Uuid::new_v4().to_string(), "duration_ms": 9400, "num_turns": 3
            },
        });
        fs::write(jobs.join(format!("{id}.json")), record.to_string())?;
    }
    Ok(())
}
