//! The usage journal on disk: a line for every dispatch, appended in one write, in two generations of bounded size.
//!
//! Several servers, supervisors and older implementations write it at the same time, without a lock: a line is short
//! enough to be appended whole. Only moving a full journal aside takes one, on the journal itself. Nothing that goes wrong
//! here is anybody's business but the log's: a dispatch was paid for, its line is only a figure.

mod history;

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use self::history::{History, Looked};
use super::atomic::{OWNER_ONLY_DIRECTORY, OWNER_ONLY_FILE};
use super::clock;
use crate::machines::answer::Answer;
use crate::machines::ids::JobId;
use crate::machines::plan::RunPlan;
use crate::machines::usage::{self, Entry, Report};

/// A journal of this size, in bytes, is moved aside (contract: about 2 MB); some 15,000 lines.
pub const MAX_BYTES: u64 = 2_000_000;
/// How much of a generation is read, in bytes, from its end: one that could not be moved aside may have any size.
const MAX_READ_BYTES: u64 = 2 * MAX_BYTES;
/// How often another process that moves the journal aside at the same moment is waited for, and how long each time. A
/// rename takes microseconds.
const ROTATION_LOOKS: u32 = 10;
const ROTATION_PAUSE: Duration = Duration::from_millis(1);
/// How often the journal is opened again because it was moved aside meanwhile.
const OPENINGS: u32 = 3;
/// Milliseconds of a second.
const MS_PER_SECOND: f64 = 1_000.0;
/// What the name of the older generation ends with.
const OLDER: &str = ".1";

/// The journal at a path. Nothing is opened before it is needed.
#[derive(Debug, Clone)]
pub struct Journal {
    path: PathBuf,
}

/// Which file a handle or a name leads to.
type Identity = (u64, u64);

impl Journal {
    /// The journal in this file, which need not be there yet.
    #[must_use]
    pub const fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// The journal that a run's line goes to; `None` where none is kept.
    #[must_use]
    pub fn of(plan: &RunPlan) -> Option<Self> {
        plan.usage_log.as_ref().map(|path| Self::at(path.into()))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a job has its line. A journal that cannot be read says no.
    #[must_use]
    pub fn mentions(&self, job: &JobId) -> bool {
        let mark = usage::mark(job);
        self.generations().is_ok_and(|files| {
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
        for file in self.generations()? {
            let content = Content::of(&file, 0)?;
            for entry in usage::lines(&content.bytes).0.filter_map(Entry::parse).filter(|entry| wanted(entry)) {
                report.add(&entry);
            }
        }
        Ok(report)
    }

    /// The generations that are there, the older one first.
    fn generations(&self) -> io::Result<Vec<File>> {
        let path = self.resolved();
        for _ in 1..OPENINGS {
            let (newer, older) = (existing(&path)?, existing(&older(&path))?);
            // Moved aside between the two: the same file under both names.
            let moved = newer.as_ref().zip(older.as_ref()).is_some_and(|(a, b)| identity(a).ok() == identity(b).ok());
            if !moved {
                return Ok(older.into_iter().chain(newer).collect());
            }
        }
        Ok(existing(&path)?.into_iter().collect())
    }

    /// The file itself: of a link its target is moved aside, not the link.
    fn resolved(&self) -> PathBuf {
        fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone())
    }

    fn append(&self, line: &[u8]) -> io::Result<()> {
        let mut openings = 1;
        loop {
            let file = self.open()?;
            let size = file.metadata()?.len();
            if size >= MAX_BYTES && openings < OPENINGS && self.move_aside(&file)? {
                openings += 1;
                continue;
            }
            return write_line(file, size, line);
        }
    }

    fn open(&self) -> io::Result<File> {
        let open = || {
            let mut options = OpenOptions::new();
            options.read(true).append(true).create(true).mode(OWNER_ONLY_FILE);
            regular(options.custom_flags(no_waiting()).open(&self.path)?)
        };
        open().or_else(|error| match (error.kind(), self.path.parent()) {
            (io::ErrorKind::NotFound, Some(directory)) => {
                DirBuilder::new().recursive(true).mode(OWNER_ONLY_DIRECTORY).create(directory)?;
                open()
            }
            _ => Err(error),
        })
    }

    /// Moves the open journal aside, over the generation before it. True when its name leads elsewhere then, by whomever.
    /// Only who has the lock on this very file moves it: of two who find it full, the second sees that it is gone.
    fn move_aside(&self, file: &File) -> io::Result<bool> {
        for _ in 0..ROTATION_LOOKS {
            match file.try_lock() {
                Ok(()) => {
                    let path = self.resolved();
                    let named = existing(&path)?.map(|named| identity(&named)).transpose()?;
                    if named == Some(identity(file)?) {
                        fs::rename(&path, older(&path))?;
                    }
                    return Ok(true);
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(ROTATION_PAUSE),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(false)
    }
}

/// A line, and the journal that it goes to.
#[derive(Debug)]
pub struct Line {
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

impl Line {
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
        let entry = entry.of_job(run.job).lasting(run.started_at.map(since));
        let entry = if run.cancelled { entry.cancelled() } else { entry };
        Some(Self { journal: Journal::of(plan)?, bytes: entry.to_line() })
    }

    /// Writes it. Whatever goes wrong is only logged.
    pub fn write(&self) {
        if let Err(error) = self.journal.append(&self.bytes) {
            tracing::debug!(path = %self.journal.path.display(), %error, "usage not recorded");
        }
    }

    /// Whether writing it waits for no other disk than a write into this directory: the journal lies on the way to it, on
    /// the same file system, and is no link to elsewhere.
    #[must_use]
    pub fn is_beside(&self, directory: &Path) -> bool {
        let folder = self.journal.path.parent().filter(|folder| folder.has_root() && directory.starts_with(folder));
        let journal = folder.and_then(|_| fs::symlink_metadata(&self.journal.path).ok());
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

/// Milliseconds since then, none for a clock that was set back.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
fn since(unix_seconds: f64) -> u64 {
    ((clock::unix_seconds() - unix_seconds) * MS_PER_SECOND) as u64
}

fn write_line(mut file: File, size: u64, line: &[u8]) -> io::Result<()> {
    let mut last = [b'\n'];
    if size > 0 {
        file.read_exact_at(&mut last, size - 1)?;
    }
    // Somebody was cut off in the middle of a line: it must not take this one with it.
    let written = if last == [b'\n'] { file.write(line)? } else { file.write(&[b"\n", line].concat())? };
    if written < line.len() { Err(io::ErrorKind::WriteZero.into()) } else { Ok(()) }
}

fn older(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(OLDER);
    name.into()
}

/// The file, if there is one.
fn existing(path: &Path) -> io::Result<Option<File>> {
    match OpenOptions::new().read(true).custom_flags(no_waiting()).open(path) {
        Ok(file) => regular(file).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A pipe would keep whoever opens it until somebody comes to the other end.
const fn no_waiting() -> i32 {
    rustix::fs::OFlags::NONBLOCK.bits().cast_signed()
}

fn regular(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a regular file")) }
}

fn identity(file: &File) -> io::Result<Identity> {
    let metadata = file.metadata()?;
    Ok((metadata.dev(), metadata.ino()))
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
        let first = file.metadata()?.len().saturating_sub(MAX_READ_BYTES).max(start);
        file.seek(SeekFrom::Start(first))?;
        let mut bytes = Vec::new();
        file.take(MAX_READ_BYTES).read_to_end(&mut bytes)?;
        Ok(Self { first, bytes })
    }
}
