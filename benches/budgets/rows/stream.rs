//! A long stream of small events.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use agent_dispatch::machines::events::Reader;
use serde_json::json;

use crate::Result;
use crate::client::{Client, Link};
use crate::floor::RESULT;
use crate::process::{Peaks, Watch};
use crate::rounds::{Contestant, Samples, interleave};
use crate::rows::Bench;
use crate::rows::end::script;
use crate::subject::Subject;
use crate::table::{Budget, Row};
use crate::world::Agent;

const EVENT_BYTES: usize = 300;
const MB: f64 = 1_000_000.0;
const KB_PER_MB: f64 = 1024.0;
/// Size of the pieces that the reader gets, as the supervisor reads them.
const PIECE_BYTES: usize = 256 * 1024;
const BUDGET_MB_PER_S: f64 = 300.0;
const BUDGET_CATS: f64 = 3.0;
const BUDGET_PEAK_MB: f64 = 32.0;
const ROUNDS: usize = 5;
const PYTHON_ROUNDS: usize = 1;

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let folder = bench.scratch.folder("stream-claude")?;
    let (events, claude) = (folder.join("events"), folder.join("claude"));
    let megabytes = write_events(&events, bench.options.stream_mb as usize * 1_000_000)? / MB;
    script(&claude, &format!("exec cat {}", events.display()))?;
    let pair = bench.servers_with("stream", &[Agent::plays("plain", "")], "", &claude)?;
    let bare = Subject::new::<&str>(&claude, []).on(&pair.our_side);
    let output = pair.our_side.file("stdout");
    let rate = |milliseconds: f64| megabytes * 1_000.0 / milliseconds;
    let mut contestants = vec![
        Contestant::new(ROUNDS, || dispatched(&pair.ours).map(rate)),
        Contestant::new(ROUNDS, || bare.spawn_and_wait(Path::new("/dev/null"), &output).map(rate)),
        Contestant::new(ROUNDS, || read_alone(&events).map(rate)),
        Contestant::new(ROUNDS, || cat_to_nowhere(&events).map(rate)),
    ];
    if let Some(python) = &pair.python {
        contestants.push(Contestant::new(PYTHON_ROUNDS, move || dispatched(python).map(rate)));
    }
    let mut samples = interleave(contestants)?.into_iter();
    let mut next = || samples.next().ok_or("nothing was measured");
    let (ours, cat, reader, nowhere) = (next()?, next()?, next()?, next()?);
    let mut rows = vec![
        Row::new(format!("event stream of {megabytes:.0} MB, dispatch_stream"), "MB/s", ours)
            .floor(cat)
            .python(samples.next())
            .budget(Budget::Over(BUDGET_MB_PER_S))
            .budget(Budget::WithinFloor(BUDGET_CATS)),
        Row::new("event stream, reader alone (floor: cat > /dev/null)", "MB/s", reader).floor(nowhere),
    ];
    rows.extend(memory(&pair.ours, pair.python.as_ref())?);
    Ok(rows)
}

/// Memory is watched in a run of its own: the watch takes time.
fn memory(ours: &Subject, python: Option<&Subject>) -> Result<Vec<Row>> {
    let ours = watched(ours)?;
    let python = python.map(watched).transpose()?.map(|peaks| Samples::one(peaks.server / KB_PER_MB));
    let budget = Budget::PeakUnder(BUDGET_PEAK_MB);
    Ok(vec![
        Row::new("event stream, peak RSS of the supervisor", "MB", Samples::one(ours.supervisor / KB_PER_MB))
            .python(python)
            .budget(budget),
        Row::new("event stream, peak RSS of the server", "MB", Samples::one(ours.server / KB_PER_MB)).budget(budget),
    ])
}

fn watched(subject: &Subject) -> Result<Peaks> {
    let mut server = Client::greeted(subject, Link::Sockets)?;
    let watch = Watch::start(server.pid());
    let called = server.call("dispatch_stream", &question());
    let peaks = watch.end()?;
    called.map(|_| peaks)
}

fn dispatched(subject: &Subject) -> Result<f64> {
    Client::greeted(subject, Link::Sockets)?.call("dispatch_stream", &question())
}

fn question() -> serde_json::Value {
    json!({"agent": "plain", "task": "question"})
}

/// Assistant texts, and a result at the end. Says how many bytes that is.
#[expect(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
fn write_events(path: &Path, bytes: usize) -> Result<f64> {
    let frame = r#"{"type":"assistant","message":{"id":"msg_1","type":"message","role":"assistant","content":[{"type":"text","text":"#;
    let end = "\"}]},\"session_id\":\"00000000-0000-4000-8000-000000000000\"}\n";
    let text = "e".repeat(EVENT_BYTES.saturating_sub(frame.len() + 1 + end.len()));
    let line = format!("{frame}\"{text}{end}");
    let mut file = BufWriter::new(File::create(path)?);
    for _ in 0..bytes.div_ceil(line.len()) {
        file.write_all(line.as_bytes())?;
    }
    writeln!(file, "{RESULT}")?;
    file.flush()?;
    Ok(fs::metadata(path)?.len() as f64)
}

fn read_alone(path: &Path) -> Result<f64> {
    let begin = Instant::now();
    let (mut file, mut piece, mut reader) = (File::open(path)?, vec![0; PIECE_BYTES], Reader::new());
    let mut seen = 0;
    loop {
        let count = file.read(&mut piece)?;
        if count == 0 {
            break;
        }
        seen += reader.push(&piece[..count]).len();
    }
    seen += reader.finish().seen.len();
    let took = crate::rounds::ms(begin.elapsed());
    if seen == 0 { Err("the reader saw nothing".into()) } else { Ok(took) }
}

fn cat_to_nowhere(path: &Path) -> Result<f64> {
    let begin = Instant::now();
    // A pipe would be a floor of another kind, and a file is the other floor.
    let status = std::process::Command::new("cat").arg(path).stdout(Stdio::null()).status()?;
    let took = crate::rounds::ms(begin.elapsed());
    if status.success() { Ok(took) } else { Err(format!("cat ended with {status}").into()) }
}
