//! Jobs: submitting, waiting, cancelling, and what a supervisor costs.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::Result;
use crate::client::{Client, Link};
use crate::floor::{self, RESULT};
use crate::process;
use crate::rounds::{Contestant, Samples, interleave, milliseconds, ms};
use crate::rows::end::script;
use crate::rows::{Bench, Pair};
use crate::subject::Subject;
use crate::table::{Budget, Row};
use crate::world::Agent;

/// `dispatch_wait` answers within this time of the end (contract), in ms.
const WAIT_BUDGET_MS: f64 = 100.0;
/// A cancelled tree is gone within this time, in ms.
const CANCEL_BUDGET_MS: f64 = 2_000.0;
const BURST: usize = 1_000;
const BURST_LIMIT: usize = 5;
const BURST_BUDGET_S: f64 = 3.0;
/// How long each of them runs.
const BURST_RUN_MS: &str = "20";
const MEMORY_BUDGET_MB: f64 = 2.0;
const KB_PER_MB: f64 = 1024.0;
/// Over which time processor time is counted.
const WATCHED: Duration = Duration::from_secs(3);
/// For what must come about: more means that something is broken.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(5);

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = turns(bench)?;
    rows.push(cancel(bench)?);
    rows.extend(supervisors(bench)?);
    rows.extend(burst(bench)?);
    Ok(rows)
}

/// What a tool said.
fn said(client: &Client) -> Result<Value> {
    let response: Value = serde_json::from_str(client.response())?;
    let text = response["result"]["content"][0]["text"].as_str().ok_or("no text in the answer")?;
    Ok(serde_json::from_str(text)?)
}

fn submit(client: &mut Client, number: usize) -> Result<(f64, String)> {
    let took = client.call("dispatch_async", &json!({"agent": "plain", "task": format!("question {number}")}))?;
    let id = said(client)?["job_id"].as_str().ok_or("no job id")?.to_owned();
    Ok((took, id))
}

/// Submit, and wait for an end that the job itself has written down.
fn turns(bench: &Bench) -> Result<Vec<Row>> {
    let folder = bench.scratch.folder("jobs-claude")?;
    let (claude, ended) = (folder.join("claude"), folder.join("ended"));
    script(&claude, &format!("sleep 0.12\ncat <<'E'\n{RESULT}\nE\nexec date +%s%N > {}", ended.display()))?;
    let pair = bench.servers_with("jobs", &[Agent::plays("plain", "")], "", &claude)?;
    let (rounds, python_rounds) = (bench.rounds() * 3, bench.few_rounds());
    let mut waits = [Vec::new(), Vec::new()];
    let [ours_waits, python_waits] = &mut waits;
    let mut contestants = vec![turn(rounds, &pair.ours, &ended, ours_waits)?];
    if let Some(python) = &pair.python {
        contestants.push(turn(python_rounds, python, &ended, python_waits)?);
    }
    let mut submitted = interleave(contestants)?.into_iter();
    let submit = Row::new("dispatch_async answered", "ms", submitted.next().ok_or("nothing was measured")?);
    let [ours, python] = waits;
    let (ours, python) = (Samples::new(ours)?, Samples::new(python).ok());
    let slowest = Row::new("end of a job to dispatch_wait answered, p99", "ms", Samples::one(ours.p99()));
    Ok(vec![
        submit.python(submitted.next()),
        Row::new("end of a job to dispatch_wait answered", "ms", ours).python(python).budget(Budget::Under(5.0)),
        slowest.budget(Budget::Under(WAIT_BUDGET_MS)),
    ])
}

fn turn<'a>(rounds: usize, subject: &Subject, ended: &'a Path, waits: &'a mut Vec<f64>) -> Result<Contestant<'a>> {
    let mut server = Client::greeted(subject, Link::Sockets)?;
    let mut asked = 0;
    Ok(Contestant::new(rounds, move || {
        asked += 1;
        let (took, id) = submit(&mut server, asked)?;
        server.call("dispatch_wait", &json!({"job_id": id}))?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let ended = fs::read_to_string(ended)?.trim().parse::<u64>()?;
        waits.push((now.as_secs_f64() - Duration::from_nanos(ended).as_secs_f64()) * 1_000.0);
        Ok(took)
    }))
}

fn until<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> Result<T> {
    let begin = Instant::now();
    loop {
        if let Some(value) = ready() {
            return Ok(value);
        }
        if begin.elapsed() > PATIENCE {
            return Err(format!("{what}: not within {PATIENCE:?}").into());
        }
        thread::sleep(LOOK);
    }
}

