//! One limit for a jobs directory: how many runs of a nesting depth there are at once, over all processes that use it.
//!
//! # What is promised
//! - **Bound.** One enters only after it has counted, as the first of its depth's queue, fewer living holders than the
//!   limit. Only the first counts and enters, so no two can take the same place. A lowered limit ends nobody's run.
//! - **Order.** First come, first served, per depth and without overtaking: an asker has arrived once its ticket is in the
//!   queue, tickets are given out one after the other under a lock, and one enters only when no older ticket of a living asker
//!   is left. Between processes that arrive at the same moment the kernel chooses; from one process the order is that of
//!   its calls of [`SlotRequest::new`].
//! - **Death.** Tickets and slots are files that their owners keep locked. The kernel frees a lock with its process: a
//!   dead holder is not counted from that moment, a dead waiter not waited for. The first in the queue notices a slot
//!   that is given back at once, and one that is freed by a death within [`slots::FIRST_LOOK_MS`].
//! - **Depth.** Nobody counts, waits for or locks anything of another depth, so that a holder may wait for a run of
//!   greater depth.
//! - **Cost.** Who waits sleeps; its predecessor's leaving wakes it, and nothing else does except a look now and then
//!   ([`slots::State::look_again_ms`]). A slot that is given back wakes one process, not all.
//!
//! What is decided is decided by [`slots::step`]; `queue_dir` has the files, `wake` the wake-ups.

mod queue_dir;
mod wake;

use std::fs::File;
use std::future;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::queue_dir::{QueueDir, Ticket, TicketDir};
use self::wake::{ExitPipe, Waker};
use super::known;
use crate::machines::slots::{self, Effect, Event, State};

/// How soon to look again after a wake-up that brought nothing, in ms; twice as long each further time. A dying process
/// closes its files in no certain order: the wake-up may come before the lock is free.
const WOKEN_LOOK_MS: u64 = 2;
/// The file of the limit, in the directory of the queues.
const LIMIT: &str = "limit";

/// A place in the queue for a slot. Dropping it gives the place up.
#[derive(Debug)]
pub struct SlotRequest(Option<Asker>);

/// A slot: the right to run now. Dropping it gives it back.
#[derive(Debug)]
pub struct Slot(#[expect(dead_code, reason = "held for what happens when it is dropped")] Asker);

#[derive(Debug)]
struct Asker {
    queue_dir: QueueDir,
    label: String,
    state: State,
    /// The ticket, and its lock; nothing before the arrival and after the end.
    held: Option<(Ticket, File)>,
    /// Held open while this waits: that the kernel closes it wakes the next one in the queue.
    exit_pipe: Option<ExitPipe>,
    waker: Option<Waker>,
    /// The pipe that brought the last wake-up. It stays readable, so it is not waited on again before the next look.
    last_wake: Option<PathBuf>,
    /// How soon to look again after a wake-up that brought nothing, in ms.
    retry_ms: Option<u64>,
}

impl SlotRequest {
    /// Takes a ticket at once. `label` names the asker for those who look at the queue: up to 64 letters, digits, `-`
    /// and `_`, such as a job id.
    ///
    /// # Errors
    /// When the files cannot be made or locked, and for a label that cannot be part of a file's name.
    pub fn new(jobs: &Path, depth: u32, label: &str) -> io::Result<Self> {
        let mut asker = Asker::new(QueueDir::new(jobs, depth), label);
        asker.arrive()?;
        Ok(Self(Some(asker)))
    }

    /// Goes on with a ticket that another process took for this one and whose file this one inherited. `None` where it
    /// is not the ticket of that label.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn inherited(jobs: &Path, depth: u32, label: &str, file: File) -> io::Result<Option<Self>> {
        let queue_dir = QueueDir::new(jobs, depth);
        let Some(ticket) = queue_dir.ticket_of(label, &file)? else { return Ok(None) };
        let mut asker = Asker::new(queue_dir, label);
        asker.held = Some((ticket, file));
        asker.take(Event::Arrived, 0)?;
        Ok(Some(Self(Some(asker))))
    }

    /// The ticket's file for a process that is about to be started; the lock belongs to all who have it open.
    ///
    /// # Errors
    /// When there are too many open files, or no ticket.
    pub fn lend(&self) -> io::Result<File> {
        let held = self.0.as_ref().and_then(|asker| asker.held.as_ref());
        let (_, file) = held.ok_or_else(|| io::Error::other("there is no ticket to hand over"))?;
        file.try_clone()
    }

    /// Leaves the ticket to the process that it was lent to.
    pub fn hand_over(mut self) {
        if let Some(asker) = &mut self.0 {
            asker.state = State::Left;
        }
    }

    /// Looks, and enters when it is its turn and there is room. Never waits. Grants once.
    ///
    /// # Errors
    /// What reading, locking or renaming the files says; asking again is safe.
    pub fn try_grant(&mut self, limit: usize) -> io::Result<Option<Slot>> {
        let Some(asker) = &mut self.0 else { return Ok(None) };
        asker.look(u64::try_from(limit).unwrap_or(u64::MAX))?;
        if asker.state == State::Holding { Ok(self.0.take().map(Slot)) } else { Ok(None) }
    }

    /// The place in the queue at the last look, 1 for the next one; `None` before the first look. The dead that nobody
    /// has come upon yet are counted.
    #[must_use]
    pub fn place(&self) -> Option<usize> {
        self.0.as_ref().and_then(|asker| asker.state.place()).map(|place| usize::try_from(place).unwrap_or(usize::MAX))
    }

    /// When to look again, if [`Self::woken`] does not complete before.
    #[must_use]
    pub fn look_again(&self) -> Duration {
        let longest = self.0.as_ref().map_or(slots::FIRST_LOOK_MS, |asker| asker.state.look_again_ms());
        let soon = self.0.as_ref().and_then(|asker| asker.retry_ms).unwrap_or(u64::MAX);
        Duration::from_millis(longest.min(soon))
    }

    /// Completes when it is worth looking again. Dropping the future loses nothing. Needs a runtime.
    pub async fn woken(&mut self) {
        let Some(Asker { waker: Some(waker), .. }) = &mut self.0 else { return future::pending().await };
        let woken = waker.woken().await;
        let path = waker.path().to_path_buf();
        if let Some(asker) = &mut self.0 {
            asker.waker = None;
            if let Err(error) = woken {
                tracing::debug!(%error, "no wake-up; looks at intervals");
            }
            asker.last_wake = Some(path);
            asker.retry_ms = Some(WOKEN_LOOK_MS);
        }
    }
}

