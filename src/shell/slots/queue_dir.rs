//! The files of one nesting depth.
//!
//! ```text
//! jobs/.slots/limit                           how many may run at once, as last configured
//! jobs/.slots/<depth>/counter                 number of the last ticket; locked for the length of one arrival
//! jobs/.slots/<depth>/fresh                   a ticket that is being made
//! jobs/.slots/<depth>/queue/<number>.<label>  a ticket; locked by its asker
//! jobs/.slots/<depth>/held/<number>.<label>   the same file once its asker has a slot; still locked
//! jobs/.slots/<depth>/lines/<number>          pipe: closed by the asker of that number when it leaves the queue or dies
//! jobs/.slots/<depth>/bell                    pipe: rung when a slot is given back
//! ```

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::fs::{failpoint, identity, if_exists, lock, open, owner_only};
use crate::machines::slots;
use crate::os;

/// The name of the directory of all queues, below the jobs directory.
pub const DIRECTORY: &str = ".slots";
/// Digits of a ticket's number: as many as the largest has, so that the order of names is the order of numbers.
const DIGITS: usize = 20;
/// Longest label in bytes: twice a job id, and a file name stays far below its limit.
const MAX_LABEL_BYTES: usize = 64;
/// How long to wait for another process that takes its ticket. That takes well under a millisecond: one that takes longer
/// than this stands still.
const ARRIVAL_WAIT: Duration = Duration::from_secs(5);
/// How often to try the lock meanwhile: a few arrivals long.
const ARRIVAL_RETRY: Duration = Duration::from_millis(1);

/// The name of a ticket; their order is the order of arrival.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(String);

impl Ticket {
    fn new(number: u64, label: &str) -> Self {
        Self(format!("{number:0DIGITS$}.{label}"))
    }

    /// A name that is no ticket's is none: somebody else's file is left alone.
    fn parse(name: String) -> Option<Self> {
        let (number, label) = name.split_once('.')?;
        let is_number = number.len() == DIGITS && number.bytes().all(|byte| byte.is_ascii_digit());
        (is_number && is_label(label)).then_some(Self(name))
    }

    /// Its number, as text.
    pub fn number(&self) -> &str {
        self.0.split_once('.').map_or(self.0.as_str(), |(number, _)| number)
    }

    /// The label of its owner.
    pub fn label(&self) -> &str {
        self.0.split_once('.').map_or("", |(_, label)| label)
    }
}

fn is_label(label: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !label.is_empty() && label.len() <= MAX_LABEL_BYTES && label.bytes().all(plain)
}

/// One of the two directories of tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketDir {
    /// Of those who wait.
    Queue,
    /// Of those who have a slot.
    Held,
}

/// The directory of one nesting depth.
#[derive(Debug, Clone)]
pub struct QueueDir(PathBuf);

impl QueueDir {
    /// The directory of a depth, which need not exist yet.
    pub fn new(jobs: &Path, depth: u32) -> Self {
        Self(jobs.join(DIRECTORY).join(depth.to_string()))
    }

    fn ticket_dir(&self, directory: TicketDir) -> PathBuf {
        self.0.join(match directory {
            TicketDir::Queue => "queue",
            TicketDir::Held => "held",
        })
    }

    fn ticket(&self, directory: TicketDir, ticket: &Ticket) -> PathBuf {
        self.ticket_dir(directory).join(&ticket.0)
    }

    /// The pipe that says when a ticket has left the queue.
    pub fn exit_pipe(&self, ticket: &Ticket) -> PathBuf {
        self.0.join("lines").join(ticket.number())
    }

    /// The pipe that says when a slot is given back.
    pub fn bell(&self) -> PathBuf {
        self.0.join("bell")
    }

