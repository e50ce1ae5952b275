//! Memory and threads of a server that waits.

use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::Result;
use crate::client::{Client, Link};
use crate::process;
use crate::rounds::{Contestant, Samples, interleave};
use crate::rows::Bench;
use crate::subject::Subject;
use crate::table::{Budget, Row};
use crate::world::Agent;

/// What a server may do after its answer before it counts as idle. Nothing waits on this; it only lets work end.
const SETTLE: Duration = Duration::from_millis(100);
/// Servers to look at: memory hardly differs from one to the next.
const ROUNDS: usize = 5;
const KB_PER_MB: f64 = 1024.0;

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let pair = bench.servers("idle", &(0..4).map(Agent::furnished).collect::<Vec<_>>(), "")?;
    let floor = Subject::floor("lines")?;
    let rows = [
        ("idle server, RSS", "MB", Figure::Resident, Link::Pipes, Budget::Under(5.0)),
        ("idle server, PSS", "MB", Figure::Proportional, Link::Pipes, Budget::Under(3.0)),
        ("threads, pipes", "", Figure::Threads, Link::Pipes, Budget::Under(3.0)),
        ("threads, sockets", "", Figure::Threads, Link::Sockets, Budget::Under(3.0)),
    ];
    rows.into_iter()
        .map(|(what, unit, figure, link, budget)| {
            let subjects = [Some(&pair.ours), Some(&floor), pair.python.as_ref()];
            let contestants = subjects.into_iter().flatten().map(|subject| {
                let subject = subject.clone();
                Contestant::new(ROUNDS, move || figure.of(&subject, link))
            });
            let [ours, floor, python] = three(interleave(contestants.collect())?);
            let ours = ours.ok_or("nothing was measured")?;
            Ok(Row::new(what, unit, ours).floor(floor.ok_or("no floor")?).python(python).budget(budget))
        })
        .collect()
}

fn three(samples: Vec<Samples>) -> [Option<Samples>; 3] {
    let mut samples = samples.into_iter();
    [samples.next(), samples.next(), samples.next()]
}

#[derive(Debug, Clone, Copy)]
enum Figure {
    Resident,
    Proportional,
    Threads,
}

impl Figure {
    /// Of a server that has listed its tools and its agents.
    fn of(self, subject: &Subject, link: Link) -> Result<f64> {
        let mut server = Client::greeted(subject, link)?;
        let id = server.send("tools/list", &json!({}))?;
        server.receive(id)?;
        server.call("list_agents", &json!({}))?;
        thread::sleep(SETTLE);
        Ok(match self {
            Self::Resident => process::status(server.pid(), "VmRSS")? / KB_PER_MB,
            Self::Proportional => process::proportional_kb(server.pid())? / KB_PER_MB,
            Self::Threads => process::status(server.pid(), "Threads")?,
        })
    }
}
