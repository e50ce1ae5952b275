//! Where the claude CLI is: the one that is named, the one on PATH, or one where its installers put it.

mod fault;
mod places;

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use thiserror::Error;

pub use self::fault::Fault;
pub use self::places::system_root;
use super::environment;
use crate::config::path::{self, PlaceError};
use crate::machines::verdict::NotStarted;

/// The name of the CLI's program.
const NAME: &str = "claude";

/// How the CLI was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `AGENT_DISPATCH_CLAUDE` names it.
    Variable,
    /// It is on PATH.
    Path,
    /// The Claude Code that started this process is, or lies beside, this program.
    Caller,
    /// It is where an installer puts it.
    Installed,
}

impl Source {
    /// In words, after the path.
    #[must_use]
    pub const fn told(self) -> &'static str {
        match self {
            Self::Variable => "named by AGENT_DISPATCH_CLAUDE",
            Self::Path => "on PATH",
            Self::Caller => "not on PATH; the Claude Code that calls",
            Self::Installed => "not on PATH; found where it is installed",
        }
    }
}

/// The CLI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its program.
    pub path: PathBuf,
    /// How it was found.
    pub source: Source,
}

/// Why there is no CLI that could be run.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ClaudeMissing {
    /// Neither on PATH nor where it is installed.
    #[error("the claude CLI was not found on PATH, nor where its installers put it")]
    NotOnPath,
    /// The variable cannot be expanded.
    #[error(transparent)]
    Variable(#[from] PlaceError),
    /// The variable names no program that could be run.
    #[error("{} is {value:?}, which {fault}", environment::CLAUDE)]
    Named {
        /// As it is set.
        value: String,
        /// What is wrong with it.
        fault: Fault,
    },
    /// It is there, and cannot be run.
    #[error("the claude CLI {} {fault}", path.display())]
    Broken {
        /// The program.
        path: PathBuf,
        /// What is wrong with it.
        fault: Fault,
    },
}

impl ClaudeMissing {
    /// What to do about it.
    #[must_use]
    pub fn way_out(&self) -> String {
        let variable = environment::CLAUDE;
        match self {
            Self::NotOnPath => format!(
                "install Claude Code (https://claude.com/claude-code) and check with `claude --version`, or set \
                 {variable} to its path"
            ),
            Self::Variable(error) => error.hint(),
            Self::Named { value, fault: Fault::Arguments } => format!(
                "make an executable script of two lines, `#!/bin/sh` and `exec {value} \"$@\"`, and set {variable} to \
                 the path of that script; or unset {variable}, and claude is looked for on PATH"
            ),
            Self::Named { fault, .. } => {
                let remedy = fault.remedy().map_or_else(String::new, |remedy| format!("{remedy}; or "));
                format!(
                    "{remedy}set {variable} to the path of the claude program, or unset it: then claude is looked for \
                     on PATH"
                )
            }
            Self::Broken { fault, .. } => fault.remedy().map_or_else(
                || format!("install Claude Code again, or set {variable} to the path of another claude"),
                str::to_owned,
            ),
        }
    }
}

/// What a search goes by.
pub struct Search<'a> {
    /// The environment.
    pub lookup: &'a dyn Fn(&str) -> Option<OsString>,
    /// The home of the user.
    pub home: Option<PathBuf>,
    /// What a relative path starts from: where this process is, not the agent's directory in which the child starts.
    pub current_dir: PathBuf,
    /// Below which the directories for all users are.
    pub system_root: PathBuf,
}

/// The CLI to run.
///
/// # Errors
/// [`ClaudeMissing`].
pub fn find() -> Result<PathBuf, ClaudeMissing> {
    locate().map(|found| found.path)
}

/// As [`find`], with how it was found.
///
/// # Errors
/// [`ClaudeMissing`].
pub fn locate() -> Result<Found, ClaudeMissing> {
    let lookup = |name: &str| std::env::var_os(name);
    Search {
        lookup: &lookup,
        home: std::env::home_dir(),
        current_dir: path::working_directory(),
        system_root: places::system_root(),
    }
    .locate()
}

