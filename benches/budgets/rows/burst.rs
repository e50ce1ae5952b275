//! Many dispatches at once under the limit.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::json;

use crate::Result;
use crate::client::{Client, Link};
use crate::floor;
use crate::rounds::{Contestant, interleave, milliseconds};
use crate::rows::Bench;
use crate::rows::dispatch::Child;
use crate::subject::Subject;
use crate::table::{Budget, Row};
use crate::world::Agent;

const DISPATCHES: usize = 500;
const LIMIT: usize = 32;
const RUN_MS: f64 = 100.0;
const BUDGET_IDEALS: f64 = 1.3;
const ROUNDS: usize = 3;

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let settings = format!("settings:\n  max_concurrency: {LIMIT}\n");
    let claude = std::env::current_exe()?;
    let pair = bench.servers_with("burst", &[Agent::plays("plain", "")], &settings, &claude)?;
    let wait = RUN_MS.to_string();
    let child = Child::plain(&pair.our_side).with(floor::CHILD_MS, &wait);
    let outputs = pair.our_side.file("outputs");
    fs::create_dir(&outputs)?;
    let (ours, python) =
        (pair.ours.with(floor::CHILD_MS, &wait), pair.python.map(|python| python.with(floor::CHILD_MS, &wait)));
    let mut contestants = vec![
        Contestant::new(ROUNDS, || together(&ours)),
        Contestant::new(ROUNDS, || Ok(milliseconds(|| bare(&child, &outputs))? / ideal_ms())),
    ];
    if let Some(python) = &python {
        contestants.push(Contestant::new(1, || together(python)));
    }
    let mut samples = interleave(contestants)?.into_iter();
    let ours = samples.next().ok_or("nothing was measured")?;
    let least = samples.next().ok_or("no floor")?;
    let what = format!("{DISPATCHES} dispatches of {RUN_MS} ms, limit {LIMIT}; ideal {} s", ideal_ms() / 1000.0);
    Ok(vec![Row::new(what, "× ideal", ours).floor(least).python(samples.next()).budget(Budget::Under(BUDGET_IDEALS))])
}

/// The children alone, by as many threads as may run at once.
fn bare(child: &Child, outputs: &Path) -> Result<()> {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let runners = (0..LIMIT).map(|runner| {
            let (next, output) = (&next, outputs.join(runner.to_string()));
            scope.spawn(move || {
                while next.fetch_add(1, Ordering::Relaxed) < DISPATCHES {
                    child.run_to(&output).map_err(|error| error.to_string())?;
                }
                Ok::<_, String>(())
            })
        });
        for runner in runners.collect::<Vec<_>>() {
            runner.join().map_err(|_| "a runner failed")??;
        }
        Ok(())
    })
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn ideal_ms() -> f64 {
    DISPATCHES.div_ceil(LIMIT) as f64 * RUN_MS
}

/// All at once from one client to one server, as a multiple of the ideal time.
fn together(subject: &Subject) -> Result<f64> {
    let mut server = Client::greeted(subject, Link::Sockets)?;
    let took = milliseconds(|| {
        for number in 0..DISPATCHES {
            let arguments = json!({"agent": "plain", "task": format!("question {number}")});
            server.send("tools/call", &json!({"name": "dispatch", "arguments": arguments}))?;
        }
        server.receive_all(DISPATCHES)
    })?;
    Ok(took / ideal_ms())
}
