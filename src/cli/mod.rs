//! The command line.
//!
//! | file | what |
//! |---|---|
//! | `arguments` | what can be typed: types only |
//! | `output`, `failure` | the only place that prints; what is printed when something fails |
//! | one file or folder for each verb | what the verb does; `add`, `update` and `remove` are in `change` |
//! | `registration` | what Claude Code knows of us, in every scope, and the path it should know |
//! | `places` | which files are read, by this process and by the registered server |
//! | `subprocess` | runs another program for a limited time |
//! | `runtime` | what a verb needs that waits: a runtime, and Ctrl-C |
//! | `records` | the jobs, and what is said when one is not there |
//! | `version` | what the program was built from |
//! | `format`, `table`, `chart` | times and amounts for people; columns; bars |
//!
//! A verb is a variant in `arguments`, a line in [`perform`] and a file: it is added in these
//! three places.

mod arguments;
mod cancel;
mod change;
mod chart;
mod demo;
mod describe;
mod doctor;
mod failure;
mod format;
mod gc;
mod grants;
mod group;
mod init;
mod job;
mod jobs;
mod list;
pub mod logging;
mod output;
mod permissions;
mod places;
mod records;
mod registration;
mod runtime;
mod serve;
mod stats;
mod subprocess;
mod supervise;
mod table;
mod test;
mod version;
mod wait;
mod welcome;

use std::ffi::OsString;
use std::path::Path;
use std::process;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};

use crate::config::path::Environment;
use crate::os::process::SUPERVISE;
use arguments::{Arguments, Verb};
use failure::{ExitCode, Failure};

/// Does what the command line says, and reports what went wrong. `arguments` begin with the program's name.
#[must_use]
pub fn run(arguments: Vec<OsString>) -> process::ExitCode {
    let json_asked = arguments.iter().any(|argument| argument == "--json");
    if let Some(verb) = typed_by_programs(&arguments) {
        return perform(verb).unwrap_or_else(|failure| report(&failure, false)).into();
    }
    let verbose = arguments.iter().any(|argument| argument == "--verbose");
    let given = command().try_get_matches_from(arguments);
    let read = given.and_then(|given| Ok((arguments::wants_json(&given), Arguments::from_arg_matches(&given)?.verb)));
    let (json, verb) = match read {
        Ok(read) => read,
        Err(error) if error.kind() == ErrorKind::DisplayVersion && verbose => return asked(&version::verbose()).into(),
        Err(error) => return misused(&error, json_asked).into(),
    };
    let exit = match verb {
        None => welcome::run(),
        Some(verb) => perform(verb),
    };
    exit.unwrap_or_else(|failure| report(&failure, json)).into()
}

/// The grammar of the command line: for [`run`], and for the pages and completions that are made of it.
#[must_use]
pub fn command() -> clap::Command {
    version::options(Arguments::command())
}

/// The verbs that programs type, and always alike. Most processes of ours are one of them, and to set up the grammar of all
/// verbs takes a quarter of what such a process costs at its start, in time and in memory.
fn typed_by_programs(arguments: &[OsString]) -> Option<Verb> {
    match arguments {
        [_, serve] if serve == "serve" => Some(Verb::Serve),
        [_, supervise, jobs_dir, id] if supervise == SUPERVISE => {
            Some(Verb::Supervise { jobs_dir: jobs_dir.into(), id: id.to_str()?.to_owned() })
        }
        [name, given @ ..] if Path::new(name).file_name().is_some_and(|name| name == demo::agent::NAME) => {
            Some(Verb::SimulatedAgent { arguments: given.to_vec() })
        }
        _ => None,
    }
}

fn perform(verb: Verb) -> Result<ExitCode, Failure> {
    let here = Environment::of_process;
    match verb {
        Verb::Init => init::run(&here()?),
        Verb::Add(arguments) => change::add(&here()?, arguments),
        Verb::Update(arguments) => change::update(&here()?, arguments),
        Verb::Remove { name } => change::remove(&here()?, &name),
        Verb::List { json } => list::run(&here()?, json),
        Verb::Describe { name, json } => describe::run(&here()?, &name, json),
        Verb::Group { verb } => group::run(&here()?, verb),
        Verb::Test(arguments) => test::run(&here()?, arguments),
        Verb::Jobs(arguments) => jobs::run(&here()?, arguments),
        Verb::Job(arguments) => job::run(&here()?, &arguments),
        Verb::Wait(arguments) => wait::run(&here()?, &arguments),
        Verb::Cancel { id, json } => cancel::run(&here()?, &id, json),
        Verb::Gc(arguments) => gc::run(&here()?, &arguments),
        Verb::Stats(arguments) => stats::run(&here()?, &arguments),
        Verb::Serve => serve::run(here()),
        Verb::Doctor { json, strict } => doctor::run(here(), json, strict),
        Verb::Demo { real } => demo::run(real.as_deref()),
        Verb::Supervise { jobs_dir, id } => Ok(supervise::run(&jobs_dir, &id)),
        Verb::SimulatedAgent { arguments } => demo::agent::run(&arguments),
    }
}

/// Says what is wrong; with `--json` on standard output too, so that a program that reads it finds JSON in any case.
fn report(failure: &Failure, json: bool) -> ExitCode {
    if json && let Err(second) = output::json(&failure.to_json()) {
        output::failure(&second);
    }
    output::failure(failure);
    ExitCode::Failure
}

/// What a text of the grammar says: the first paragraph is the mistake, with what is missing on lines of its own; then come
/// tips and the usage.
fn misuse(text: &str) -> Failure {
    let joined = |paragraph: &str| paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut paragraphs = text.split("\n\n").map(joined).filter(|paragraph| !paragraph.is_empty());
    let error = paragraphs.next().unwrap_or_default();
    let failure = Failure::new(error.trim_start_matches("error: "));
    let told = paragraphs.filter(|paragraph| ["tip:", "Usage:"].iter().any(|mark| paragraph.starts_with(mark)));
    told.fold(failure, Failure::hint).hint("agent-dispatch --help shows what can be typed")
}

/// Prints what was asked for in place of a verb's work.
fn asked(text: &str) -> ExitCode {
    match output::data(text) {
        Ok(()) => ExitCode::Success,
        Err(failure) => report(&failure, false),
    }
}

/// Help and version are asked for and go to standard output; everything else is wrong usage.
fn misused(error: &clap::Error, json: bool) -> ExitCode {
    let text = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => asked(&text),
        _ => {
            if json {
                let failure = misuse(&text);
                if let Err(second) = output::json(&failure.to_json()) {
                    output::failure(&second);
                }
            }
            output::note(text.trim_end());
            ExitCode::Usage
        }
    }
}
