//! Insertion into a full cache.

use std::process::Command;
use std::time::Instant;

use agent_dispatch::machines::answer::Answer;
use agent_dispatch::machines::cache::{Cache, Inserted, Key, Limits, Lookup, Request};
use agent_dispatch::machines::time::Millis;

use crate::Result;
use crate::python::Python;
use crate::rounds::{Contestant, Samples, interleave};
use crate::rows::Bench;
use crate::table::{Budget, Row};

const ENTRIES: usize = 100_000;
const LIMITS: Limits = Limits { ttl_seconds: 300, max_size: ENTRIES };
/// Insertions that are timed together: a clock costs about a twentieth of one.
const BATCH: usize = 1_000;
const BUDGET_US: f64 = 5.0;

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let mut cache = Cache::default();
    let mut next = 0;
    insert(&mut cache, &mut next, ENTRIES)?;
    let ours = Contestant::new(bench.rounds(), || insert(&mut cache, &mut next, BATCH));
    let samples = interleave(vec![ours])?.into_iter().next().ok_or("nothing was measured")?;
    let python = bench.python.as_ref().map(of_python).transpose()?;
    let what = format!("key, lookup and insertion, cache full with {ENTRIES}");
    Ok(vec![Row::new(what, "µs", samples).python(python).budget(Budget::Under(BUDGET_US))])
}

/// So many requests that nobody has asked before: each finds nothing, pays and keeps its answer. Microseconds for one.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn insert(cache: &mut Cache<Answer>, next: &mut usize, count: usize) -> Result<f64> {
    let asked = (*next..*next + count).map(|number| (format!("question {number}"), Answer::success("plain", "done")));
    let asked = asked.collect::<Vec<_>>();
    *next += count;
    let begin = Instant::now();
    for (task, answer) in asked {
        let key = Key::of(&request(&task));
        let Lookup::Pay(ticket) = cache.lookup(&key, Millis(0), LIMITS) else {
            return Err("a new request was known".into());
        };
        let Inserted::Kept { .. } = cache.insert(ticket, answer, Millis(0), LIMITS) else {
            return Err("an answer was not kept".into());
        };
    }
    Ok(begin.elapsed().as_secs_f64() * 1_000_000.0 / count as f64)
}

const fn request(task: &str) -> Request<'_> {
    Request {
        agent: "plain",
        task,
        context: "",
        caller: "",
        goal: "",
        response_format: "",
        config: "{\"timeout\":300}",
    }
}

/// The same on the Python side, with fewer insertions.
fn of_python(python: &Python) -> Result<Samples> {
    const PROGRAM: &str = "
import time
from agent_dispatch.cache import DispatchCache
from agent_dispatch.models import DispatchResult
cache = DispatchCache(ttl=300, max_size=100000)
result = DispatchResult(agent='plain', success=True, result='done')
put = lambda n: cache.put('plain', f'question {n}', result, config_key='{}')
for n in range(100000): put(n)
for n in range(100000, 100010):
    begin = time.perf_counter(); put(n); print((time.perf_counter() - begin) * 1e6)
";
    let output = Command::new(python.interpreter()).args(["-c", PROGRAM]).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Samples::new(text.lines().filter_map(|line| line.trim().parse().ok()).collect())
}
