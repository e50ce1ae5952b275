//! What a dispatch adds to the child that it runs: supervisor, record and all.

use std::cell::{Cell, RefCell};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::Result;
use crate::client::{Client, Link};
use crate::rounds::{Contestant, Samples, interleave};
use crate::rows::Bench;
use crate::subject::{FAKE_CLAUDE, Subject};
use crate::table::{Budget, Row};
use crate::world::{Agent, Side};

const BUDGET_MS: f64 = 3.0;
/// Rounds are cheap here and the spread is wide: a multiple of the usual number.
const ROUNDS_FACTOR: usize = 3;

/// With two children: one that does nothing but answer, for all; and fake-claude, which parses, writes its session and
/// prints three events. The Python implementation is left out there: it hands its own standard input to the child, and
/// fake-claude waits three seconds for a silent one, as the real CLI does.
pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = trivial(bench)?;
    rows.extend(fake(bench)?);
    Ok(rows)
}

fn trivial(bench: &Bench) -> Result<Vec<Row>> {
    let claude = std::env::current_exe()?;
    let pair = bench.servers_with("dispatch", &[Agent::plays("plain", "")], "", &claude)?;
    let rounds = bench.rounds() * ROUNDS_FACTOR;
    let child = Child::plain(&pair.our_side);
    let ours = greeted(&pair.ours)?;
    let python = pair.python.as_ref().map(greeted).transpose()?;
    let mut contestants = vec![
        Contestant::new(rounds, || child.run()),
        Contestant::new(rounds, || fresh(&ours, "dispatch")),
        Contestant::new(rounds, || fresh(&ours, "dispatch_stream")),
    ];
    if let Some(python) = &python {
        contestants.push(Contestant::new(bench.few_rounds(), || fresh(python, "dispatch")));
        contestants.push(Contestant::new(bench.few_rounds(), || fresh(python, "dispatch_stream")));
    }
    let mut samples = interleave(contestants)?.into_iter();
    let (Some(bare), Some(dispatch), Some(stream)) = (samples.next(), samples.next(), samples.next()) else {
        return Err("nothing was measured".into());
    };
    let mut rows = pair_of_rows("dispatch of a trivial child", &bare, dispatch, samples.next());
    rows.extend(pair_of_rows("dispatch_stream of a trivial child", &bare, stream, samples.next()));
    Ok(rows)
}

fn fake(bench: &Bench) -> Result<Vec<Row>> {
    let report = bench.scratch.folder("dispatch-report")?.join("report");
    let agents = [Agent::plays("plain", ""), Agent::plays("reporter", format!("dump {}", report.display()))];
    let pair = bench.servers("dispatch-fake", &agents, "")?;
    let rounds = bench.rounds() * ROUNDS_FACTOR;
    let ours = greeted(&pair.ours)?;
    let child = Child::as_run_by(&ours, &report, &pair.our_side)?;
    let contestants =
        vec![Contestant::new(rounds, || child.run()), Contestant::new(rounds, || fresh(&ours, "dispatch"))];
    let mut samples = interleave(contestants)?.into_iter();
    let (Some(bare), Some(dispatch)) = (samples.next(), samples.next()) else {
        return Err("nothing was measured".into());
    };
    Ok(pair_of_rows("dispatch of fake-claude", &bare, dispatch, None))
}

/// The whole time, and what of it is not the child's.
fn pair_of_rows(what: &str, bare: &Samples, ours: Samples, python: Option<Samples>) -> Vec<Row> {
    let added = |samples: &Samples| samples.map(|figure| figure - bare.median());
    let over = Row::new(format!("added by {what}"), "ms", added(&ours)).python(python.as_ref().map(added));
    let whole = Row::new(format!("{what}, in all"), "ms", ours).floor(bare.clone()).python(python);
    vec![whole, over.budget(Budget::Under(BUDGET_MS))]
}

fn greeted(subject: &Subject) -> Result<RefCell<Client>> {
    Client::greeted(subject, Link::Sockets).map(RefCell::new)
}

thread_local! {
    static ASKED: Cell<u64> = const { Cell::new(0) };
}

/// A task that nobody has asked before.
fn fresh(server: &RefCell<Client>, tool: &str) -> Result<f64> {
    let number = ASKED.get();
    ASKED.set(number + 1);
    server.borrow_mut().call(tool, &json!({"agent": "plain", "task": format!("question {number}")}))
}

/// The process that a dispatch runs, started without anything around it.
pub struct Child {
    subject: Subject,
    /// Which argument names the session: fake-claude refuses one that it knows.
    session: Option<usize>,
    input: PathBuf,
    output: PathBuf,
}

impl Child {
    /// What this side finds as `claude`, without arguments.
    pub fn plain(side: &Side) -> Self {
        let subject = Subject::new::<&str>(side.claude(), []).on(side).in_directory(&side.project("plain"));
        Self { subject, session: None, input: "/dev/null".into(), output: side.file("stdout") }
    }

    /// With this variable.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.subject = self.subject.with(name, value);
        self
    }

    /// fake-claude just as a dispatch to the agent `reporter`, which plays `dump <report>`, has started it.
    fn as_run_by(server: &RefCell<Client>, report: &Path, side: &Side) -> Result<Self> {
        server.borrow_mut().call("dispatch", &json!({"agent": "reporter", "task": "question"}))?;
        let report: Value = serde_json::from_str(fs::read_to_string(report)?.trim())?;
        let arguments = report["argv"].as_array().ok_or("the report has no argv")?;
        let arguments = arguments.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>();
        let session = arguments.iter().position(|argument| argument.starts_with("--session-id="));
        let session = Some(session.ok_or("no --session-id was given")?);
        let input = side.file("prompt");
        fs::write(&input, report["prompt"].as_str().unwrap_or("question"))?;
        let subject = Subject::new(FAKE_CLAUDE, arguments).on(side).in_directory(&side.project("plain"));
        Ok(Self { subject, session, input, output: side.file("stdout") })
    }

    /// Runs it to its end.
    fn run(&self) -> Result<f64> {
        self.run_to(&self.output)
    }

    /// As [`Self::run`], with its output in another file.
    pub fn run_to(&self, output: &Path) -> Result<f64> {
        let mut subject = self.subject.clone();
        if let Some(session) = self.session {
            subject.arguments[session] = format!("--session-id={}", uuid::Uuid::new_v4()).into();
        }
        subject.spawn_and_wait(&self.input, output)
    }
}
