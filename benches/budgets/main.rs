//! Measures the budgets: the built server and CLI beside a floor (the least that the same work can cost on this
//! machine) and, when asked, beside the Python implementation, in one run and in turns.
//!
//! | file | what |
//! |---|---|
//! | `options` | what can be typed |
//! | `rounds` | contestants in turns, and what is made of their figures |
//! | `table`, `machine` | what is printed: figures and budgets, and what the machine was doing meanwhile |
//! | `world`, `subject` | scratch projects and configurations; the programs that are measured |
//! | `client` | speaks MCP to a server, over pipes or sockets |
//! | `process` | memory of other processes |
//! | `floor` | what this program does as a contestant itself |
//! | `python` | installs the Python implementation |
//! | `rows` | one file for each group of rows |
//!
//! Nothing is asserted about time: a budget that is not met is marked in the table.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the table is what this program is for")]

mod client;
mod floor;
mod machine;
mod options;
mod process;
mod python;
mod rounds;
mod rows;
mod subject;
mod table;
mod world;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;

use machine::Meter;
use options::Options;
use rows::{Bench, Group};
use world::Scratch;

/// Whatever goes wrong leaves out the rows that it hits, and is printed in their place.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Exit code when the machine is too busy to measure anything.
const BUSY: u8 = 3;

fn main() -> ExitCode {
    if floor::is_child() {
        floor::child();
        return ExitCode::SUCCESS;
    }
    let options = Options::parse();
    if let Some(floor) = options.floor {
        floor::run(floor);
        return ExitCode::SUCCESS;
    }
    if options.list {
        for group in rows::GROUPS {
            println!("{:10} {}", group.name, group.what);
        }
        return ExitCode::SUCCESS;
    }
    match measure(options) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("budgets: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(options: Options) -> Result<ExitCode> {
    let groups = chosen(&options.rows)?;
    let load = machine::load();
    if load > machine::QUIET_LOAD && !options.noisy {
        eprintln!(
            "budgets: load average {load:.2} is over {:.1}; wait, or measure anyway with --noisy",
            machine::QUIET_LOAD
        );
        return Ok(ExitCode::from(BUSY));
    }
    let python = if options.python { Some(python::ensure()?) } else { None };
    println!("{}", machine::facts(load));
    if let Some(program) = &options.program {
        println!("Measured: {}", program.display());
    }
    if python.is_none() {
        println!("Python {} left out: give --python to install and measure it", python::VERSION);
    }
    println!("{}", table::HEAD);
    let bench = Bench { scratch: Scratch::new(options.scratch.as_deref())?, options, python };
    for group in groups {
        let meter = Meter::start();
        match (group.measure)(&bench) {
            Ok(rows) => {
                let others = meter.others();
                for row in rows {
                    println!("{}", row.line(others));
                }
            }
            Err(error) => println!("| {} | left out: {} |", group.name, error.to_string().replace(['\n', '|'], " ")),
        }
    }
    println!("\n{}", table::LEGEND);
    Ok(ExitCode::SUCCESS)
}

/// The groups that were asked for, in the table's order; all when none was.
fn chosen(names: &[String]) -> Result<Vec<&'static Group>> {
    if let Some(unknown) = names.iter().find(|name| rows::GROUPS.iter().all(|group| group.name != **name)) {
        return Err(format!("no rows are called \"{unknown}\"; --list shows the names").into());
    }
    Ok(rows::GROUPS.iter().filter(|group| names.is_empty() || names.iter().any(|name| name == group.name)).collect())
}
