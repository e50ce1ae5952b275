//! One limit for the machine: how many runs of a nesting depth there are at once, over all processes of the user.
//!
//! # What is promised
//! - **Bound.** One enters only after it has counted, as the first of its depth's queue, fewer living holders than the
//!   limit. Only the first counts and enters, so no two can take the same place. A lowered limit ends nobody's run.
//! - **Order.** First come, first served, per depth and without overtaking: one has come when its ticket is in the queue,
//!   tickets are given out one after the other under a lock, and one enters only when no older ticket of a living asker
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
//! What is decided is decided by [`slots::step`]; `room` has the files, `wake` the wake-ups.

mod room;
mod wake;

use std::fs::File;
use std::future;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::room::{Part, Room, Ticket};
use self::wake::{Ear, Line};
use crate::fs::atomic::{self, Durability};
use crate::fs::owner_only;
use crate::machines::slots::{self, Effect, Event, State};

/// How soon to look again after a wake-up that brought nothing, in ms; twice as long each further time. A dying process
/// closes its files in no certain order: the wake-up may come before the lock is free.
const WOKEN_LOOK_MS: u64 = 2;

/// A wish for a slot. Dropping it withdraws it.
#[derive(Debug)]
pub struct SlotRequest(Option<Asker>);

/// A slot. Dropping it gives it back.
#[derive(Debug)]
pub struct Slot(#[expect(dead_code, reason = "held for what happens when it is dropped")] Asker);

#[derive(Debug)]
struct Asker {
    room: Room,
    label: String,
    state: State,
    /// The ticket, and its lock; nothing before the arrival and after the end.
    held: Option<(Ticket, File)>,
    line: Option<Line>,
    ear: Option<Ear>,
    /// What was heard before this look.
    startled: Option<PathBuf>,
    /// How soon to look again after a wake-up, in ms.
    soon_ms: Option<u64>,
}

impl SlotRequest {
    /// Takes a ticket at once. `label` names the asker for those who look at the queue: up to 64 letters, digits, `-`
    /// and `_`, such as a job id.
    ///
    /// # Errors
    /// When the files cannot be made or locked, and for a label that cannot be part of a file's name.
    pub fn new(jobs: &Path, depth: u32, label: &str) -> io::Result<Self> {
        let mut asker = Asker::new(Room::new(jobs, depth), label);
        asker.arrive()?;
        Ok(Self(Some(asker)))
    }

    /// Goes on with a ticket that another process took for this one and whose file this one inherited. `None` where it
    /// is not the ticket of that label.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn inherited(jobs: &Path, depth: u32, label: &str, file: File) -> io::Result<Option<Self>> {
        let room = Room::new(jobs, depth);
        let Some(ticket) = room.ticket_of(label, &file)? else { return Ok(None) };
        let mut asker = Asker::new(room, label);
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
        let soon = self.0.as_ref().and_then(|asker| asker.soon_ms).unwrap_or(u64::MAX);
        Duration::from_millis(longest.min(soon))
    }

    /// Completes when it is worth looking again. Dropping the future loses nothing. Needs a runtime.
    pub async fn woken(&mut self) {
        let Some(Asker { ear: Some(ear), .. }) = &mut self.0 else { return future::pending().await };
        let heard = ear.heard().await;
        let path = ear.path().to_path_buf();
        if let Some(asker) = &mut self.0 {
            asker.ear = None;
            if let Err(error) = heard {
                tracing::debug!(%error, "no wake-up; looks at intervals");
            }
            asker.startled = Some(path);
            asker.soon_ms = Some(WOKEN_LOOK_MS);
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
        let mut asker = Asker::new(Room::new(jobs, depth), label);
        asker.held = Some(asker.room.take_ticket(label, Part::Held)?);
        asker.state = State::Holding;
        Ok(Self(asker))
    }
}

impl Asker {
    fn new(room: Room, label: &str) -> Self {
        let (label, state) = (label.to_owned(), slots::begin().0);
        Self { room, label, state, held: None, line: None, ear: None, startled: None, soon_ms: None }
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
        self.startled = None;
        self.soon_ms = self.soon_ms.map(|ms| ms.saturating_mul(2)).filter(|ms| *ms < self.state.look_again_ms());
        // A line of its own, for the one behind, only where it has to wait.
        if let (None, Some(_), Some((ticket, _))) = (&self.line, self.state.place(), &self.held) {
            self.line = Line::open(&self.room.line(ticket));
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
                (self.line, self.ear) = (None, None);
                self.held = Some(self.room.take_ticket(&self.label, Part::Queue)?);
                return Ok(Some(Event::Arrived));
            }
            (Effect::LookAhead, Some((ticket, _))) => {
                let ticket = ticket.clone();
                return self.look_ahead(&ticket).map(Some);
            }
            (Effect::CountHolders, _) => return self.count_holders(limit).map(Some),
            (Effect::Enter, Some((ticket, _))) => {
                return Ok(Some(if self.room.enter(ticket)? { Event::Entered } else { Event::Lost }));
            }
            (Effect::PassOn, Some(_)) => self.pass_on(),
            (Effect::Withdraw, Some((ticket, _))) => self.room.remove(Part::Queue, ticket)?,
            (Effect::GiveBack, Some((ticket, _))) => self.room.remove(Part::Held, ticket)?,
            (Effect::RingBell, _) => wake::ring(&self.room.bell()),
            // Outside the queue there is nothing to do it with, and no row of the spec that asks for it.
            (Effect::LookAhead | Effect::Enter | Effect::PassOn | Effect::Withdraw | Effect::GiveBack, None) => {}
        }
        Ok(None)
    }

    /// Listens first and looks then: what leaves in between is heard.
    fn look_ahead(&mut self, mine: &Ticket) -> io::Result<Event> {
        let queue = self.room.tickets(Part::Queue)?;
        if !queue.contains(mine) {
            return Ok(Event::Lost);
        }
        let before = slots::before(mine, queue);
        let mut ahead = before.len();
        for ticket in before {
            self.listen_to(&ticket);
            if !self.room.is_gone(Part::Queue, &ticket)? {
                break;
            }
            self.ear = None;
            drop(std::fs::remove_file(self.room.line(&ticket)));
            ahead -= 1;
        }
        Ok(Event::Looked { ahead: u64::try_from(ahead).unwrap_or(u64::MAX) })
    }

    /// A line that was just heard and whose owner is still there is not listened to before the next look: where a line
    /// without its owner always has something to say, that would be a busy wait.
    fn listen_to(&mut self, ticket: &Ticket) {
        let path = self.room.line(ticket);
        if self.ear.as_ref().is_none_or(|ear| ear.path() != path) {
            self.ear = if self.startled.as_ref() == Some(&path) { None } else { Ear::on_line(path) };
        }
    }

    fn count_holders(&mut self, limit: u64) -> io::Result<Event> {
        let bell = self.room.bell();
        if self.ear.as_ref().is_none_or(|ear| ear.path() != bell) {
            self.ear = Ear::on_bell(bell);
        }
        let mut holders = 0;
        for ticket in self.room.tickets(Part::Held)? {
            if !self.room.is_gone(Part::Held, &ticket)? {
                holders += 1;
            }
        }
        Ok(Event::Counted { holders, limit })
    }

    fn pass_on(&mut self) {
        self.ear = None;
        let Some((ticket, _)) = &self.held else { return };
        let path = self.room.line(ticket);
        match self.line.take() {
            Some(line) => {
                drop(line);
                self.room.sweep_lines(ticket);
            }
            None => Line::cut(&path),
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
    create_directory(jobs)?;
    atomic::replace(&directory(jobs).join(LIMIT), format!("{limit}\n").as_bytes(), Durability::Cached)
}

/// Where the files are that concern all runs.
#[must_use]
pub fn directory(jobs: &Path) -> PathBuf {
    jobs.join(room::DIRECTORY)
}

/// Makes that directory.
///
/// # Errors
/// When it cannot be made.
pub fn create_directory(jobs: &Path) -> io::Result<()> {
    owner_only::create_directory(&directory(jobs))
}

/// The limit as last configured by anybody; `None` where nobody has, or where the file is nonsense.
#[must_use]
pub fn limit(jobs: &Path) -> Option<usize> {
    std::fs::read_to_string(jobs.join(room::DIRECTORY).join(LIMIT)).ok()?.trim().parse().ok()
}

const LIMIT: &str = "limit";

/// The place of the asker of that label in the queue of its depth, 1 for the next one; `None` where it waits in none.
#[must_use]
pub fn place_of(jobs: &Path, label: &str) -> Option<usize> {
    let depths = std::fs::read_dir(jobs.join(room::DIRECTORY)).ok()?;
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
    let mut tickets = Room::new(jobs, depth).tickets(Part::Queue)?;
    tickets.sort_unstable();
    Ok(tickets.iter().map(|ticket| ticket.label().to_owned()).collect())
}
