//! Work on directories that may never answer (a dead network mount), bounded in time.
//!
//! A system call that hangs cannot be taken back, only left behind with its thread. So the work runs on a few
//! threads; when all of them hang, another one goes on with the rest; a path that hung is not tried again until the
//! thread that hangs in it has come back.
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Threads at the start: the work is system calls on cached data, so more threads only cost their start.
const THREADS: usize = 2;
/// How long nothing may be done before another thread is started. Directories answer within microseconds.
const STALL: Duration = Duration::from_millis(50);
/// Most threads of one call, hanging ones included.
const MAX_THREADS: usize = 16;

/// Paths in which a thread hangs.
static HANGING: Mutex<Option<HashSet<PathBuf>>> = Mutex::new(None);

/// Does the work for each path, in any order; `None` where it did not end in time.
pub fn each<T: Send + 'static>(
    paths: Vec<PathBuf>,
    budget: Duration,
    work: impl Fn(&Path) -> T + Send + Sync + 'static,
) -> Vec<Option<T>> {
    let deadline = Instant::now() + budget;
    let queue: Vec<usize> = hanging(|hanging| {
        paths.iter().enumerate().filter(|(_, path)| !hanging.contains(*path)).map(|(index, _)| index).collect()
    });
    let done = Done { results: paths.iter().map(|_| None).collect(), left: queue.len(), wanted: true };
    let shared =
        Shared { paths, queue, next: AtomicUsize::new(0), work, done: Mutex::new(done), ended: Condvar::new() };
    let shared = Arc::new(shared);
    let mut threads = 0;
    for _ in 0..THREADS.min(shared.queue.len()) {
        threads += usize::from(start(&shared));
    }
    let mut done = shared.lock();
    loop {
        let (before, now) = (done.left, Instant::now());
        if before == 0 || threads == 0 || now >= deadline {
            return shared.give_up(done);
        }
        let wait = STALL.min(deadline - now);
        done = shared.ended.wait_timeout(done, wait).unwrap_or_else(PoisonError::into_inner).0;
        if done.left == before && now.elapsed() >= STALL && threads < MAX_THREADS {
            threads += usize::from(start(&shared));
        }
    }
}

struct Shared<T, W> {
    paths: Vec<PathBuf>,
    /// Which of the paths are to be worked on.
    queue: Vec<usize>,
    /// The next place in the queue.
    next: AtomicUsize,
    work: W,
    done: Mutex<Done<T>>,
    /// Nothing is left to do. Whoever waits is not woken for each result: that would cost more than the work.
    ended: Condvar,
}

struct Done<T> {
    /// For each path.
    results: Vec<Option<T>>,
    /// How many are still to come.
    left: usize,
    /// Whether anybody waits for them.
    wanted: bool,
}

impl<T, W> Shared<T, W> {
    /// What was done until now. The paths in which a thread is are known as hanging from here on, until it comes back.
    fn give_up(&self, mut done: MutexGuard<'_, Done<T>>) -> Vec<Option<T>> {
        done.wanted = false;
        let taken = self.next.swap(usize::MAX / 2, Ordering::SeqCst).min(self.queue.len());
        let stuck = self.queue[..taken].iter().filter(|index| done.results[**index].is_none());
        hanging(|hanging| hanging.extend(stuck.map(|index| self.paths[*index].clone())));
        std::mem::take(&mut done.results)
    }

    fn lock(&self) -> MutexGuard<'_, Done<T>> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn start<T: Send + 'static, W: Fn(&Path) -> T + Send + Sync + 'static>(shared: &Arc<Shared<T, W>>) -> bool {
    let shared = Arc::clone(shared);
    let run = move || {
        while let Some(&index) = shared.queue.get(shared.next.fetch_add(1, Ordering::SeqCst)) {
            let path = &shared.paths[index];
            let result = (shared.work)(path);
            let mut done = shared.lock();
            if !done.wanted {
                hanging(|hanging| hanging.remove(path));
                break;
            }
            done.results[index] = Some(result);
            done.left -= 1;
            if done.left == 0 {
                shared.ended.notify_one();
            }
        }
    };
    std::thread::Builder::new().name("detect".to_owned()).spawn(run).is_ok()
}

fn hanging<R>(look: impl FnOnce(&mut HashSet<PathBuf>) -> R) -> R {
    let mut hanging = HANGING.lock().unwrap_or_else(PoisonError::into_inner);
    look(hanging.get_or_insert_default())
}
