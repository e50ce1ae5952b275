//! The only place that prints. Data goes to standard output, all else to standard error.

use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal, Write};

use serde::Serialize;

use super::failure::Failure;

/// Takes text off our hands.
///
/// # Errors
/// What the system says, also when nobody reads any more: for an answer that was paid for that makes a difference.
pub fn deliver(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// Prints data. A reader that has seen enough (`… | head -1`) is no failure.
///
/// # Errors
/// A standard output that cannot be written for any other reason, such as a full disk.
pub fn data(text: &str) -> Result<(), Failure> {
    deliver(text).or_else(|error| match error.kind() {
        ErrorKind::BrokenPipe => Ok(()),
        _ => Err(Failure::new(format!("cannot write to standard output: {error}"))),
    })
}

/// Prints a value as JSON, indented for people; programs do not mind.
pub fn json<T: Serialize>(value: &T) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::new(format!("the answer cannot be written as JSON: {error}")))?;
    data(&text)
}

/// Prints a line for people on standard error. Where nobody can read it there is nobody to tell.
pub fn note(line: &str) {
    let mut err = io::stderr().lock();
    drop(err.write_all(format!("{line}\n").as_bytes()));
}

/// Prints what went wrong, and a line for each next step.
pub fn failure(failure: &Failure) {
    let style = Style::of_stderr();
    note(&format!("{} {}", style.red("error:"), printable(&failure.error)));
    for line in &failure.hints {
        hint(line);
    }
}

/// Prints a next step.
pub fn hint(line: &str) {
    note(&format!("{} {}", Style::of_stderr().cyan("hint:"), printable(line)));
}

/// Prints what is wrong but stops nothing.
pub fn warning(line: &str) {
    note(&format!("{} {}", Style::of_stderr().yellow("warning:"), printable(line)));
}

/// Text from elsewhere as it may appear on a terminal: without the control characters that could steer it.
pub fn printable(text: &str) -> String {
    let harmless = |letter: char| !letter.is_control() || matches!(letter, '\n' | '\t');
    text.chars().map(|letter| if harmless(letter) { letter } else { '\u{fffd}' }).collect()
}

/// Text from elsewhere for standard output: as it is for a program or a file, [`printable`] for a terminal.
pub fn for_stdout(text: &str) -> String {
    if io::stdout().is_terminal() { printable(text) } else { text.to_owned() }
}

/// How wide the terminal is, in columns; nothing where standard output is none.
pub fn width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Colours, where they are wanted. Nothing is said by colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    colour: bool,
}

impl Style {
    /// For standard output.
    pub fn of_stdout() -> Self {
        Self { colour: io::stdout().is_terminal() && wanted() }
    }

    /// For standard error.
    pub fn of_stderr() -> Self {
        Self { colour: io::stderr().is_terminal() && wanted() }
    }

    /// Whether there may be more than plain text: a terminal, and nobody who asked for less.
    pub const fn is_rich(self) -> bool {
        self.colour
    }

    fn paint(self, code: u8, text: impl Display) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_string() }
    }
}

macro_rules! styles {
    ($($(#[$doc:meta])* $style:ident = $code:literal;)*) => {
        impl Style {
            $($(#[$doc])* pub fn $style(self, text: impl Display) -> String {
                self.paint($code, text)
            })*
        }
    };
}
styles! {
    /// What matters most.
    bold = 1;
    /// What matters least.
    dim = 2;
    /// A failure.
    red = 31;
    /// A success.
    green = 32;
    /// A warning.
    yellow = 33;
    /// Advice.
    cyan = 36;
}

/// <https://no-color.org>: any value but the empty one; and a terminal that cannot.
fn wanted() -> bool {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    set("NO_COLOR").is_none() && set("TERM").is_none_or(|terminal| terminal != "dumb")
}
