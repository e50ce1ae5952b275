//! What keeps a program from being run, told from its file.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use thiserror::Error;

use super::{is_executable, on_path};
use crate::fs::open;
use crate::os::program::is_for_another_processor;

/// How much of a script the kernel reads to find its interpreter, in bytes (`BINPRM_BUF_SIZE`, see execve(2)).
const FIRST_LINE_BYTES: usize = 256;
/// How a program begins, on most systems.
const ELF: &[u8] = b"\x7fELF";
/// Looks for an interpreter on PATH.
const ENV: &str = "env";

/// What is wrong with a program. In words after its name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// Nothing is there.
    #[error("does not exist")]
    Missing,
    /// A link that leads nowhere.
    #[error("is a link to {}, which does not exist", .0.display())]
    Dangling(PathBuf),
    /// A name without a directory, which no directory of PATH has.
    #[error("is not the name of a program on PATH")]
    NotOnPath,
    /// A directory, or something else that is no file.
    #[error("is not a file")]
    NotAFile,
    /// A file without the right to run it.
    #[error("is not executable")]
    NotExecutable,
    /// A program and arguments for it.
    #[error("is a command with arguments and not the path of a program")]
    Arguments,
    /// A script saved with Windows line ends.
    #[error("is a script with Windows line ends: its interpreter is not found")]
    WindowsLineEnds,
    /// A script whose first line does not say what runs it.
    #[error("is a script without a first line such as #!/bin/sh: the system cannot run it")]
    NoShebang,
    /// A script whose interpreter is not there.
    #[error("is a script for {0}, which does not exist")]
    NoInterpreter(String),
    /// Likewise, where PATH was to have it.
    #[error("is a script for {0}, which is not on PATH")]
    InterpreterNotOnPath(String),
    /// A program for another system or processor.
    #[error("is not a program for this system")]
    OtherSystem,
    /// A program whose loader is not there: one for glibc where there is musl, or the other way round.
    #[error("is a program for another C library (glibc or musl) than this system has")]
    OtherLibrary,
}

impl Fault {
    /// What is wrong with a file that is no executable one.
    pub(super) fn of_file(file: &Path) -> Self {
        match (std::fs::metadata(file), std::fs::read_link(file)) {
            (Err(_), Ok(target)) => Self::Dangling(target),
            (Err(_), Err(_)) => Self::Missing,
            (Ok(metadata), _) if metadata.is_file() => Self::NotExecutable,
            (Ok(_), _) => Self::NotAFile,
        }
    }

    /// What to do about it, where the file itself can be put right.
    pub(super) const fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::NotExecutable => Some("make the file executable with chmod +x"),
            Self::WindowsLineEnds => Some("save the script with Unix line ends (sed -i 's/\\r$//' FILE)"),
            Self::NoShebang => Some(
                "give the script the first line #!/bin/sh; if Claude Code came from npm, install it again without --ignore-scripts",
            ),
            Self::NoInterpreter(_) => Some("correct the first line of the script, or install that interpreter"),
            Self::InterpreterNotOnPath(_) => Some(
                "add its directory to the PATH with which Claude Code is started, or install Claude Code again with its native installer",
            ),
            Self::OtherSystem | Self::OtherLibrary => Some("install Claude Code for this system"),
            Self::Missing | Self::Dangling(_) | Self::NotOnPath | Self::NotAFile | Self::Arguments => None,
        }
    }
}

/// What a script's first line asks for.
enum Interpreter {
    /// A file.
    At(PathBuf),
    /// A name that `env` looks for on PATH.
    OnPath(String),
}

/// What keeps a script from being run. `None` for all that is no script, or whose first line is not understood.
pub(super) fn of_script(program: &Path, path: &OsStr) -> Option<Fault> {
    let start = start_of(program)?;
    let line = first_line(&start)?;
    if line.ends_with(b"\r") {
        return Some(Fault::WindowsLineEnds);
    }
    match interpreter(line)? {
        Interpreter::At(file) if file.exists() => None,
        Interpreter::At(file) => Some(Fault::NoInterpreter(file.display().to_string())),
        Interpreter::OnPath(name) if on_path(&name, path).is_some() || beside(program, &name).is_some() => None,
        Interpreter::OnPath(name) => Some(Fault::InterpreterNotOnPath(name)),
    }
}

/// The directory of a script whose interpreter lies beside it and not on PATH.
pub(super) fn interpreter_beside(program: &Path, path: &OsStr) -> Option<PathBuf> {
    let start = start_of(program)?;
    match interpreter(first_line(&start)?)? {
        Interpreter::OnPath(name) if on_path(&name, path).is_none() => beside(program, &name),
        Interpreter::OnPath(_) | Interpreter::At(_) => None,
    }
}

/// What made a start fail.
pub(super) fn of_start(program: &Path, error: &io::Error) -> Option<Fault> {
    if error.raw_os_error() == Some(Errno::NOEXEC.raw_os_error()) {
        let text = start_of(program).is_some_and(|start| !start.is_empty() && !start.contains(&0));
        return Some(if text { Fault::NoShebang } else { Fault::OtherSystem });
    }
    if is_for_another_processor(error) {
        return Some(Fault::OtherSystem);
    }
    if error.kind() != io::ErrorKind::NotFound {
        return None;
    }
    let loaded = is_executable(program) && start_of(program).is_some_and(|start| start.starts_with(ELF));
    if loaded { Some(Fault::OtherLibrary) } else { Some(Fault::of_file(program)) }
}

fn beside(program: &Path, interpreter: &str) -> Option<PathBuf> {
    let directory = program.parent()?;
    is_executable(&directory.join(interpreter)).then(|| directory.to_path_buf())
}

fn start_of(program: &Path) -> Option<Vec<u8>> {
    open::read_bounded(File::open(program).ok()?, FIRST_LINE_BYTES).ok().map(|(start, _more)| start)
}

/// What follows `#!`.
fn first_line(start: &[u8]) -> Option<&[u8]> {
    start.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()
}

fn interpreter(line: &[u8]) -> Option<Interpreter> {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let file = Path::new(OsStr::from_bytes(words.next()?));
    if file.file_name().is_none_or(|name| name != ENV) || !file.exists() {
        return Some(Interpreter::At(file.to_path_buf()));
    }
    let word = words.find(|word| *word != b"-S")?;
    // Further options and variables of `env` are its own affair.
    let name = std::str::from_utf8(word).ok().filter(|word| !word.starts_with('-') && !word.contains('='))?;
    Some(if name.contains('/') { Interpreter::At(name.into()) } else { Interpreter::OnPath(name.to_owned()) })
}
