//! The end of a run → its waiting caller answered.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::Result;
use crate::client::{Client, Link};
use crate::floor::RESULT;
use crate::rounds::{Contestant, interleave};
use crate::rows::Bench;
use crate::subject::Subject;
use crate::table::{Budget, Row};
use crate::world::Agent;

const BUDGET_MS: f64 = 5.0;
/// Long enough that no start-up work is left, short enough for many rounds.
const RUN_SECONDS: f64 = 0.12;

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let folder = bench.scratch.folder("end-claude")?;
    let (claude, ended) = (folder.join("claude"), folder.join("ended"));
    // The last program of the script writes its own time of day as the last thing that it does.
    script(&claude, &format!("sleep {RUN_SECONDS}\ncat <<'E'\n{RESULT}\nE\nexec date +%s%N > {}", ended.display()))?;
    let pair = bench.servers_with("end", &[Agent::plays("plain", "")], "", &claude)?;
    let mut contestants = vec![contestant(bench.few_rounds() * 2, &pair.ours, &ended)?];
    if let Some(python) = &pair.python {
        contestants.push(contestant(bench.few_rounds(), python, &ended)?);
    }
    let mut samples = interleave(contestants)?.into_iter();
    let ours = samples.next().ok_or("nothing was measured")?;
    Ok(vec![
        Row::new("end of a run to its caller answered", "ms", ours)
            .python(samples.next())
            .budget(Budget::Under(BUDGET_MS)),
    ])
}

/// Writes an executable shell script.
pub fn script(path: &Path, body: &str) -> Result<()> {
    fs::write(path, format!("#!/bin/sh\n{body}\n"))?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
}

fn contestant<'a>(rounds: usize, subject: &Subject, ended: &'a Path) -> Result<Contestant<'a>> {
    let mut server = Client::greeted(subject, Link::Sockets)?;
    let mut asked = 0;
    Ok(Contestant::new(rounds, move || {
        asked += 1;
        server.call("dispatch", &json!({"agent": "plain", "task": format!("question {asked}")}))?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let ended = fs::read_to_string(ended)?.trim().parse::<u64>()?;
        Ok((now.as_secs_f64() - std::time::Duration::from_nanos(ended).as_secs_f64()) * 1_000.0)
    }))
}