impl Search<'_> {
    /// The CLI to run. Where it is on PATH nothing else is looked at.
    ///
    /// # Errors
    /// [`ClaudeMissing`].
    pub fn locate(&self) -> Result<Found, ClaudeMissing> {
        let found = self.candidate()?;
        match fault::of_script(&found.path, &self.path()) {
            None => Ok(found),
            Some(fault) => Err(self.unusable(found, fault)),
        }
    }

    fn candidate(&self) -> Result<Found, ClaudeMissing> {
        if let Some(found) = self.named()? {
            return Ok(found);
        }
        if let Some(path) = on_path(NAME, &self.path()) {
            return Ok(Found { path, source: Source::Path });
        }
        if let Some(path) = places::of_caller(self) {
            return Ok(Found { path, source: Source::Caller });
        }
        if let Some(path) = places::installed(self) {
            return Ok(Found { path, source: Source::Installed });
        }
        let there = directories(&self.path()).map(|directory| directory.join(NAME)).find(|file| file.is_symlink());
        Err(there.map_or(ClaudeMissing::NotOnPath, |path| ClaudeMissing::Broken { fault: Fault::of_file(&path), path }))
    }

    /// The program that the variable names; `None` where it is not set.
    fn named(&self) -> Result<Option<Found>, ClaudeMissing> {
        let Some(name) = path::named(environment::CLAUDE, self.home.as_deref(), self.lookup)? else { return Ok(None) };
        let file = self.current_dir.join(&name);
        let bare = name.components().count() == 1;
        let found =
            if bare { on_path(&name, &self.path()) } else { Some(file.clone()).filter(|file| is_executable(file)) };
        if let Some(path) = found {
            return Ok(Some(Found { path, source: Source::Variable }));
        }
        let value = name.to_string_lossy().into_owned();
        let fault = match (self.is_command(&value), bare && !file.exists()) {
            (true, _) => Fault::Arguments,
            (false, true) => Fault::NotOnPath,
            (false, false) => Fault::of_file(&file),
        };
        Err(ClaudeMissing::Named { value, fault })
    }

    /// Whether a text is a program and its arguments, as a shell takes them.
    fn is_command(&self, text: &str) -> bool {
        let mut words = text.split_whitespace();
        let (Some(program), Some(_)) = (words.next(), words.next()) else { return false };
        !program.contains('/') || is_executable(&self.current_dir.join(program))
    }

    fn unusable(&self, found: Found, fault: Fault) -> ClaudeMissing {
        match found.source {
            Source::Variable => ClaudeMissing::Named { value: found.path.display().to_string(), fault },
            Source::Path | Source::Caller | Source::Installed => ClaudeMissing::Broken { path: found.path, fault },
        }
    }

    fn path(&self) -> OsString {
        (self.lookup)("PATH").unwrap_or_default()
    }
}

/// The same for an answer.
#[must_use]
pub fn not_started(missing: &ClaudeMissing) -> NotStarted {
    NotStarted::CliMissing { what: missing.to_string(), way_out: missing.way_out() }
}

/// Why a start of the CLI failed, where its file tells.
#[must_use]
pub fn explain(program: &Path, error: &io::Error) -> Option<ClaudeMissing> {
    let path = program.to_path_buf();
    fault::of_start(program, error).map(|fault| ClaudeMissing::Broken { path, fault })
}

/// A command that runs the CLI.
#[must_use]
pub fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    if let Some(path) = path_for(program) {
        command.env("PATH", path);
    }
    command
}

/// The PATH that a script needs whose interpreter lies beside it and not on PATH, as nvm has it for every Node.js.
#[must_use]
pub fn path_for(program: &Path) -> Option<OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directory = fault::interpreter_beside(program, &path)?;
    std::env::join_paths(std::env::split_paths(&path).chain([directory])).ok()
}

fn on_path(name: impl AsRef<Path>, path: &OsStr) -> Option<PathBuf> {
    directories(path).map(|directory| directory.join(&name)).find(|file| is_executable(file))
}

/// The directories of PATH. Relative ones would be found anew in each agent's directory.
fn directories(path: &OsStr) -> impl Iterator<Item = PathBuf> + '_ {
    std::env::split_paths(path).filter(|directory| directory.is_absolute())
}

/// Whether this process may run the file.
#[must_use]
pub fn is_executable(file: &Path) -> bool {
    file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok()
}
