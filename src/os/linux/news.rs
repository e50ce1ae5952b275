//! News by inotify: the kernel tells when the last writer of a file closes it.

use std::collections::HashMap;
use std::io;
use std::mem::MaybeUninit;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::inotify::{CreateFlags, Event, ReadFlags, Reader, WatchFlags, add_watch, init, remove_watch};
use tokio::net::unix::pipe::Receiver;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What is read at once, in bytes: room for many events, for one of ours has 32.
const BUFFER_BYTES: usize = 4096;

/// An inotify descriptor, and the task that reads it. The runtime's type for pipes is its only one that takes any descriptor
/// without unsafe code.
#[derive(Debug)]
pub struct Listener {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    events: Receiver,
    /// By the number of the folder's watch. A folder that is watched twice has one.
    folders: Mutex<HashMap<i32, watch::Sender<()>>>,
}

/// News of one folder.
#[derive(Debug)]
pub struct Told {
    shared: Arc<Shared>,
    number: i32,
    news: watch::Receiver<()>,
}

impl Listener {
    /// Begins to listen, to nothing yet.
    pub fn start() -> io::Result<Self> {
        let events = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let events = Receiver::from_owned_fd_unchecked(events)?;
        let shared = Arc::new(Shared { events, folders: Mutex::default() });
        let task = tokio::spawn(Arc::clone(&shared).pass_on());
        Ok(Self { shared, task })
    }

    /// Whether the runtime lives that it was started in.
    pub fn is_listening(&self) -> bool {
        !self.task.is_finished()
    }

    /// Every file in it is heard, the locks among them.
    pub fn listen_to(&self, folder: &Path, _locks: &[&str]) -> io::Result<Told> {
        let mut folders = self.shared.folders();
        let number = add_watch(&self.shared.events, folder, WatchFlags::CLOSE_WRITE | WatchFlags::DELETE_SELF)?;
        let news = folders.entry(number).or_insert_with(|| watch::Sender::new(())).subscribe();
        Ok(Told { shared: Arc::clone(&self.shared), number, news })
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
        // This one is still counted.
        if folders.get(&self.number).is_some_and(|sender| sender.receiver_count() <= 1) {
            folders.remove(&self.number);
            // The kernel has removed that of a folder which is gone.
            let _ = remove_watch(&self.shared.events, self.number);
        }
    }
}

impl Shared {
    fn folders(&self) -> MutexGuard<'_, HashMap<i32, watch::Sender<()>>> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads and passes on, until reading fails; then nobody hears anything any more.
    async fn pass_on(self: Arc<Self>) {
        let mut buffer = [MaybeUninit::uninit(); BUFFER_BYTES];
        let mut reader = Reader::new(&self.events, &mut buffer);
        while self.events.readable().await.is_ok() {
            match self.events.try_io(|| reader.next().map(|event| self.tell(&event)).map_err(io::Error::from)) {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                    tracing::warn!(%error, "no news of jobs");
                    break;
                }
                Ok(()) | Err(_) => {}
            }
        }
        self.folders().clear();
    }

    fn tell(&self, event: &Event<'_>) {
        let folders = self.folders();
        if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
            // Events of any folder may have been lost.
            folders.values().for_each(|folder| folder.send_replace(()));
        } else if let Some(folder) = folders.get(&event.wd()) {
            folder.send_replace(());
        }
    }
}
