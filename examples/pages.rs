//! Man pages and completions, made of the grammar of the command line.
//!
//! `cargo run --example pages -- DIR` writes `DIR/man/*.1`, a page for the program and one for each verb, and
//! `DIR/completions/` for bash, elvish, fish, PowerShell and zsh. What was there under these names is replaced.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::{Command, ValueEnum};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

/// The program's name; clap takes none that is made while it runs.
const NAME: &str = env!("CARGO_PKG_NAME");

/// What can be typed, without the verbs that only programs type: `clap_complete` would offer these too.
fn completed(command: &Command) -> Command {
    let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set());
    Command::new(NAME)
        .version(env!("CARGO_PKG_VERSION"))
        .disable_version_flag(true)
        .args(command.get_arguments())
        .subcommands(verbs)
}

/// Writes the page of a command, and those of the verbs below it.
fn write_pages(command: &Command, directory: &Path) -> io::Result<()> {
    let page = Man::new(command.clone()).source(concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")));
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    if command.has_subcommands() {
        page.render_subcommands_section(&mut text)?;
    }
    if let Some(more) = command.get_after_help() {
        sections(&more.to_string()).to_writer(&mut text)?;
    }
    fs::write(directory.join(page.get_filename()), text)?;
    command.get_subcommands().filter(|verb| !verb.is_hide_set()).try_for_each(|verb| write_pages(verb, directory))
}

/// What help ends with, as sections: a line such as `Examples:` begins one. Columns, which are indented, stay as they are;
/// `Man` itself would fill them like prose, under one heading for all.
fn sections(more: &str) -> Roff {
    let mut roff = Roff::new();
    if !heads(more.lines().next().unwrap_or_default()) {
        roff.control("SH", ["NOTES"]);
    }
    for line in more.lines() {
        if heads(line) {
            roff.control("SH", [line.trim_end_matches(':').to_uppercase().as_str()]);
        } else if line.starts_with(' ') {
            roff.control("nf", []).text([roman(line)]).control("fi", []);
        } else {
            roff.text([roman(line)]);
        }
    }
    roff
}

fn heads(line: &str) -> bool {
    line.ends_with(':') && !line.starts_with(' ')
}

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args_os().nth(1).map(PathBuf::from).ok_or("which directory? pages DIR")?;
    let mut command = agent_dispatch::cli::command().disable_help_subcommand(true);
    let (man, completions) = (directory.join("man"), directory.join("completions"));
    for directory in [&man, &completions] {
        fs::create_dir_all(directory)?;
    }
    for shell in Shell::value_variants() {
        clap_complete::generate_to(*shell, &mut completed(&agent_dispatch::cli::command()), NAME, &completions)?;
    }
    // Pages are named after the verbs above them, which only a whole grammar knows.
    command.build();
    Ok(write_pages(&command, &man)?)
}
