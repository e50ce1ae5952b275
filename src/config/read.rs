//! Reads agents.yaml from disk: bounded, without blocking, and with the place of every mistake.
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::model::{Config, Problem, place};
use super::parse;
use super::path::CONFIG_VARIABLE;
use super::problem::position;
use super::raw::Context;
use super::rewrite;
use super::rights::{self, Use};
use crate::fs::open::{self, OpenError};

/// Largest config file that is read, in bytes. Five hundred agents with long instructions take about half of it;
/// a larger file is something else that got its name.
pub const MAX_CONFIG_BYTES: usize = 4 * 1024 * 1024;

/// Why agents.yaml as a whole cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot read the config: {fault} ({}{})",
    path.display(),
    place(*line, *column).map_or_else(String::new, |place| format!(", {place}"))
)]
pub struct ConfigError {
    /// The file that was to be read.
    pub path: PathBuf,
    /// What is wrong.
    pub fault: ConfigFault,
    /// Line of the fault, from 1.
    pub line: Option<u32>,
    /// Column of the fault, from 1.
    pub column: Option<u32>,
}

/// What is wrong with the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigFault {
    /// A directory, FIFO, socket or device has the name of the file.
    #[error("it is {0}, not a file")]
    NotAFile(&'static str),
    /// The system refused to open or read it.
    #[error("{0}")]
    Unreadable(String),
    /// Larger than [`MAX_CONFIG_BYTES`].
    #[error("it is larger than {} MiB", MAX_CONFIG_BYTES / (1024 * 1024))]
    TooLarge,
    /// A byte that is not part of UTF-8 text.
    #[error("byte 0x{0:02x} is not UTF-8 text")]
    NotUtf8(u8),
    /// Not YAML, or of another shape than agents.yaml has.
    #[error("{0}")]
    Malformed(String),
}

impl ConfigError {
    /// An error about the file as a whole.
    pub(super) fn whole(path: &Path, fault: ConfigFault) -> Self {
        Self { path: path.to_path_buf(), fault, line: None, column: None }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        let path = self.path.display();
        let hint = match &self.fault {
            ConfigFault::NotAFile(_) => format!("move {path} away, or set AGENT_DISPATCH_CONFIG to another file"),
            ConfigFault::Unreadable(_) => {
                rights::remedy(&self.path, Use::Read, ErrorKind::Other, CONFIG_VARIABLE, "file")
            }
            ConfigFault::TooLarge => format!("check that {path} is the file you mean, and shorten it"),
            ConfigFault::NotUtf8(_) => format!("save {path} as UTF-8"),
            ConfigFault::Malformed(_) => match self.line {
                Some(line) => format!("correct line {line} of {path}, then repeat the call"),
                None => format!("correct {path}, then repeat the call"),
            },
        };
        let real = std::fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let backup = rewrite::backup_of(&real);
        if backup.exists() {
            format!("{hint}; {} has it as it was before a change that was cut off", backup.display())
        } else {
            hint
        }
    }
}

/// Reads the file; one that does not exist is an empty config.
///
/// # Errors
/// When the file as a whole cannot be used. A single bad entry is no error: see [`super::model::Entry`].
pub fn load(path: &Path, home: Option<PathBuf>) -> Result<Config, ConfigError> {
    match read_text(path)? {
        Some(text) => parse_text(path, &text, home),
        None => Ok(Config::default()),
    }
}

/// The config that stands in `text`, which was read from `path`.
pub fn parse_text(path: &Path, text: &str, home: Option<PathBuf>) -> Result<Config, ConfigError> {
    parse::config(text, &Context::of(path, home)).map_err(|Problem { message, line, column }| ConfigError {
        path: path.to_path_buf(),
        fault: ConfigFault::Malformed(message),
        line,
        column,
    })
}

/// The text of the file, or `None` when there is none.
///
/// # Errors
/// When it is not a regular file, cannot be read, is too large, or is not UTF-8.
pub fn read_text(path: &Path) -> Result<Option<String>, ConfigError> {
    let Some(file) = open(path)? else { return Ok(None) };
    read_open(path, file).map(Some)
}

pub(super) fn open(path: &Path) -> Result<Option<File>, ConfigError> {
    open::regular(path).map_err(|fault| {
        ConfigError::whole(
            path,
            match fault {
                OpenError::Irregular(kind) => ConfigFault::NotAFile(kind),
                OpenError::Io(error) => ConfigFault::Unreadable(error.to_string()),
            },
        )
    })
}

pub(super) fn read_open(path: &Path, file: File) -> Result<String, ConfigError> {
    let (bytes, more) = rewrite::settled(&file, |file| open::read_bounded(file, MAX_CONFIG_BYTES))
        .map_err(|error| ConfigError::whole(path, ConfigFault::Unreadable(error.to_string())))?;
    if more {
        return Err(ConfigError::whole(path, ConfigFault::TooLarge));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let (line, column) = position(&bytes[..valid]);
        ConfigError {
            path: path.to_path_buf(),
            fault: ConfigFault::NotUtf8(bytes.get(valid).copied().unwrap_or_default()),
            line: Some(line),
            column: Some(column),
        }
    })
}