impl Slot {
    /// A slot for a run that runs already and whose own slot died with the process that had it. Nobody is asked and the
    /// limit may be exceeded, but the run is counted again, and nobody enters in its stead.
    ///
    /// # Errors
    /// As [`SlotRequest::new`].
    pub fn regain(jobs: &Path, depth: u32, label: &str) -> io::Result<Self> {
        let mut asker = Asker::new(QueueDir::new(jobs, depth), label);
        asker.held = Some(asker.queue_dir.take_ticket(label, TicketDir::Held)?);
        asker.state = State::Holding;
        Ok(Self(asker))
    }
}

impl Asker {
    fn new(queue_dir: QueueDir, label: &str) -> Self {
        let (label, state) = (label.to_owned(), slots::begin().0);
        Self { queue_dir, label, state, held: None, exit_pipe: None, waker: None, last_wake: None, retry_ms: None }
    }

    fn arrive(&mut self) -> io::Result<()> {
        for effect in slots::begin().1 {
            if let Some(event) = self.perform(effect, 0)? {
                self.take(event, 0)?;
            }
        }
        Ok(())
    }

    fn look(&mut self, limit: u64) -> io::Result<()> {
        // The ticket was lost, and a new one could not be had at that moment.
        if self.state == State::Outside {
            self.arrive()?;
        }
        self.take(Event::Woken, limit)?;
        self.last_wake = None;
        self.retry_ms = self.retry_ms.map(|ms| ms.saturating_mul(2)).filter(|ms| *ms < self.state.look_again_ms());
        // The next in the queue listens to this pipe; without a wait there is nothing to tell.
        if let (None, Some(_), Some((ticket, _))) = (&self.exit_pipe, self.state.place(), &self.held) {
            self.exit_pipe = ExitPipe::open(&self.queue_dir.exit_pipe(ticket));
        }
        Ok(())
    }

    /// One event → one step → its effects in order → the event that they bring.
    fn take(&mut self, event: Event, limit: u64) -> io::Result<()> {
        let mut next = Some(event);
        while let Some(event) = next.take() {
            let (state, effects) = slots::step(self.state, &event).map_err(io::Error::other)?;
            self.state = state;
            for effect in effects {
                next = self.perform(effect, limit)?.or(next);
            }
        }
        Ok(())
    }

    fn perform(&mut self, effect: Effect, limit: u64) -> io::Result<Option<Event>> {
        match (effect, &self.held) {
            (Effect::TakeTicket, _) => {
                (self.exit_pipe, self.waker) = (None, None);
                self.held = Some(self.queue_dir.take_ticket(&self.label, TicketDir::Queue)?);
                return Ok(Some(Event::Arrived));
            }
            (Effect::LookAhead, Some((ticket, _))) => {
                let ticket = ticket.clone();
                return self.look_ahead(&ticket).map(Some);
            }
            (Effect::CountHolders, _) => return self.count_holders(limit).map(Some),
            (Effect::Enter, Some((ticket, _))) => {
                return Ok(Some(if self.queue_dir.enter(ticket)? { Event::Entered } else { Event::Lost }));
            }
            (Effect::PassOn, Some(_)) => self.pass_on(),
            (Effect::Withdraw, Some((ticket, _))) => self.queue_dir.remove(TicketDir::Queue, ticket)?,
            (Effect::GiveBack, Some((ticket, _))) => self.queue_dir.remove(TicketDir::Held, ticket)?,
            (Effect::RingBell, _) => wake::ring(&self.queue_dir.bell()),
            // Outside the queue there is nothing to do it with, and no row of the spec that asks for it.
            (Effect::LookAhead | Effect::Enter | Effect::PassOn | Effect::Withdraw | Effect::GiveBack, None) => {}
        }
        Ok(None)
    }

