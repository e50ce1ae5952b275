//! What a server remembers of its records, so that a list of many costs a look at the directory and not one at every file.
//!
//! Only for choosing: whatever is shown or removed is read first. A record that is settled never changes, and every
//! change of another one puts another file in its place; so a settled one whose file is still the same is not read again,
//! and all others are. While the directory's own time stays the same, no file was put in another one's place.

use std::collections::HashMap;
use std::os::unix::fs::DirEntryExt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::{Store, StoreError};
use crate::fs::if_exists;
use crate::machines::ids::JobId;
use crate::machines::job::Status;
use crate::machines::summary::Filter;

/// Two changes of a directory within this time may bear the same time: file systems count in ticks, some of them in seconds.
const TIMES_DIFFER_AFTER: Duration = Duration::from_secs(3);

/// What is remembered of all records; locks for itself.
#[derive(Debug, Default)]
pub struct Index(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    entries: HashMap<JobId, IndexEntry>,
    /// Each agent once: there are few, and many entries. An entry has the position.
    agents: Vec<String>,
    /// When the directory was last changed, where that is long enough ago to tell whether it was changed again.
    unchanged_since: Option<SystemTime>,
    /// The number of this look: an entry with a lower one belongs to a file that is gone.
    look: u64,
}

/// What the choice of records needs to know of one.
#[derive(Debug, Clone, Copy)]
struct IndexEntry {
    inode: u64,
    look: u64,
    status: Status,
    settled: bool,
    agent: usize,
    created_at: f64,
    ended_at: f64,
}

/// A record that may be what is wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// The job.
    pub id: JobId,
    /// When it was submitted, in Unix seconds.
    pub created_at: f64,
}

impl Store {
    /// Whether the directory can be listed. One that is not there holds no jobs.
    ///
    /// # Errors
    /// [`StoreError::Io`] for whatever else keeps it from being listed: no jobs would be a lie.
    pub fn check_listable(&self) -> Result<(), StoreError> {
        let listed = if_exists(std::fs::read_dir(self.directory()));
        listed.map(drop).map_err(StoreError::io("list the jobs in", self.directory()))
    }

    /// The records that match, newest first.
    #[must_use]
    pub fn matching(&self, filter: &Filter) -> Vec<Candidate> {
        let mut found = self.candidates(|remembered| {
            let agent = filter.agent.as_ref().map(|name| remembered.agents.iter().position(|agent| agent == name));
            Box::new(move |entry| {
                filter.status.is_none_or(|status| status == entry.status)
                    && agent.is_none_or(|agent| agent == Some(entry.agent))
            })
        });
        found.sort_unstable_by(|a, b| b.created_at.total_cmp(&a.created_at).then_with(|| a.id.cmp(&b.id)));
        found
    }

    /// The records of jobs of which something may run, in no order.
    #[must_use]
    pub fn live(&self) -> Vec<Candidate> {
        self.candidates(|_| Box::new(|entry| !entry.settled))
    }

    /// The records that had their end at that time or before, oldest first.
    #[must_use]
    pub fn ended_by(&self, unix_seconds: f64) -> Vec<Candidate> {
        let ended = move |entry: &IndexEntry| entry.status.is_terminal() && entry.ended_at <= unix_seconds;
        let mut found = self.candidates(|_| Box::new(ended));
        found.sort_unstable_by(|a, b| a.created_at.total_cmp(&b.created_at).then_with(|| a.id.cmp(&b.id)));
        found
    }

    fn candidates<'a>(
        &self,
        choice: impl FnOnce(&Remembered) -> Box<dyn Fn(&IndexEntry) -> bool + 'a>,
    ) -> Vec<Candidate> {
        // A panic elsewhere leaves entries that are right or are looked at again.
        let mut remembered = self.index.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.refresh(self);
        let wanted = choice(&remembered);
        let entries = remembered.entries.iter().filter(|(_, entry)| wanted(entry));
        entries.map(|(id, entry)| Candidate { id: *id, created_at: entry.created_at }).collect()
    }
}

impl Remembered {
    fn refresh(&mut self, store: &Store) {
        // Before the look: what changes during it is seen by the next one.
        let modified = std::fs::metadata(store.directory()).and_then(|directory| directory.modified()).ok();
        if modified.is_some() && modified == self.unchanged_since {
            return self.refresh_live(store);
        }
        let now = SystemTime::now();
        let settled = |modified: &SystemTime| now.duration_since(*modified).is_ok_and(|age| age > TIMES_DIFFER_AFTER);
        self.unchanged_since = modified.filter(settled);
        self.look += 1;
        for entry in std::fs::read_dir(store.directory()).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(id) = name.to_str().and_then(super::id_of) else { continue };
            match self.entries.get_mut(&id) {
                Some(known) if known.inode == entry.ino() && known.settled => known.look = self.look,
                _ => self.read(store, id, entry.ino()),
            }
        }
        let look = self.look;
        self.entries.retain(|_, entry| entry.look == look);
    }

    /// No name has come, gone or changed its file: only what is in those files that are written again can have changed.
    fn refresh_live(&mut self, store: &Store) {
        let live = self.entries.iter().filter(|(_, entry)| !entry.settled);
        let live = live.map(|(id, entry)| (*id, entry.inode)).collect::<Vec<_>>();
        for (id, inode) in live {
            self.read(store, id, inode);
        }
    }

    /// What is no record is forgotten, and looked at again the next time.
    fn read(&mut self, store: &Store, id: JobId, inode: u64) {
        let Ok(summary) = store.summary(&id) else {
            self.unchanged_since = None;
            self.entries.remove(&id);
            return;
        };
        let agent = self.agents.iter().position(|agent| *agent == summary.agent).unwrap_or_else(|| {
            self.agents.push(summary.agent);
            self.agents.len() - 1
        });
        let (status, settled) = (summary.status, !summary.state.is_unsettled());
        let created_at = summary.created_at;
        let ended_at = summary.completed_at.unwrap_or(created_at);
        self.entries.insert(id, IndexEntry { inode, look: self.look, status, settled, agent, created_at, ended_at });
    }
}
