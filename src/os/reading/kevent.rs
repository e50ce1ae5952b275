//! What an event of a kernel queue (kqueue) says of a watched file.
//!
//! Its numbers are those of macOS, xnu's `bsd/sys/event.h`: what is read here can be tried on every system.

/// The filter of events of files, `EVFILT_VNODE`.
pub const FILES: i16 = -4;
/// The flag of an event that says that a watch was not made, `EV_ERROR`.
pub const FAILED: u16 = 0x4000;
/// The flag of the last event of a watch, `EV_EOF`: the kernel has given the file up.
pub const OVER: u16 = 0x8000;
/// The file was removed, `NOTE_DELETE`.
pub const REMOVED: u32 = 0x001;
/// The file was written, or a name in the folder made, removed or changed, `NOTE_WRITE`.
pub const WRITTEN: u32 = 0x002;
/// The file has another name, `NOTE_RENAME`.
pub const RENAMED: u32 = 0x020;
/// The file's system was taken away, `NOTE_REVOKE`.
pub const REVOKED: u32 = 0x040;
/// A lock on the file was given up, `NOTE_FUNLOCK`: by a call, or with the last handle that had it, as when a process ends.
pub const UNLOCKED: u32 = 0x100;

/// An event of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// The number that the watch was given: that of the folder.
    pub folder: isize,
    /// What it is about.
    pub filter: i16,
    /// How the watch stands.
    pub flags: u16,
    /// What happened to the file.
    pub notes: u32,
}

/// What there is to do for an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It says nothing that anybody waits for.
    Pass,
    /// Tell those who listen to the folder.
    Tell(isize),
    /// The watches on the folder do not hold what they should any more: make them anew, then tell.
    Renew(isize),
}

impl Event {
    /// What there is to do.
    pub const fn step(self) -> Step {
        if self.filter != FILES {
            return Step::Pass;
        }
        let is_lost = self.flags & (FAILED | OVER) != 0 || self.notes & (REMOVED | RENAMED | REVOKED) != 0;
        // Only a folder that still lacks a lock is heard for what is written: it may be there now.
        if is_lost || self.notes & WRITTEN != 0 {
            Step::Renew(self.folder)
        } else if self.notes & UNLOCKED != 0 {
            Step::Tell(self.folder)
        } else {
            Step::Pass
        }
    }
}