    /// Opens the pipe of each ticket before it looks at the ticket: one that leaves in between wakes this.
    fn look_ahead(&mut self, mine: &Ticket) -> io::Result<Event> {
        let queue = self.queue_dir.tickets(TicketDir::Queue)?;
        if !queue.contains(mine) {
            return Ok(Event::Lost);
        }
        let before = slots::before(mine, queue);
        let mut ahead = before.len();
        for ticket in before {
            self.listen_to(&ticket);
            if !self.queue_dir.is_gone(TicketDir::Queue, &ticket)? {
                break;
            }
            self.waker = None;
            drop(std::fs::remove_file(self.queue_dir.exit_pipe(&ticket)));
            ahead -= 1;
        }
        Ok(Event::Looked { ahead: u64::try_from(ahead).unwrap_or(u64::MAX) })
    }

    /// Waits for the exit of a ticket's owner, except on the pipe that has just woken this: a closed pipe stays readable, and
    /// where its owner's ticket is still there, waiting on it again would be a busy wait.
    fn listen_to(&mut self, ticket: &Ticket) {
        let path = self.queue_dir.exit_pipe(ticket);
        if self.waker.as_ref().is_none_or(|waker| waker.path() != path) {
            self.waker = if self.last_wake.as_ref() == Some(&path) { None } else { Waker::on_exit_pipe(path) };
        }
    }

    fn count_holders(&mut self, limit: u64) -> io::Result<Event> {
        let bell = self.queue_dir.bell();
        if self.waker.as_ref().is_none_or(|waker| waker.path() != bell) {
            self.waker = Waker::on_bell(bell);
        }
        let mut holders = 0;
        for ticket in self.queue_dir.tickets(TicketDir::Held)? {
            if !self.queue_dir.is_gone(TicketDir::Held, &ticket)? {
                holders += 1;
            }
        }
        Ok(Event::Counted { holders, limit })
    }

    fn pass_on(&mut self) {
        self.waker = None;
        let Some((ticket, _)) = &self.held else { return };
        let path = self.queue_dir.exit_pipe(ticket);
        match self.exit_pipe.take() {
            Some(line) => {
                drop(line);
                self.queue_dir.sweep_exit_pipes(ticket);
            }
            None => ExitPipe::signal_exit(&path),
        }
        drop(std::fs::remove_file(path));
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        if self.state != State::Left
            && let Err(error) = self.take(Event::Leave, 0)
        {
            // The lock goes with the file: whoever comes next takes the rest for a dead asker's.
            tracing::debug!(%error, label = %self.label, "slot not given back");
        }
    }
}

/// Remembers the limit as configured at this moment: it counts for all who wait, from their next look on.
///
/// # Errors
/// When it cannot be written.
pub fn set_limit(jobs: &Path, limit: usize) -> io::Result<()> {
    if self::limit(jobs) == Some(limit) {
        return Ok(());
    }
    known::write(&directory(jobs).join(LIMIT), format!("{limit}\n").as_bytes())
}

/// The directory of the queues and of the facts that concern all runs.
#[must_use]
pub fn directory(jobs: &Path) -> PathBuf {
    jobs.join(queue_dir::DIRECTORY)
}

/// The limit as last configured by anybody; `None` where nobody has, or where the file is nonsense.
#[must_use]
pub fn limit(jobs: &Path) -> Option<usize> {
    known::read(&directory(jobs).join(LIMIT))
}

/// The place of the asker of that label in the queue of its depth, 1 for the next one; `None` where it waits in none.
#[must_use]
pub fn place_of(jobs: &Path, label: &str) -> Option<usize> {
    let depths = std::fs::read_dir(directory(jobs)).ok()?;
    depths.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).find_map(|depth| {
        let queue = waiting(jobs, depth).ok()?;
        queue.iter().position(|waiting| waiting == label).map(|ahead| ahead + 1)
    })
}

/// The labels of those who wait at a depth, in the order of their arrival. The dead that nobody has come upon yet are
/// among them.
///
/// # Errors
/// When the queue cannot be read.
pub fn waiting(jobs: &Path, depth: u32) -> io::Result<Vec<String>> {
    let mut tickets = QueueDir::new(jobs, depth).tickets(TicketDir::Queue)?;
    tickets.sort_unstable();
    Ok(tickets.iter().map(|ticket| ticket.label().to_owned()).collect())
}
