//! The processes that `ps` lists, with the options that POSIX has.

/// The columns that are asked for, in the order in which [`Row::read`] takes them.
pub const COLUMNS: [&str; 6] = ["pid=", "ppid=", "pgid=", "user=", "etime=", "args="];

/// How far the start of a process may seem to move between two looks, in seconds: its age, the moment of the look and that of
/// the note are cut to seconds, each.
pub const BLUR_SECONDS: u64 = 3;

/// What follows the name of a process that has ended and was not waited for.
const ENDED: &str = "<defunct>";

/// A process, as a line of `ps` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its id.
    pub pid: i32,
    /// The id of its parent.
    pub parent: i32,
    /// The id of its process group.
    pub group: i32,
    /// Whose it is.
    pub user: String,
    /// In seconds since 1970.
    pub started: u64,
    /// The program and its arguments, as one text.
    pub arguments: String,
}

impl Row {
    /// Reads a line of a list that was made `now`, in seconds since 1970. `None` for what is none, and for a process that has
    /// ended.
    ///
    /// One that was started after `ps` looked at the clock has an age below zero, which procps 4.0.2 shows as 441,077,234 days:
    /// an age that cannot be is that of a process that was started now.
    pub fn read(line: &str, now: u64) -> Option<Self> {
        let (mut rest, mut fields) = (line, [""; COLUMNS.len() - 1]);
        for field in &mut fields {
            (*field, rest) = rest.trim_start().split_once(' ')?;
        }
        let [pid, parent, group, user, age] = fields;
        let arguments = rest.trim().to_owned();
        let row = Self {
            pid: pid.parse().ok()?,
            parent: parent.parse().ok()?,
            group: group.parse().ok()?,
            user: user.to_owned(),
            started: seconds(age).and_then(|age| now.checked_sub(age)).unwrap_or(now),
            arguments,
        };
        Some(row).filter(|row| !row.arguments.ends_with(ENDED))
    }
}

/// An age as `[[dd-]hh:]mm:ss`, in seconds. `None` for what is none.
fn seconds(age: &str) -> Option<u64> {
    let (days, clock) = age.split_once('-').unwrap_or(("0", age));
    let parts = clock.split(':').map(|part| part.parse::<u64>().ok()).collect::<Option<Vec<_>>>()?;
    let [hours, minutes, seconds] = match parts[..] {
        [minutes, seconds] => [0, minutes, seconds],
        [hours, minutes, seconds] => [hours, minutes, seconds],
        _ => return None,
    };
    days.parse::<u64>()
        .ok()?
        .checked_mul(24)?
        .checked_add(hours)?
        .checked_mul(60)?
        .checked_add(minutes)?
        .checked_mul(60)?
        .checked_add(seconds)
}
