//! What the runs of each agent usually take, kept at hand: the journal is read once, and then only what was added.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::{Content, Journal};
use crate::fs::identity::Identity;
use crate::fs::open;
use crate::machines::usage::{self, Entry, Recent, Typical};
use crate::shell::generations::older;

/// How much of the journal is read at first, in bytes, from its end: some 4,000 runs of all agents. All of it would take a
/// server's first list of agents tens of milliseconds.
const FIRST_BYTES: u64 = 512 * 1024;

/// The last runs of all agents, as the journal tells them. Share it by reference; it locks for itself.
#[derive(Debug)]
pub struct History {
    journal: Journal,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    recent: Recent,
    place: Option<Place>,
}

/// How far a file was read, and how it looked then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    file: Identity,
    size: u64,
    modified: (i64, i64),
    /// Behind the last whole line, in bytes.
    next: u64,
}

/// The history as it is at this moment.
#[derive(Debug)]
pub struct Looked<'a>(RefCell<MutexGuard<'a, Known>>);

impl History {
    /// The history that a journal tells. Nothing is read yet.
    #[must_use]
    pub const fn of(journal: Journal) -> Self {
        Self { journal, known: Mutex::new(Known { recent: Recent::new(), place: None }) }
    }

    /// Reads what was added since the last look. A journal that cannot be read tells nothing. Waits for the disk.
    pub fn look(&self) -> Looked<'_> {
        // A poisoned lock only means that another call panicked; what it guards is read again where it does not fit.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = known.catch_up(&self.journal) {
            tracing::debug!(path = %self.journal.path().display(), %error, "usage not read");
            *known = Known::default();
        }
        Looked(RefCell::new(known))
    }
}

impl Looked<'_> {
    /// What is typical of an agent, as a list of agents shows it.
    #[must_use]
    pub fn short(&self, agent: &str) -> Option<Value> {
        // Our own type: text keys and finite numbers.
        self.0.borrow_mut().recent.typical(agent).and_then(|typical| serde_json::to_value(typical.short).ok())
    }

    /// What is typical of an agent, in full.
    #[must_use]
    pub fn full(&self, agent: &str) -> Option<Value> {
        self.0.borrow_mut().recent.typical(agent).and_then(|typical| serde_json::to_value(typical).ok())
    }

    /// A time limit that nine of ten runs of the agent keep, in seconds.
    #[must_use]
    pub fn suggested_timeout_seconds(&self, agent: &str) -> Option<u64> {
        self.0.borrow_mut().recent.typical(agent).and_then(Typical::suggested_timeout_seconds)
    }
}

impl Known {
    fn catch_up(&mut self, journal: &Journal) -> io::Result<()> {
        let path = journal.0.resolved();
        let newer = open::regular(&path)?;
        let seen = newer.as_ref().map(Place::of).transpose()?;
        match (self.place, seen) {
            (Some(known), Some(seen)) if known.is_at(&seen) => return Ok(()),
            (Some(known), Some(seen)) if known.file == seen.file && known.size < seen.size => {
                return self.read(newer.as_ref(), known.next);
            }
            (Some(known), Some(seen)) if known.file != seen.file => {
                // Moved aside: the rest of it first.
                let aside = open::regular(&older(&path))?;
                if let Some(aside) = aside.filter(|file| Identity::of(file).ok() == Some(known.file)) {
                    self.read(Some(&aside), known.next)?;
                    return self.read(newer.as_ref(), 0);
                }
            }
            _ => {}
        }
        *self = Self::default();
        let mut left = FIRST_BYTES;
        let mut parts = Vec::new();
        for file in journal.0.all()?.into_iter().rev() {
            let size = file.metadata()?.size();
            parts.push((file, size.saturating_sub(left)));
            left = left.saturating_sub(size);
        }
        for (file, start) in parts.iter().rev() {
            self.read(Some(file), *start)?;
        }
        // What was read last is where to go on only if it is the newer generation.
        self.place = self.place.filter(|place| seen.is_some_and(|seen| seen.file == place.file));
        Ok(())
    }

    fn read(&mut self, file: Option<&File>, start: u64) -> io::Result<()> {
        let Some(file) = file else { return Ok(()) };
        let Content { first, bytes } = Content::of(file, start)?;
        let (lines, whole) = usage::lines(&bytes);
        lines.filter_map(Entry::parse).for_each(|entry| self.recent.add(&entry));
        // The times of after the reading with the size of before: what came in between is read at the next look.
        let behind = |bytes: usize| first.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        self.place = Some(Place { size: behind(bytes.len()), next: behind(whole), ..Place::of(file)? });
        Ok(())
    }
}

impl Place {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            file: Identity::from(&metadata),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            next: 0,
        })
    }

    fn is_at(&self, other: &Self) -> bool {
        (self.file, self.size, self.modified) == (other.file, other.size, other.modified)
    }
}
