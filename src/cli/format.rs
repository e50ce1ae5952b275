//! Times and amounts for people.

use super::output;
use crate::machines::answer::Answer;
use crate::machines::money;
use crate::machines::text::shell_word;

/// Seconds of a minute, of an hour, of a day.
const MINUTE: f64 = 60.0;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;
/// Up to here a tenth of a second tells something, in seconds.
const PRECISE: f64 = 10.0;
/// Up to two of the next larger unit the smaller one is the better measure.
const UNITS: f64 = 2.0;
/// Whatever is older, in days, is a mistake.
const MAX_DAYS: f64 = 100_000.0;
/// A larger cost, in US dollars, is a mistake.
const MAX_DOLLARS: f64 = 1e6;
/// Shown for what is not known.
pub const UNKNOWN: &str = "-";

/// A length of time, in at most eight characters. A clock that was set back makes it none, not a negative one.
pub fn span(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    if seconds < PRECISE {
        format!("{seconds:.1} s")
    } else if seconds < UNITS * MINUTE {
        format!("{seconds:.0} s")
    } else if seconds < UNITS * HOUR {
        format!("{:.0} m", (seconds / MINUTE).floor())
    } else if seconds < UNITS * DAY {
        format!("{:.0} h", (seconds / HOUR).floor())
    } else if seconds < MAX_DAYS * DAY {
        format!("{:.0} d", (seconds / DAY).floor())
    } else {
        UNKNOWN.to_owned()
    }
}

/// An amount of money as [`money::exact`] has it, in at most twelve characters.
pub fn dollars(usd: f64) -> String {
    if (0.0..=MAX_DOLLARS).contains(&usd) { money::exact(usd) } else { UNKNOWN.to_owned() }
}

/// So many of something, whose name is regular in the plural.
pub fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// How to go on by hand with a session in its directory.
pub fn resume(directory: &str, session: &str) -> String {
    format!("to go on with it: cd {} && claude --resume {}", shell_word(directory), shell_word(session))
}

/// What a run took, as far as it is known.
pub fn of(answer: &Answer) -> String {
    let mut parts = Vec::new();
    #[expect(clippy::cast_precision_loss, reason = "a duration for people")]
    parts.extend(answer.duration_ms.map(|ms| format!("{:.1} s", ms as f64 / 1_000.0)));
    parts.extend(answer.num_turns.map(|turns| counted(turns, "turn")));
    parts.extend(answer.cost_usd.map(dollars));
    parts.extend(answer.outcome.map(|outcome| format!("outcome {}", outcome.as_str())));
    parts.extend(answer.session_id.as_ref().map(|id| format!("session {id}")));
    output::printable(&parts.join(", "))
}
