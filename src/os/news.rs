//! News of a folder: that one of its files was changed and closed, or a lock on it given up.

use std::io;
use std::path::Path;

use super::this;

/// Hears the news of folders, for all that ask in this process.
#[derive(Debug)]
pub struct Listener(this::news::Listener);

/// News of one folder.
#[derive(Debug)]
pub struct Told(this::news::Told);

impl Listener {
    /// Begins to listen, to nothing yet.
    ///
    /// # Errors
    /// Where the system tells nothing, or the user has no listener left.
    ///
    /// # Panics
    /// Outside a runtime.
    pub fn start() -> io::Result<Self> {
        this::news::Listener::start().map(Self)
    }

    /// Whether the runtime lives that it was started in.
    #[must_use]
    pub fn is_listening(&self) -> bool {
        self.0.is_listening()
    }

    /// Listens to a folder from this moment on: whether one of the files `locks` in it is closed by who had it open for
    /// writing, which gives up the lock on it; whether the folder is removed.
    ///
    /// # Errors
    /// Where the folder is not there, or the user has no watch left.
    pub fn listen_to(&self, folder: &Path, locks: &[&str]) -> io::Result<Told> {
        self.0.listen_to(folder, locks).map(Told)
    }
}

impl Told {
    /// Completes when something has happened since the last time. False when nothing will be heard any more.
    pub async fn changed(&mut self) -> bool {
        self.0.changed().await
    }
}
