//! agents.yaml for a server: read for every call, parsed only when the file changed.
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::model::Config;
use super::read::{ConfigError, open, parse_text, read_open};
use super::rewrite::is_settled;
use crate::fs::identity::Identity;

/// A config file that is parsed again only when it changed. Share it by reference; it locks for itself.
#[derive(Debug)]
pub struct Cached {
    path: PathBuf,
    home: Option<PathBuf>,
    last: Mutex<Option<Last>>,
}

#[derive(Debug, Clone)]
struct Last {
    stamp: Stamp,
    settled: bool,
    found: Result<Arc<Config>, ConfigError>,
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    file: Identity,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Cached {
    /// A reader of this file. Nothing is read yet.
    pub fn new(path: PathBuf, home: Option<PathBuf>) -> Self {
        Self { path, home, last: Mutex::new(None) }
    }

    /// The file that is read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The config as the file says it at this moment; a missing file is an empty config.
    pub fn load(&self) -> Result<Arc<Config>, ConfigError> {
        let Some(file) = open(&self.path)? else {
            return Ok(Arc::default());
        };
        let Ok(metadata) = file.metadata() else {
            return self.parse(file).map(Arc::new);
        };
        let stamp = Stamp {
            file: Identity::from(&metadata),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        };
        // A poisoned lock only means that another call panicked; what it guards is replaced as a whole.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = last.as_ref().filter(|last| last.settled && last.stamp == stamp) {
            return last.found.clone();
        }
        let found = self.parse(file).map(Arc::new);
        *last = Some(Last { stamp, settled: is_settled(&metadata), found: found.clone() });
        found
    }

    fn parse(&self, file: std::fs::File) -> Result<Config, ConfigError> {
        parse_text(&self.path, &read_open(&self.path, file)?, self.home.clone())
    }
}
