//! What `/proc/pid/stat` says of a process, see proc(5).

use std::fmt::Display;

/// The fields that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    is_zombie: bool,
    /// In a PID namespace the id of a leader outside of it is 0, which is no `Pid`: the system calls' wrappers cannot say it.
    pub group: i32,
    /// The id of its session.
    pub session: i32,
    is_of_the_kernel: bool,
    /// In clock ticks since the system was started.
    pub started: u64,
}

impl Stat {
    /// That of a process, or of `self`; `None` where there is none.
    #[must_use]
    pub fn of(pid: impl Display) -> Option<Self> {
        Self::read(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Reads the text of the file; `None` for what is none.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        // The name of the program may hold anything, a closing parenthesis too: the fields begin after the last one.
        let fields = text.rsplit_once(')')?.1.split_whitespace().collect::<Vec<_>>();
        let number = |field: usize| fields.get(field)?.parse::<u64>().ok();
        Some(Self {
            is_zombie: fields.first() == Some(&"Z"),
            group: fields.get(2)?.parse().ok()?,
            session: fields.get(3)?.parse().ok()?,
            // PF_KTHREAD
            is_of_the_kernel: number(6)? & 0x0020_0000 != 0,
            started: number(19)?,
        })
    }

    /// Whether a process that shows no environment may be between two programs, as a child of a run may be that `own`
    /// supervises: an older one is none.
    #[must_use]
    pub const fn may_begin_a_program(&self, own: &Self) -> bool {
        !self.is_zombie && !self.is_of_the_kernel && self.started >= own.started
    }
}
