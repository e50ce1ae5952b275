//! Named places on a job's path at which a test kills the process, lets it fail or holds it up.
//!
//! Only builds with the feature `faults` have them: the program that is installed contains neither the names nor the
//! variable. Places stand before and after each write, lock, spawn and rename; `tests/jobs/failpoints.rs` finds them in the
//! source, and kills at each one.

use std::io;

/// A place whose operation can fail here.
///
/// # Errors
/// When a test wants it; never in a build without the feature `faults`.
#[cfg(feature = "faults")]
pub fn check(name: &'static str) -> io::Result<()> {
    armed::hit(name)
}

/// A place whose operation can fail here.
#[cfg(not(feature = "faults"))]
#[inline(always)]
pub const fn check(_name: &'static str) -> io::Result<()> {
    Ok(())
}

/// A place where nothing can fail.
pub fn reach(name: &'static str) {
    drop(check(name));
}

#[cfg(feature = "faults")]
mod armed {
    use std::fs::{File, OpenOptions};
    use std::io::{self, Write};
    use std::path::PathBuf;
    use std::sync::OnceLock;
    use std::time::Duration;

    use rustix::process::{Signal, getpid, kill_process};

    /// `<name>@<n>=<action>:<directory>`, more of them after `,`: what happens the n-th time that any process comes by,
    /// and with `<n>+` each time from then on, counted by files `<name>.1`, `<name>.2` … in the directory. Actions: `kill`,
    /// `error` (no space left), `pause` (until `<name>.go` is there). `*@0=trace:<directory>` writes all names to the file
    /// `trace`.
    const VARIABLE: &str = "AGENT_DISPATCH_FAILPOINTS";
    /// How often to look whether a pause is over.
    const LOOK: Duration = Duration::from_millis(1);

    #[derive(Clone, Copy, strum::EnumString)]
    #[strum(serialize_all = "lowercase")]
    enum Action {
        Kill,
        Error,
        Pause,
        Trace,
    }

    struct Arm {
        name: String,
        turn: u32,
        and_later: bool,
        action: Action,
        directory: PathBuf,
    }

    fn arms() -> &'static [Arm] {
        static ARMS: OnceLock<Vec<Arm>> = OnceLock::new();
        ARMS.get_or_init(|| std::env::var(VARIABLE).unwrap_or_default().split(',').filter_map(arm).collect())
    }

    fn arm(text: &str) -> Option<Arm> {
        let (place, what) = text.split_once('=')?;
        let ((name, turn), (action, directory)) = (place.split_once('@')?, what.split_once(':')?);
        let action = action.parse().ok()?;
        let first = turn.strip_suffix('+');
        let (turn, and_later) = (first.unwrap_or(turn).parse().ok()?, first.is_some());
        Some(Arm { name: name.to_owned(), turn, and_later, action, directory: directory.into() })
    }

    pub fn hit(name: &'static str) -> io::Result<()> {
        for arm in arms().iter().filter(|arm| arm.name == name || matches!(arm.action, Action::Trace)) {
            if matches!(arm.action, Action::Trace) {
                trace(arm, name)?;
                continue;
            }
            let turn = turn(arm);
            if turn == arm.turn || arm.and_later && turn > arm.turn {
                act(arm)?;
            }
        }
        Ok(())
    }

    fn trace(arm: &Arm, name: &str) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).create(true).open(arm.directory.join("trace"))?;
        file.write_all(format!("{name}\n").as_bytes())
    }

    /// The how-manieth time this is, over all processes.
    fn turn(arm: &Arm) -> u32 {
        let is_new = |turn: &u32| File::create_new(arm.directory.join(format!("{}.{turn}", arm.name))).is_ok();
        (1..).find(is_new).unwrap_or(0)
    }

    fn act(arm: &Arm) -> io::Result<()> {
        match arm.action {
            Action::Kill => {
                kill_process(getpid(), Signal::KILL)?;
                loop {
                    std::thread::park();
                }
            }
            Action::Error => Err(io::ErrorKind::StorageFull.into()),
            Action::Pause => {
                while !arm.directory.join(format!("{}.go", arm.name)).exists() {
                    std::thread::sleep(LOOK);
                }
                Ok(())
            }
            Action::Trace => Ok(()),
        }
    }
}