/// From the call to the moment at which neither supervisor nor child is left.
fn cancel(bench: &Bench) -> Result<Row> {
    let folder = bench.scratch.folder("jobs-cancel")?;
    let (claude, child) = (folder.join("claude"), folder.join("child"));
    // One of them in a session of its own, as the CLI starts a Bash call.
    let name = child.display();
    script(
        &claude,
        &format!("setsid sleep 300 &\none=$!\nsleep 300 &\necho $one $! > {name}.new\nmv {name}.new {name}\nwait"),
    )?;
    let pair = bench.servers_with("jobs-cancel", &[Agent::plays("plain", "")], "", &claude)?;
    let mut server = Client::greeted(&pair.ours, Link::Sockets)?;
    let mut asked = 0;
    let figures = interleave(vec![Contestant::new(bench.few_rounds() * 2, || {
        asked += 1;
        let (_, id) = submit(&mut server, asked)?;
        let names = until("the children", || fs::read_to_string(&child).ok())?;
        let pids = names.split_whitespace().map(str::parse).collect::<std::result::Result<Vec<u32>, _>>()?;
        let supervisor = process::supervisors_of(server.pid());
        milliseconds(|| {
            server.call("dispatch_cancel", &json!({"job_id": id}))?;
            until("its end", || pids.iter().chain(&supervisor).all(|pid| process::is_gone(*pid)).then_some(()))?;
            Ok(fs::remove_file(&child)?)
        })
    })])?;
    let ours = figures.into_iter().next().ok_or("nothing was measured")?;
    Ok(Row::new("dispatch_cancel to the whole tree gone", "ms", ours).budget(Budget::Under(CANCEL_BUDGET_MS)))
}

/// One that runs a child that does nothing, and one that waits for its slot.
fn supervisors(bench: &Bench) -> Result<Vec<Row>> {
    let claude = std::env::current_exe()?;
    let settings = "settings:\n  max_concurrency: 1\n";
    let Pair { ours, .. } = bench.servers_with("jobs-idle", &[Agent::plays("plain", "")], settings, &claude)?;
    let mut server = Client::greeted(&ours.with(floor::CHILD_MS, "20000"), Link::Sockets)?;
    let ids = [submit(&mut server, 1)?.1, submit(&mut server, 2)?.1];
    let pids = until("two supervisors", || {
        let found = process::supervisors_of(server.pid());
        (found.len() == 2).then_some(found)
    })?;
    // What a start costs is over.
    thread::sleep(Duration::from_secs(1));
    let before = pids.iter().map(|pid| process::used_ms(*pid)).collect::<Result<Vec<_>>>()?;
    thread::sleep(WATCHED);
    let mut rows = Vec::new();
    for (pid, before) in pids.iter().zip(before) {
        let what = if process::command(*pid).contains(&ids[0]) { "running" } else { "waiting" };
        let per_second = (process::used_ms(*pid)? - before) / WATCHED.as_secs_f64();
        let memory = Samples::one(process::proportional_kb(*pid)? / KB_PER_MB);
        let resident = Samples::one(process::status(*pid, "VmRSS")? / KB_PER_MB);
        rows.push(Row::new(format!("a {what} supervisor, PSS"), "MB", memory).budget(Budget::Under(MEMORY_BUDGET_MB)));
        rows.push(Row::new(format!("a {what} supervisor, RSS (shared code included)"), "MB", resident));
        rows.push(Row::new(format!("a {what} supervisor, processor time"), "ms/s", Samples::one(per_second)));
    }
    for id in ids {
        server.call("dispatch_cancel", &json!({"job_id": id}))?;
    }
    Ok(rows)
}

fn burst(bench: &Bench) -> Result<Vec<Row>> {
    let settings = format!("settings:\n  max_concurrency: {BURST_LIMIT}\n");
    let claude = std::env::current_exe()?;
    let pair = bench.servers_with("jobs-burst", &[Agent::plays("plain", "")], &settings, &claude)?;
    let mut server = Client::greeted(&pair.ours.with(floor::CHILD_MS, BURST_RUN_MS), Link::Sockets)?;
    let begin = Instant::now();
    for number in 0..BURST {
        let arguments = json!({"agent": "plain", "task": format!("question {number}")});
        server.send("tools/call", &json!({"name": "dispatch_async", "arguments": arguments}))?;
    }
    server.receive_all(BURST)?;
    let submitted = ms(begin.elapsed()) / 1_000.0;
    until("all to finish", || {
        server.call("dispatch_jobs", &json!({"status": "done", "limit": 1_000})).ok()?;
        let jobs = said(&server).ok()?;
        (jobs.as_array()?.len() == BURST).then_some(())
    })?;
    let finished = ms(begin.elapsed()) / 1_000.0;
    let what = format!("{BURST} dispatch_async at limit {BURST_LIMIT}");
    Ok(vec![
        Row::new(format!("{what}, submitted"), "s", Samples::one(submitted)).budget(Budget::Under(BURST_BUDGET_S)),
        Row::new(format!("{what}, all finished"), "s", Samples::one(finished)),
    ])
}
