//! Start of command line verbs.

use std::process::Stdio;

use crate::Result;
use crate::rounds::{Contestant, interleave, milliseconds};
use crate::rows::Bench;
use crate::subject::Subject;
use crate::table::{Budget, Row};
use crate::world::Agent;

const BUDGET_MS: f64 = 5.0;

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    ["--version", "list"].into_iter().map(|verb| row(bench, verb)).collect()
}

fn row(bench: &Bench, verb: &str) -> Result<Row> {
    let agents = (0..4).map(Agent::furnished).collect::<Vec<_>>();
    let pair = bench.programs(&format!("cli{verb}"), &agents, "", None, &[verb])?;
    let floor = Subject::floor("nothing")?;
    let mut contestants = vec![contestant(bench.rounds(), &pair.ours), contestant(bench.rounds(), &floor)];
    if let Some(python) = &pair.python {
        contestants.push(contestant(bench.few_rounds(), python));
    }
    let mut samples = interleave(contestants)?.into_iter();
    let ours = samples.next().ok_or("nothing was measured")?;
    let floor = samples.next().ok_or("no floor")?;
    let what = format!("agent-dispatch {verb}");
    Ok(Row::new(what, "ms", ours).floor(floor).python(samples.next()).budget(Budget::Under(BUDGET_MS)))
}

fn contestant(rounds: usize, subject: &Subject) -> Contestant<'_> {
    Contestant::new(rounds, move || {
        milliseconds(|| {
            let status = subject.command().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
            if status.success() {
                Ok(())
            } else {
                Err(format!("{} {:?}: {status}", subject.program.display(), subject.arguments).into())
            }
        })
    })
}
