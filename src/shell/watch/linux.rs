//! The kernel's news of closed files, passed on to those who wait for them.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init, remove_watch};
use tokio::net::unix::pipe::Receiver;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Room for many events: one of ours has 32 bytes.
const BUFFER_BYTES: usize = 4096;
/// Of an event, before the name of the file: watch, mask, cookie and length of the name, four bytes each (inotify(7)).
const HEADER_BYTES: usize = 16;
/// The number of no watch, in the event that says that others were lost: there were too many at once (inotify(7)).
const TOO_MANY: i32 = -1;

/// One of the system's watches, and the task that reads it. It is read through the runtime's type for pipes: that is the
/// one that takes any descriptor safely.
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

    /// Listens to a folder from this moment on.
    pub fn listen_to(&self, folder: &Path) -> io::Result<Told> {
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
        let mut buffer = [0_u8; BUFFER_BYTES];
        while self.events.readable().await.is_ok() {
            match self.events.try_read(&mut buffer) {
                Ok(length) => self.tell(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    tracing::warn!(%error, "no news of jobs");
                    break;
                }
            }
        }
        self.folders().clear();
    }

    fn tell(&self, mut events: &[u8]) {
        let folders = self.folders();
        while let Some((header, rest)) = events.split_first_chunk::<HEADER_BYTES>() {
            let [a, b, c, d, .., w, x, y, z] = *header;
            let number = i32::from_ne_bytes([a, b, c, d]);
            if number == TOO_MANY {
                folders.values().for_each(|folder| folder.send_replace(()));
            } else if let Some(folder) = folders.get(&number) {
                folder.send_replace(());
            }
            let name = usize::try_from(u32::from_ne_bytes([w, x, y, z])).unwrap_or(usize::MAX);
            events = rest.get(name..).unwrap_or_default();
        }
    }
}
