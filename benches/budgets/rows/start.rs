//! Process start → `initialize` or `server/discover` answered.

use crate::Result;
use crate::client::{Client, Link};
use crate::rounds::{Contestant, interleave, milliseconds};
use crate::rows::Bench;
use crate::subject::Subject;
use crate::table::{Budget, Row};
use crate::world::Agent;

/// The budgets of design: under 2 ms, and under twice a bare loop over standard input.
const BUDGET_MS: f64 = 2.0;
const BUDGET_FLOORS: f64 = 2.0;

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let pair = bench.servers("start", &[Agent::plays("plain", "")], "")?;
    let floor = Subject::floor("lines")?;
    let mut contestants = Vec::new();
    for link in [Link::Pipes, Link::Sockets] {
        contestants.push(contestant(bench.rounds(), pair.ours.clone(), link, Client::initialize));
        contestants.push(contestant(bench.rounds(), floor.clone(), link, Client::initialize));
    }
    contestants.push(contestant(bench.rounds(), pair.ours.clone(), Link::Sockets, Client::discover));
    contestants.push(contestant(bench.rounds(), floor.clone(), Link::Sockets, Client::discover));
    if let Some(python) = &pair.python {
        contestants.push(contestant(bench.few_rounds(), python.clone(), Link::Pipes, Client::initialize));
    }
    let mut samples = interleave(contestants)?.into_iter();
    let mut rows = Vec::new();
    for what in
        ["start to `initialize`, pipes", "start to `initialize`, sockets", "start to `server/discover`, sockets"]
    {
        let (Some(ours), Some(floor)) = (samples.next(), samples.next()) else { break };
        rows.push(
            Row::new(what, "ms", ours)
                .floor(floor)
                .budget(Budget::Under(BUDGET_MS))
                .budget(Budget::UnderFloors(BUDGET_FLOORS)),
        );
    }
    let python = samples.next();
    Ok(rows.into_iter().map(|row| row.python(python.clone())).collect())
}

fn contestant<'a>(rounds: usize, subject: Subject, link: Link, greet: fn(&mut Client) -> Result<()>) -> Contestant<'a> {
    Contestant::new(rounds, move || {
        let mut server = None;
        let took = milliseconds(|| greet(server.insert(Client::start(&subject, link)?)));
        // Its end is no part of the time.
        drop(server);
        took
    })
}
