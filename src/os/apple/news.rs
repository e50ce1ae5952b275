//! News by a kernel queue (kqueue): the kernel tells when a lock on a watched file is given up, by a call or because the last
//! process that had it open has ended (xnu: `vn_closefile` and `VNOP_ADVLOCK`).

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::libc::timespec;
use nix::sys::event::{EvFlags, EventFilter, FilterFlag, KEvent, Kqueue};
use tokio::net::unix::pipe::Receiver;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::os::reading::kevent::{Event, FILES, REMOVED, RENAMED, REVOKED, Step, UNLOCKED, WRITTEN};

/// How many events are taken at once; what is left comes with the next call.
const EVENTS: usize = 64;
/// A file is opened for its events only, `O_EVTONLY` of `sys/fcntl.h`: its volume can be taken away meanwhile.
const EVENTS_ONLY: i32 = 0x8000;
/// To take what is there.
const AT_ONCE: timespec = timespec { tv_sec: 0, tv_nsec: 0 };
/// What is heard of each file: what ends the watch.
const ENDS: u32 = REMOVED | RENAMED | REVOKED;

/// A kernel queue, and the task that reads it. The runtime's type for pipes is its only one that takes any descriptor without
/// unsafe code.
#[derive(Debug)]
pub struct Listener {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    queue: Queue,
    /// The same queue, for the runtime.
    ready: Receiver,
    folders: Mutex<Folders>,
}

#[derive(Debug, Default)]
struct Folders {
    /// By the number that its events bear. No number is given twice: an event may be on its way when its folder is dropped.
    by_number: HashMap<isize, Folder>,
    last: isize,
}

/// A folder that somebody listens to.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    locks: Vec<String>,
    /// Open as long as they are watched: the locks, and the folder itself while one of them is missing. Few, for a process of
    /// macOS has 256 open files unless somebody raises that.
    watched: Vec<File>,
    news: watch::Sender<()>,
}

/// News of one folder.
#[derive(Debug)]
pub struct Told {
    shared: Arc<Shared>,
    number: isize,
    news: watch::Receiver<()>,
}

impl Listener {
    /// Begins to listen, to nothing yet.
    pub fn start() -> io::Result<Self> {
        // No process that is started inherits a kernel queue.
        let queue = Kqueue::new()?;
        let ready = Receiver::from_owned_fd_unchecked(queue.as_fd().try_clone_to_owned()?)?;
        let shared = Arc::new(Shared { queue: Queue(queue), ready, folders: Mutex::default() });
        let task = tokio::spawn(Arc::clone(&shared).pass_on());
        Ok(Self { shared, task })
    }

    /// Whether the runtime lives that it was started in.
    pub fn is_listening(&self) -> bool {
        !self.task.is_finished()
    }

    /// Those who listen to the same folder, by the same path and locks, share its watches.
    pub fn listen_to(&self, folder: &Path, locks: &[&str]) -> io::Result<Told> {
        let told = |number, news: &watch::Sender<()>| {
            let (shared, news) = (Arc::clone(&self.shared), news.subscribe());
            Told { shared, number, news }
        };
        let mut folders = self.shared.folders();
        if let Some((number, known)) = folders.by_number.iter().find(|(_, known)| known.is(folder, locks)) {
            return Ok(told(*number, &known.news));
        }
        folders.last += 1;
        let number = folders.last;
        let locks = locks.iter().map(|lock| (*lock).to_owned()).collect();
        let mut folder = Folder { path: folder.to_owned(), locks, watched: Vec::new(), news: watch::Sender::new(()) };
        folder.watch(&self.shared.queue, number)?;
        let told = told(number, &folder.news);
        folders.by_number.insert(number, folder);
        Ok(told)
    }
}

impl Told {
    /// Completes when something has happened since the last time. False when nothing will be heard any more.
    pub async fn changed(&mut self) -> bool {
        self.news.changed().await.is_ok()
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        let mut folders = self.shared.folders();
        // This one is still counted. To close the files ends their watches.
        if folders.by_number.get(&self.number).is_some_and(|folder| folder.news.receiver_count() <= 1) {
            folders.by_number.remove(&self.number);
        }
    }
}

