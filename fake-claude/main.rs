//! A stand-in for the claude CLI that plays scenes. It shares no code with the product: an independent witness.

mod args;
mod children;
mod clock;
mod ending;
mod failures;
mod flags;
mod input;
mod load;
mod mcp;
mod out;
mod player;
mod scene;
mod schema;
mod session;
mod signals;
mod stream;
mod suggest;
mod verbs;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use args::Args;
use ending::Ending;
use input::Routed;
use load::Loaded;
use out::{Format, Out};
use player::{Player, Run};
use scene::Scene;
use session::{Refusal, Session};
use stream::Stream;
use verbs::ask;

/// The version whose behaviour is played.
pub const VERSION: &str = "2.1.332";
/// The model of a run that names none.
const DEFAULT_MODEL: &str = "claude-opus-4-8[1m]";

/// An end before anything is played.
#[derive(Default, Debug)]
pub struct Stop {
    /// Exit code.
    pub code: u8,
    /// Said on stdout.
    pub stdout: String,
    /// Said on stderr.
    pub stderr: String,
}

impl Stop {
    /// Exit code 1 and a text on stderr, as nearly every refusal of the CLI.
    pub const fn error(stderr: String) -> Self {
        Self { code: 1, stdout: String::new(), stderr }
    }

    /// Exit code 0 and a text on stdout.
    pub const fn answer(stdout: String) -> Self {
        Self { code: 0, stdout, stderr: String::new() }
    }
}

fn main() -> ExitCode {
    let argv: Vec<String> = std::env::args_os().skip(1).map(|a| a.to_string_lossy().into_owned()).collect();
    let done = match argv.first().map(String::as_str) {
        Some(children::CHILD_MARK) => Ok(children::live(&argv[1..])),
        Some("mcp") => Err(mcp::main(&argv[1..])),
        _ => headless(&argv),
    };
    let code = done.unwrap_or_else(|stop| {
        // A reader that is gone changes nothing about the exit code.
        let _ = std::io::stdout().lock().write_all(stop.stdout.as_bytes());
        let _ = std::io::stderr().lock().write_all(stop.stderr.as_bytes());
        stop.code
    });
    ExitCode::from(code)
}

/// `claude -p …`
fn headless(argv: &[String]) -> Result<u8, Stop> {
    let outer = load::outer()?;
    let mut args = parse(argv, outer.as_ref())?;
    if args.has("--version") {
        let version = std::env::var("FAKE_CLAUDE_VERSION").unwrap_or_else(|_| VERSION.to_owned());
        return Err(Stop::answer(format!("{version} (Claude Code)\n")));
    }
    if args.help {
        return Err(Stop::answer(args::help(outer.as_ref().map_or(&[], |l| &l.scene.rejects))));
    }
    if !args.has("--print") && std::io::stdout().is_terminal() {
        return Err(Stop {
            code: 64,
            stderr: "fake-claude: interactive use is not played\n".to_owned(),
            ..Stop::default()
        });
    }
    let (format, verbose) = flags::check(&args)?;
    let schema = args.last("--json-schema").map(schema::accepted).transpose()?;
    let cwd = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let session = match Session::open(&args, &cwd) {
        Ok(session) => session,
        Err(Refusal::Plain(stop)) => return Err(stop),
        Err(Refusal::Unknown(id)) => return Err(unknown_session(&args, &id, format, cwd)),
    };
    let prompt = input::prompt(args.positionals.first().map(String::as_str))?;
    let loaded = match outer {
        Some(outer) => outer,
        None => load::from_prompt(&prompt)?.unwrap_or(Loaded { scene: Scene::empty(), call: 1 }),
    };
    if !loaded.scene.rejects.is_empty() {
        args = parse(argv, Some(&loaded))?;
    }
    let stream = new_stream(&args, session, Out::new(format, verbose), cwd);
    let run = Run {
        prompt: None,
        call: loaded.call,
        argv: argv.to_vec(),
        max_turns: args.last("--max-turns").filter(|n| n.parse::<u64>().is_ok_and(|n| n > 0)).map(str::to_owned),
        budget_usd: args.last("--max-budget-usd").and_then(|b| b.trim().parse().ok()),
        schema,
        ended: false,
    };
    Ok(answer(stream, run, loaded.scene, prompt))
}

/// A local command is answered at once; everything else is played.
fn answer(mut stream: Stream, mut run: Run, scene: Scene, prompt: String) -> u8 {
    match input::route(prompt) {
        Routed::Local(text) => {
            stream.init();
            stream.end(&Ending::local(&text));
            stream.out.finish();
            stream.exit
        }
        Routed::Model(prompt) => {
            run.prompt = Some(prompt);
            Player::new(stream, run, scene).play()
        }
    }
}

/// Parses with the scene's unknown options; a refusal leaves the scene's reports all the same.
fn parse(argv: &[String], loaded: Option<&Loaded>) -> Result<Args, Stop> {
    let rejects = loaded.map_or(&[][..], |l| &l.scene.rejects);
    args::parse(argv, rejects).inspect_err(|_| {
        if let Some(loaded) = loaded {
            Player::dump_all(argv, &loaded.scene, loaded.call);
        }
    })
}

fn new_stream(args: &Args, session: Session, out: Out, cwd: PathBuf) -> Stream {
    let model = args.last("--model").map(str::to_owned).or_else(|| session.model.clone());
    let model = model.unwrap_or_else(|| DEFAULT_MODEL.to_owned());
    let mode = args.last("--permission-mode").map_or("default", args::mode).to_owned();
    let removed = ask::rules(&args.all("--disallowedTools"));
    let allowed = ask::rules(&args.all("--allowedTools"));
    let mut stream = Stream::new(out, session, model, mode, cwd);
    stream.tools.retain(|t| !removed.contains(t));
    if let Some(named) = args.last("--tools") {
        let named = ask::rules(&[named]);
        // One name that is no tool takes all of them away (chapter 6).
        let known = named.iter().all(|n| stream.tools.contains(n));
        stream.tools.retain(|t| known && named.contains(t));
    }
    stream.allowed = allowed;
    stream
}

/// `--resume` of an unknown id: a line on stderr, and in `stream-json` a result as well (chapter 3).
fn unknown_session(args: &Args, id: &str, format: Format, cwd: PathBuf) -> Stop {
    let mut stop = Stop::error(format!("No conversation found with session ID: {id}\n"));
    if format == Format::Stream {
        let stream = new_stream(args, Session::nowhere(id), Out::new(format, true), cwd);
        stop.stdout = Ending::unknown_session(id).line(&stream) + "\n";
    }
    stop
}
