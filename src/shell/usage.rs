//! The usage journal on disk: a line for every dispatch, appended in one write, in two generations of bounded size.
//!
//! Several servers, supervisors and older implementations write it at the same time, without a lock: a line is short
//! enough to be appended whole. Only moving a full journal aside takes one, on the journal itself. Nothing that goes wrong
//! here is anybody's business but the log's: a dispatch was paid for, its line is only a figure.

mod history;

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

pub use self::history::{History, Looked};
use super::clock;
use super::generations::Generations;
use crate::fs::{open, owner_only};
use crate::machines::answer::Answer;
use crate::machines::ids::JobId;
use crate::machines::plan::RunPlan;
use crate::machines::usage::{self, Entry, Report};

/// A journal of this size, in bytes, is moved aside (contract: about 2 MB); some 15,000 lines.
pub const MAX_BYTES: u64 = 2_000_000;
/// How much of a generation is read, in bytes, from its end: one that could not be moved aside may have any size.
const MAX_READ_BYTES: usize = 2 * MAX_BYTES as usize;

/// The journal at a path. Nothing is opened before it is needed.
#[derive(Debug, Clone)]
pub struct Journal(Generations);

impl Journal {
    /// The journal in this file, which need not be there yet.
    #[must_use]
    pub const fn at(path: PathBuf) -> Self {
        Self(Generations::at(path, MAX_BYTES))
    }

    /// The journal that a run's line goes to; `None` where none is kept.
    #[must_use]
    pub fn of(plan: &RunPlan) -> Option<Self> {
        plan.usage_log.as_ref().map(|path| Self::at(path.into()))
    }

    /// The file of the newer generation.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Whether a job has its line. A journal that cannot be read says no.
    #[must_use]
    pub fn mentions(&self, job: &JobId) -> bool {
        let mark = usage::mark(job);
        self.0.all().is_ok_and(|files| {
            let mut contents = files.iter().filter_map(|file| Content::of(file, 0).ok());
            contents.any(|content| String::from_utf8_lossy(&content.bytes).contains(&mark))
        })
    }

    /// Adds up the lines that `wanted` lets pass. Without a journal there are none.
    ///
    /// # Errors
    /// Whatever keeps a journal that is there from being read.
    pub fn report(&self, mut wanted: impl FnMut(&Entry<'_>) -> bool) -> io::Result<Report> {
        let mut report = Report::default();
        for file in self.0.all()? {
            let content = Content::of(&file, 0)?;
            for entry in usage::lines(&content.bytes).0.filter_map(Entry::parse).filter(|entry| wanted(entry)) {
                report.add(&entry);
            }
        }
        Ok(report)
    }

    /// Whether lines can be written to it, as far as that can be told without a line. One that is not there is made, with what it
    /// lies in.
    ///
    /// # Errors
    /// Whatever keeps it from being written.
    pub fn check(&self) -> io::Result<()> {
        let Some(existing) = self.path().ancestors().find(|path| path.exists()) else { return Ok(()) };
        let is_directory = fs::metadata(existing)?.is_dir();
        match (existing == self.path(), is_directory) {
            (true, true) => Err(io::ErrorKind::IsADirectory.into()),
            (false, false) => {
                let why = format!("{} is a file, no directory", existing.display());
                Err(io::Error::new(io::ErrorKind::NotADirectory, why))
            }
            (true, false) => Ok(access(existing, Access::WRITE_OK)?),
            (false, true) => owner_only::check_creatable(existing),
        }
    }
}

/// One line of the journal, and the journal that it goes to.
#[derive(Debug)]
pub struct UsageLine {
    journal: Journal,
    bytes: Vec<u8>,
}

/// A job's run that is over.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// The job.
    pub job: &'a JobId,
    /// When claude was started, in Unix seconds; `None` where it was not.
    pub started_at: Option<f64>,
    /// Whether it was ended on purpose.
    pub cancelled: bool,
}

impl UsageLine {
    /// The line of an answer that no supervisor concluded: from the cache, or before there was a job. `None` where no
    /// journal is kept.
    #[must_use]
    pub fn of_answer(plan: &RunPlan, answer: &Answer) -> Option<Self> {
        let entry = Entry::of(answer, plan.caller.as_deref(), clock::whole_unix_seconds());
        Some(Self { journal: Journal::of(plan)?, bytes: entry.to_line() })
    }

    /// The line of a run. Whoever holds the lock of its job writes it, before the record says that the run is over: of one
    /// that is killed in between there is a line already, and its successor finds it. `None` where no journal is kept.
    #[must_use]
    pub fn of_run(plan: &RunPlan, answer: &Answer, run: Run<'_>) -> Option<Self> {
        let entry = Entry::of(answer, plan.caller.as_deref(), clock::whole_unix_seconds());
        let age_ms = |started_at| clock::ms(clock::unix_seconds() - started_at);
        let entry = entry.of_job(run.job).lasting(run.started_at.map(age_ms));
        let entry = if run.cancelled { entry.cancelled() } else { entry };
        Some(Self { journal: Journal::of(plan)?, bytes: entry.to_line() })
    }

    /// Writes it. Whatever goes wrong is only logged.
    pub fn write(&self) {
        if let Err(error) = self.journal.0.append(&self.bytes) {
            tracing::warn!(path = %self.journal.path().display(), %error, "usage not recorded");
        }
    }

    /// Whether writing it waits for no other disk than a write into this directory: the journal lies on the way to it, on
    /// the same file system, and is no link to elsewhere.
    #[must_use]
    pub fn is_beside(&self, directory: &Path) -> bool {
        let path = self.journal.path();
        let folder = path.parent().filter(|folder| folder.has_root() && directory.starts_with(folder));
        let journal = folder.and_then(|_| fs::symlink_metadata(path).ok());
        let device = || fs::metadata(directory).map(|metadata| metadata.dev()).ok();
        journal.is_some_and(|journal| journal.is_file() && Some(journal.dev()) == device())
    }

    /// As [`Self::write`], unless the job has its line: whoever ran it before may have come so far.
    pub fn write_once(&self, job: &JobId) {
        if !self.journal.mentions(job) {
            self.write();
        }
    }
}

/// What a file holds from some place on.
struct Content {
    /// Where it begins, in bytes.
    first: u64,
    bytes: Vec<u8>,
}

impl Content {
    /// What the file holds from `start`, at most its last [`MAX_READ_BYTES`].
    fn of(mut file: &File, start: u64) -> io::Result<Self> {
        let first = file.metadata()?.len().saturating_sub(MAX_READ_BYTES as u64).max(start);
        file.seek(SeekFrom::Start(first))?;
        let (bytes, _more) = open::read_bounded(file, MAX_READ_BYTES)?;
        Ok(Self { first, bytes })
    }
}