impl Shared {
    fn folders(&self) -> MutexGuard<'_, Folders> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads and passes on, until reading fails; then nobody hears anything any more.
    async fn pass_on(self: Arc<Self>) {
        while self.ready.readable().await.is_ok() {
            match self.ready.try_io(|| self.queue.take()) {
                Ok(events) => events.into_iter().for_each(|event| self.perform(event.step())),
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                Err(error) => {
                    tracing::warn!(%error, "no news of jobs");
                    break;
                }
            }
        }
        self.folders().by_number.clear();
    }

    fn perform(&self, step: Step) {
        let mut folders = self.folders();
        let folders = &mut folders.by_number;
        match step {
            Step::Pass => {}
            Step::Tell(number) => folders.get(&number).into_iter().for_each(|folder| {
                folder.news.send_replace(());
            }),
            // First the watches, then the word: whoever is told looks at once, and waits again.
            Step::Renew(number) => {
                let Some(folder) = folders.get_mut(&number) else { return };
                let renewed = folder.watch(&self.queue, number);
                folder.news.send_replace(());
                if let Err(error) = renewed {
                    tracing::debug!(%error, folder = %folder.path.display(), "no news of it any more");
                    folders.remove(&number);
                }
            }
        }
    }
}

impl Folder {
    fn is(&self, path: &Path, locks: &[&str]) -> bool {
        self.path == path && self.locks == locks
    }

    /// Watches the locks that are there, and the folder while one is missing.
    fn watch(&mut self, queue: &Queue, number: isize) -> io::Result<()> {
        self.watched.clear();
        let mut missing = self.watch_locks(queue, number, &self.locks.clone())?;
        if !missing.is_empty() {
            self.watch_file(queue, number, &self.path.clone(), WRITTEN)?;
            // One that came before the folder was watched.
            missing = self.watch_locks(queue, number, &missing)?;
        }
        tracing::trace!(folder = %self.path.display(), ?missing, "watched");
        Ok(())
    }

    /// Returns those that are not there.
    fn watch_locks(&mut self, queue: &Queue, number: isize, locks: &[String]) -> io::Result<Vec<String>> {
        let mut missing = Vec::new();
        for lock in locks {
            match self.watch_file(queue, number, &self.path.join(lock), UNLOCKED) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push(lock.clone()),
                watched => watched?,
            }
        }
        Ok(missing)
    }

    fn watch_file(&mut self, queue: &Queue, number: isize, path: &Path, heard: u32) -> io::Result<()> {
        let file = OpenOptions::new().read(true).custom_flags(EVENTS_ONLY).open(path)?;
        queue.add(&file, number, heard | ENDS)?;
        self.watched.push(file);
        Ok(())
    }
}

#[derive(Debug)]
struct Queue(Kqueue);

impl Queue {
    /// Hears of a file, once for each time that something happens to it, until it is closed.
    fn add(&self, file: &File, number: isize, heard: u32) -> io::Result<()> {
        let ident = usize::try_from(file.as_raw_fd()).map_err(io::Error::other)?;
        let heard = FilterFlag::from_bits_retain(heard);
        let watch =
            KEvent::new(ident, EventFilter::EVFILT_VNODE, EvFlags::EV_ADD | EvFlags::EV_CLEAR, heard, 0, number);
        self.0.kevent(&[watch], &mut [], Some(AT_ONCE))?;
        Ok(())
    }

    /// The events that are there; an error that says to wait where there is none.
    fn take(&self) -> io::Result<Vec<Event>> {
        let none = KEvent::new(0, EventFilter::EVFILT_VNODE, EvFlags::empty(), FilterFlag::empty(), 0, 0);
        let mut events = [none; EVENTS];
        let taken = self.0.kevent(&[], &mut events, Some(AT_ONCE))?;
        if taken == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(events.iter().take(taken).map(read).collect())
    }
}

fn read(event: &KEvent) -> Event {
    let is_of_a_file = event.filter() == Ok(EventFilter::EVFILT_VNODE);
    Event {
        folder: event.udata(),
        filter: if is_of_a_file { FILES } else { 0 },
        flags: event.flags().bits(),
        notes: event.fflags().bits(),
    }
}
