//! How many runs this process has at once, in arrival order.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// A first-come-first-served limit whose size may change between grants.
///
/// It bounds the runs of one process; runs of other servers and of the CLI are not counted.
#[derive(Debug, Default, Clone)]
pub struct Limit(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    size: usize,
    held: usize,
    waiting: VecDeque<oneshot::Sender<Slot>>,
}

/// A place under the limit; dropping it hands it to the next in line.
#[derive(Debug)]
pub struct Slot(Option<Limit>);

impl Limit {
    /// Waits for a place. `size` is the limit as configured at this moment (at least 1) and counts for all who wait.
    pub async fn acquire(&self, size: usize) -> Slot {
        let place = {
            let mut inner = self.lock();
            inner.size = size.max(1);
            let (sender, receiver) = oneshot::channel();
            inner.waiting.push_back(sender);
            receiver
        };
        self.grant();
        match place.await {
            Ok(slot) => slot,
            // The sender lives in the queue until it is used, and the queue as long as `self`.
            Err(_) => Slot(None),
        }
    }

    /// How many wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.lock().waiting.iter().filter(|sender| !sender.is_closed()).count()
    }

    fn grant(&self) {
        loop {
            let sender = {
                let mut inner = self.lock();
                inner.waiting.retain(|sender| !sender.is_closed());
                if inner.held >= inner.size {
                    return;
                }
                let Some(sender) = inner.waiting.pop_front() else { return };
                inner.held += 1;
                sender
            };
            // A waiter that left between the check and here drops the slot, which grants again.
            drop(sender.send(Slot(Some(self.clone()))));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(limit) = self.0.take() {
            limit.lock().held -= 1;
            limit.grant();
        }
    }
}
