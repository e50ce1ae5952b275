//! POSIX tells no news of files: whoever waits looks.

use std::convert::Infallible;
use std::io;
use std::path::Path;

/// There is none.
#[derive(Debug)]
pub struct Listener(Infallible);

/// There is none.
#[derive(Debug)]
pub struct Told(Infallible);

impl Listener {
    pub fn start() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub const fn is_listening(&self) -> bool {
        match self.0 {}
    }

    pub const fn listen_to(&self, _folder: &Path, _locks: &[&str]) -> io::Result<Told> {
        match self.0 {}
    }
}

impl Told {
    pub async fn changed(&mut self) -> bool {
        match self.0 {}
    }
}
