//! Work on directories that may never answer (a dead network mount), bounded in time.
//!
//! A system call that hangs cannot be taken back, only left behind with its thread. So the work runs on a few
//! threads; when all of them hang, another one goes on with the rest; a path that hung is not tried again until the
//! thread that hangs in it has come back.
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Threads at the start: the work is system calls on cached data, so more threads only cost their start.
const THREADS: usize = 2;
/// How long nothing may arrive before another thread is started. Directories answer within microseconds.
const STALL: Duration = Duration::from_millis(50);
/// Most threads of one call, hanging ones included.
const MAX_THREADS: usize = 16;

/// Paths in which a thread hangs.
static HANGING: Mutex<Option<HashSet<PathBuf>>> = Mutex::new(None);

/// Does the work for each path, in any order; `None` where it did not end in time.
pub(super) fn each<T: Send + 'static>(
    paths: Vec<PathBuf>,
    budget: Duration,
    work: impl Fn(&Path) -> T + Send + Sync + 'static,
) -> Vec<Option<T>> {
    let deadline = Instant::now() + budget;
    let mut results: Vec<Option<T>> = paths.iter().map(|_| None).collect();
    let queue: Vec<usize> = hanging(|hanging| {
        paths.iter().enumerate().filter(|(_, path)| !hanging.contains(*path)).map(|(index, _)| index).collect()
    });
    let mut left = queue.len();
    let (sender, receiver) = channel();
    let shared = Arc::new(Shared { paths, queue, next: AtomicUsize::new(0), work });
    let mut threads = 0;
    for _ in 0..THREADS.min(left) {
        threads += usize::from(start(&shared, &sender));
    }
    let mut done = HashSet::new();
    while left > 0 && threads > 0 {
        let now = Instant::now();
        if now >= deadline {
            break;
        }
        match receiver.recv_timeout(STALL.min(deadline - now)) {
            Ok((index, result)) => {
                results[index] = Some(result);
                done.insert(index);
                left -= 1;
            }
            Err(_) if threads < MAX_THREADS => threads += usize::from(start(&shared, &sender)),
            Err(_) => {}
        }
    }
    let taken = shared.next.swap(usize::MAX / 2, Ordering::SeqCst).min(shared.queue.len());
    let stuck = shared.queue[..taken].iter().filter(|index| !done.contains(*index));
    hanging(|hanging| hanging.extend(stuck.map(|index| shared.paths[*index].clone())));
    // A thread may have come back between the last look and the entry in the list; its answer then waits here.
    while let Ok((index, result)) = receiver.try_recv() {
        hanging(|hanging| hanging.remove(&shared.paths[index]));
        results[index] = Some(result);
    }
    results
}

struct Shared<W> {
    paths: Vec<PathBuf>,
    /// Which of the paths are to be worked on.
    queue: Vec<usize>,
    /// The next place in the queue.
    next: AtomicUsize,
    work: W,
}

fn start<T: Send + 'static, W: Fn(&Path) -> T + Send + Sync + 'static>(
    shared: &Arc<Shared<W>>,
    sender: &Sender<(usize, T)>,
) -> bool {
    let (shared, sender) = (Arc::clone(shared), sender.clone());
    let run = move || {
        while let Some(&index) = shared.queue.get(shared.next.fetch_add(1, Ordering::SeqCst)) {
            let path = &shared.paths[index];
            let result = (shared.work)(path);
            let unheard = sender.send((index, result)).is_err();
            hanging(|hanging| hanging.remove(path));
            if unheard {
                break;
            }
        }
    };
    std::thread::Builder::new().name("detect".to_owned()).spawn(run).is_ok()
}

fn hanging<R>(look: impl FnOnce(&mut HashSet<PathBuf>) -> R) -> R {
    let mut hanging = HANGING.lock().unwrap_or_else(PoisonError::into_inner);
    look(hanging.get_or_insert_default())
}
