//! `demo`: the real server and a real MCP conversation; only the agents are simulated.

pub mod agent;
mod client;
mod stage;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use super::failure::{ExitCode, Failure};
use super::output::{self, Style};
use super::registration;
use super::registration::installation::{self, typed};
use crate::config::path::{self, Environment};
use crate::machines::runner::Runner;
use crate::os::program;
use crate::shell::claude::{self, ClaudeMissing};
use client::Client;
use stage::{REAL_CAP_USD, Stage};

/// How long a simulated answer may take; the longest takes two seconds.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a real answer may take: the agent's own limit of 300 s, and what surrounds it.
const REAL_PATIENCE: Duration = Duration::from_secs(360);
/// How wide the commands of the last lines are at least, in columns: the longest, where our name is typed alone.
const COMMAND_COLUMNS: usize = 30;
const QUESTION: &str = "What project is this? Describe in one sentence.";

/// Plays the demo, or runs one real task in `real`.
pub fn run(real: Option<&Path>) -> Result<ExitCode, Failure> {
    let own = program::file().map_err(|error| {
        Failure::new(format!("the file of this program cannot be found: {error}"))
            .hint("start it by its full path; where it was replaced or removed meanwhile, try again")
    })?;
    let real = real.map(real_directory).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(format!("cannot watch a process: {error}")))?;
    match runtime.block_on(on_stage(own, real.as_deref()))? {
        Some(()) if real.is_none() => farewell(),
        Some(()) => Ok(ExitCode::Success),
        None => {
            output::note(if real.is_none() {
                "interrupted; nothing is left behind"
            } else {
                "interrupted; the run was ended"
            });
            Ok(ExitCode::Interrupted)
        }
    }
}

/// Sets the stage, plays, and strikes it whatever happens. `None` when a signal ended the play.
async fn on_stage(own: PathBuf, real: Option<&Path>) -> Result<Option<()>, Failure> {
    // Before there is anything to leave behind.
    let signals = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
    let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hang_up)] = signals else {
        return Err(Failure::new("cannot listen for Ctrl-C"));
    };
    let signalled = async {
        tokio::select! {
            biased;
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    };
    let (stage, patience) = match real {
        None => (Stage::simulated(own)?, PATIENCE),
        Some(directory) => (Stage::real(own, directory, &Environment::of_process()?)?, REAL_PATIENCE),
    };
    let played = play(&stage, patience, real.is_some(), signalled).await;
    stage.strike()?;
    played
}

/// Checks what a real run needs before anything costs.
fn real_directory(directory: &Path) -> Result<PathBuf, Failure> {
    let claude = claude::find().map_err(|error| {
        Failure::new(error.to_string())
            .hint(error.way_out())
            .hint(format!("{} demo, without --real, needs nothing and costs nothing", typed()))
    })?;
    let wrong = |why: &str| Failure::new(format!("{}: {why}", directory.display())).hint("name a project directory");
    let real = path::working_directory().join(directory).canonicalize().map_err(|error| wrong(&error.to_string()))?;
    if !real.is_dir() {
        return Err(wrong("it is not a directory"));
    }
    output::data(&format!(
        "This runs {} in {} with your account. It costs money, at most about ${REAL_CAP_USD:.2}.",
        claude.display(),
        output::for_stdout(&real.to_string_lossy())
    ))?;
    Ok(real)
}

/// The whole conversation; `None` when `signalled` came first. The server is gone in any case.
async fn play(
    stage: &Stage,
    patience: Duration,
    real: bool,
    signalled: impl Future<Output = ()>,
) -> Result<Option<()>, Failure> {
    let began = Instant::now();
    let mut client = Client::start(stage.server(), patience).await.map_err(|error| unexpected(&error))?;
    let mut talk = Presentation { client: &mut client, style: Style::of_stdout() };
    let played = tokio::select! {
        biased;
        () = signalled => Ok(None),
        played = async { if real { talk.real().await } else { talk.simulated(began).await } } => played.map(Some),
    };
    client.leave().await;
    played
}

/// What is shown of the conversation.
struct Presentation<'a> {
    client: &'a mut Client,
    style: Style,
}