    /// Puts a ticket behind all others, or among the slots. It is locked before it has its name, and has its name before the
    /// next number is given out: whoever finds it finds it locked, and no number is seen before a lower one.
    pub fn take_ticket(&self, label: &str, directory: TicketDir) -> io::Result<(Ticket, File)> {
        if !is_label(label) {
            let what = format!("a slot's label is 1 to {MAX_LABEL_BYTES} letters, digits, '-' or '_': {label:?}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        for directory in [self.ticket_dir(TicketDir::Queue), self.ticket_dir(TicketDir::Held), self.0.join("lines")] {
            owner_only::create_directory(&directory)?;
        }
        failpoint::check("count")?;
        let counter = self.arrive()?;
        failpoint::check("count_locked")?;
        let ticket = Ticket::new(self.next_number(&counter)?, label);
        failpoint::check("counted")?;
        let fresh = self.0.join("fresh");
        remove(&fresh)?;
        let file = owner_only::create_new(&fresh)?;
        file.try_lock()?;
        failpoint::check("fresh_ticket")?;
        std::fs::rename(&fresh, self.ticket(directory, &ticket))?;
        failpoint::reach("queued");
        drop(counter);
        Ok((ticket, file))
    }

    /// The counter, locked.
    fn arrive(&self) -> io::Result<File> {
        let file = owner_only::create_or_open(&self.0.join("counter"))?;
        let obtained = lock::obtained_within(ARRIVAL_WAIT, ARRIVAL_RETRY, || file.try_lock())?;
        if obtained { Ok(file) } else { Err(io::ErrorKind::WouldBlock.into()) }
    }

    /// Counts one further. The number is stored before it is used: after a crash it is left out, never given twice.
    fn next_number(&self, counter: &File) -> io::Result<u64> {
        let text = open::read_bounded(counter, 2 * DIGITS).ok();
        let stored = text.and_then(|(text, _more)| str::from_utf8(&text).ok()?.trim().parse().ok());
        let mut tickets = Vec::new();
        if stored.is_none() {
            for directory in [TicketDir::Queue, TicketDir::Held] {
                tickets
                    .extend(self.tickets(directory)?.iter().filter_map(|ticket| ticket.number().parse::<u64>().ok()));
            }
        }
        let number = slots::next_number(stored, tickets);
        counter.write_all_at(format!("{number:0DIGITS$}\n").as_bytes(), 0)?;
        counter.set_len(DIGITS as u64 + 1)?;
        Ok(number)
    }

    /// The tickets in a directory, in no order. One that comes or goes meanwhile may be there or not.
    pub fn tickets(&self, directory: TicketDir) -> io::Result<Vec<Ticket>> {
        let mut tickets = Vec::new();
        for entry in if_exists(std::fs::read_dir(self.ticket_dir(directory)))?.into_iter().flatten() {
            let entry = entry?;
            let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
            let name = entry.file_name().into_string().ok().filter(|_| is_file);
            tickets.extend(name.and_then(Ticket::parse));
        }
        Ok(tickets)
    }

    /// Whether the ticket is gone. One whose lock is free is removed first, while its lock is held: its owner is dead.
    pub fn is_gone(&self, directory: TicketDir, ticket: &Ticket) -> io::Result<bool> {
        let path = self.ticket(directory, ticket);
        let Some(file) = if_exists(File::options().read(true).append(true).open(&path))? else { return Ok(true) };
        if !lock::obtained(file.try_lock())? {
            return Ok(false);
        }
        // Between open and lock its owner may have removed it or taken it elsewhere.
        if identity::is_at(&file, &path)? {
            tracing::debug!(path = %path.display(), "removes what a dead process left in the queue");
            remove(&path)?;
        }
        Ok(true)
    }

    /// Turns the ticket into a slot. `false` when it is not in the queue.
    pub fn enter(&self, ticket: &Ticket) -> io::Result<bool> {
        failpoint::check("enter")?;
        let renamed = std::fs::rename(self.ticket(TicketDir::Queue, ticket), self.ticket(TicketDir::Held, ticket));
        let entered = if_exists(renamed)?.is_some();
        if entered {
            failpoint::reach("entered");
        }
        Ok(entered)
    }

    /// Removes a ticket or slot of one's own.
    pub fn remove(&self, directory: TicketDir, ticket: &Ticket) -> io::Result<()> {
        failpoint::check("give_back")?;
        remove(&self.ticket(directory, ticket))?;
        failpoint::reach("gave_back");
        Ok(())
    }

    /// The ticket in the queue that `file` is, if it is one of that label.
    pub fn ticket_of(&self, label: &str, file: &File) -> io::Result<Option<Ticket>> {
        let is_it = |ticket: &Ticket| -> io::Result<bool> {
            Ok(ticket.label() == label && identity::is_at(file, &self.ticket(TicketDir::Queue, ticket))?)
        };
        // A thousand askers that list a queue of a thousand: where the system knows a handle's name, it is asked for it.
        let name = os::file::path_of(file).and_then(|path| path.file_name()?.to_str().map(str::to_owned));
        if let Some(ticket) = name.and_then(Ticket::parse)
            && is_it(&ticket)?
        {
            return Ok(Some(ticket));
        }
        for ticket in self.tickets(TicketDir::Queue)? {
            if is_it(&ticket)? {
                return Ok(Some(ticket));
            }
        }
        Ok(None)
    }

    /// Removes the pipes of tickets before this one: all of those have left the queue, and nobody listens to their pipes.
    pub fn sweep_exit_pipes(&self, ticket: &Ticket) {
        for entry in std::fs::read_dir(self.0.join("lines")).into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_some_and(|name| name < ticket.number()) {
                drop(std::fs::remove_file(entry.path()));
            }
        }
    }
}

fn remove(path: &Path) -> io::Result<()> {
    if_exists(std::fs::remove_file(path)).map(|_| ())
}
