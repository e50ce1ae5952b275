//! Calls that start no process.

use std::cell::RefCell;
use std::fs::File;
use std::path::PathBuf;
use std::time::SystemTime;

use serde_json::{Value, json};

use crate::Result;
use crate::client::{Client, Link};
use crate::rounds::{Contestant, Samples, interleave, milliseconds};
use crate::rows::{Bench, Pair};
use crate::subject::Subject;
use crate::table::{Budget, Row};
use crate::world::Agent;

const BUDGET_4_MS: f64 = 0.3;
const BUDGET_500_MS: f64 = 10.0;
const BUDGET_CACHED_MS: f64 = 0.2;
const SEQUENTIAL: usize = 1_000;
const CONCURRENT: usize = 200;

/// `list_agents`: a server's first, its later ones, and those right after the configuration was touched; and its later
/// ones over two full generations of the usage journal.
pub fn list(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (count, budget) in [(4, BUDGET_4_MS), (500, BUDGET_500_MS)] {
        let agents = (0..count).map(Agent::furnished).collect::<Vec<_>>();
        let pair = bench.servers(&format!("list-{count}"), &agents, "")?;
        let budget = Budget::Under(budget);
        let first = against(bench, &pair, |subject, _| {
            Ok(Box::new(move || Client::greeted(&subject, Link::Sockets)?.call("list_agents", &json!({}))))
        })?;
        rows.push(first.row(format!("list_agents, {count} agents, first call"), budget));
        let later = against(bench, &pair, |subject, _| warm(&subject, "list_agents", json!({}), None))?;
        rows.push(later.row(format!("list_agents, {count} agents, later calls"), budget));
        let touched = against(bench, &pair, |subject, config| warm(&subject, "list_agents", json!({}), Some(config)))?;
        rows.push(touched.row(format!("list_agents, {count} agents, file just touched"), budget));
        for side in [Some(&pair.our_side), pair.python_side.as_ref()].into_iter().flatten() {
            side.fill_journal(&agents)?;
        }
        let recorded = against(bench, &pair, |subject, _| warm(&subject, "list_agents", json!({}), None))?;
        rows.push(recorded.row(format!("list_agents, {count} agents, journal full"), budget));
    }
    Ok(rows)
}

/// `dispatch` of a request that was answered before.
pub fn cached(bench: &Bench) -> Result<Vec<Row>> {
    let pair = bench.servers("cached", &[Agent::plays("plain", "")], "")?;
    let arguments = json!({"agent": "plain", "task": "the same question", "context": "the same facts"});
    let calls = against(bench, &pair, |subject, _| warm(&subject, "dispatch", arguments.clone(), None))?;
    Ok(vec![calls.row("dispatch, cached".to_owned(), Budget::Under(BUDGET_CACHED_MS))])
}

/// Many calls that start no process: one after the other, and all at once.
pub fn many(bench: &Bench) -> Result<Vec<Row>> {
    let pair = bench.servers("many", &[Agent::plays("plain", "")], "")?;
    let mut rows = Vec::new();
    let sequential = against(bench, &pair, |subject, _| {
        let mut server = Client::greeted(&subject, Link::Sockets)?;
        Ok(Box::new(move || {
            milliseconds(|| (0..SEQUENTIAL).try_for_each(|_| server.call("list_agents", &json!({})).map(drop)))
        }))
    })?;
    rows.push(
        Row::new(format!("{SEQUENTIAL} calls one after the other"), "ms", sequential.ours).python(sequential.python),
    );
    let concurrent = against(bench, &pair, |subject, _| {
        let mut server = Client::greeted(&subject, Link::Sockets)?;
        Ok(Box::new(move || {
            milliseconds(|| {
                for _ in 0..CONCURRENT {
                    server.send("tools/call", &json!({"name": "list_agents", "arguments": {}}))?;
                }
                server.receive_all(CONCURRENT)
            })
        }))
    })?;
    rows.push(Row::new(format!("{CONCURRENT} calls at once"), "ms", concurrent.ours).python(concurrent.python));
    Ok(rows)
}

type Measure<'a> = Box<dyn FnMut() -> Result<f64> + 'a>;

struct Figures {
    ours: Samples,
    floor: Samples,
    python: Option<Samples>,
}

impl Figures {
    fn row(self, what: String, budget: Budget) -> Row {
        Row::new(what, "ms", self.ours).floor(self.floor).python(self.python).budget(budget)
    }
}

/// Both implementations, and as the floor a line to a bare loop and back.
fn against<'a>(
    bench: &Bench,
    pair: &Pair,
    prepare: impl Fn(Subject, PathBuf) -> Result<Measure<'a>>,
) -> Result<Figures> {
    let rounds = bench.rounds();
    let mut contestants = vec![
        Contestant::new(rounds, prepare(pair.ours.clone(), pair.our_side.config())?),
        Contestant::new(rounds, warm(&Subject::floor("lines")?, "list_agents", json!({}), None)?),
    ];
    if let (Some(python), Some(side)) = (&pair.python, &pair.python_side) {
        contestants.push(Contestant::new(bench.few_rounds(), prepare(python.clone(), side.config())?));
    }
    let mut samples = interleave(contestants)?.into_iter();
    let ours = samples.next().ok_or("nothing was measured")?;
    let floor = samples.next().ok_or("no floor")?;
    Ok(Figures { ours, floor, python: samples.next() })
}

/// Calls of a server that stays. `touched` is a file that gets a new time before each call.
fn warm<'a>(subject: &Subject, tool: &'a str, arguments: Value, touched: Option<PathBuf>) -> Result<Measure<'a>> {
    let server = RefCell::new(Client::greeted(subject, Link::Sockets)?);
    Ok(Box::new(move || {
        if let Some(file) = &touched {
            File::options().append(true).open(file)?.set_modified(SystemTime::now())?;
        }
        server.borrow_mut().call(tool, &arguments)
    }))
}