impl Presentation<'_> {
    async fn simulated(&mut self, began: Instant) -> Result<(), Failure> {
        output::data(&format!(
            "{}\nThe server and the conversation are real. The agents are simulated: no model is asked, nothing is paid.",
            self.style.bold("agent-dispatch demo"),
        ))?;
        self.heading("Claude Code starts the server: agent-dispatch serve")?;
        self.took(began)?;
        self.heading("Who is there?")?;
        self.call("list_agents", &json!({})).await?;

        self.heading("Work for another project, with progress while it runs")?;
        let ask = json!({"agent": "bookshop", "task": QUESTION, "caller": "website"});
        expect(&self.call("dispatch", &ask).await?, "/success", &json!(true))?;

        self.heading("The same question again: from the cache, at no cost")?;
        expect(&self.call("dispatch", &ask).await?, "/cached", &json!(true))?;

        self.heading("A task that takes longer than the agent may: ledger has timeout: 2")?;
        let ask = json!({"agent": "ledger", "task": "Check all months of the books."});
        let cut = self.call("dispatch", &ask).await?;
        expect(&cut, "/error_type", &json!("timeout"))?;

        self.heading("Nothing is lost: the session of that run goes on where it was cut off")?;
        let ask = json!({"agent": "ledger", "task": "Continue where you left off", "session_id": cut["session_id"]});
        expect(&self.call("dispatch_session", &ask).await?, "/success", &json!(true))
    }

    async fn real(&mut self) -> Result<(), Failure> {
        let ask = json!({"agent": "real", "task": QUESTION});
        let answer = self.call("dispatch_stream", &ask).await?;
        if answer["success"] == true {
            return Ok(());
        }
        let error = answer["error"].as_str().unwrap_or("the run failed and does not say why");
        Err(Failure::new(error).hint(format!("{} doctor finds what is missing", typed())))
    }

    fn heading(&self, text: &str) -> Result<(), Failure> {
        output::data(&format!("\n{}", self.style.bold(text)))
    }

    fn took(&self, began: Instant) -> Result<(), Failure> {
        let ms = began.elapsed().as_secs_f64() * 1_000.0;
        let time = if ms < 100.0 { format!("{ms:.1} ms") } else { format!("{:.2} s", ms / 1_000.0) };
        output::data(&format!("  {}", self.style.dim(format_args!("[{time}]"))))
    }

    async fn call(&mut self, tool: &str, arguments: &Value) -> Result<Value, Failure> {
        output::data(&format!("  {} {tool} {arguments}", self.style.cyan("→")))?;
        let (began, style) = (Instant::now(), self.style);
        let mut progress = |message: &str| {
            // A reader who is gone is noticed at the next line.
            drop(output::data(&format!("    {}", style.dim(format_args!("· {}", output::for_stdout(message))))));
        };
        let answer = self.client.call(tool, arguments, &mut progress).await.map_err(|error| unexpected(&error))?;
        output::data(&format!("  {} {}", self.style.green("←"), output::for_stdout(&answer)))?;
        self.took(began)?;
        serde_json::from_str(&answer).map_err(|error| unexpected(&format!("{tool} answered no JSON: {error}")))
    }
}

fn expect(answer: &Value, place: &str, wanted: &Value) -> Result<(), Failure> {
    match answer.pointer(place) {
        Some(found) if found == wanted => Ok(()),
        _ => Err(unexpected(&format!("the last answer should have {wanted} at {place}"))),
    }
}

fn unexpected(what: &str) -> Failure {
    Failure::new(format!("the demo did not go as it should: {what}"))
        .hint(format!("try again; if it stays, AGENT_DISPATCH_LOG=debug {} demo shows more", typed()))
}

/// How to go on for real.
fn farewell() -> Result<ExitCode, Failure> {
    let style = Style::of_stdout();
    let ours = |words: &str| format!("{} {words}", typed());
    let (heading, first) = match claude::find() {
        Ok(path) => (
            format!("Claude Code is here ({}). For real:", path.display()),
            Some((ours("demo --real DIR"), "one real question to the project in DIR; costs a few cents")),
        ),
        Err(ClaudeMissing::NotOnPath) => (
            "For real, install Claude Code (https://claude.com/claude-code), then:".to_owned(),
            Some(("claude".to_owned(), "once, to log in")),
        ),
        Err(error) => (format!("For real: {error}; {}. Then:", error.way_out()), None),
    };
    let own = registration::own_path().unwrap_or_default();
    let note = match installation::runner_of(&own) {
        Some(Runner { name, install }) => {
            format!("\n(This agent-dispatch is in the cache of {name}; to install it: {install})")
        }
        None if installation::is_off_path(&own) => {
            format!("\n(agent-dispatch is {}, which is not on PATH.)", own.display())
        }
        None => String::new(),
    };
    let then = [
        (ours("init"), "create agents.yaml, register the server with Claude Code"),
        (ours("add NAME DIR"), "make a project an agent"),
        (ours("test NAME"), "ask it something; a real run"),
    ];
    let lines: Vec<_> = first.into_iter().chain(then).collect();
    let width = lines.iter().map(|(command, _)| command.chars().count()).max().unwrap_or(0).max(COMMAND_COLUMNS);
    let lines = lines.iter().map(|(command, what)| format!("  {command:<width$}   {what}\n")).collect::<String>();
    output::data(&format!("\n{}\n{lines}The demo has left nothing behind.{note}", style.bold(heading)))?;
    Ok(ExitCode::Success)
}
