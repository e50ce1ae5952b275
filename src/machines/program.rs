//! Which options each claude program refused, so that the next run need not ask again.

use serde::{Deserialize, Deserializer, Serialize};

use super::flags::{Omission, Omitted};

/// Most programs that are remembered: a user has one or two, and a directory of old versions must not fill the file.
pub const MAX_PROGRAMS: usize = 16;
/// How long a refusal is believed, in seconds (a day). An update shows in the file itself, but not where the file is a
/// wrapper that starts another one.
pub const BELIEVED_SECONDS: u64 = 86_400;

/// A program as its file looks: an update changes at least one of the three.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Where it is, links followed.
    pub path: String,
    /// Size of the file, in bytes.
    pub size: u64,
    /// When it was written: Unix seconds, and nanoseconds of the second.
    pub modified: (i64, i64),
}

/// What is remembered of all programs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Programs {
    programs: Vec<Refusals>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Refusals {
    #[serde(flatten)]
    program: Program,
    /// When the first of the refusals was, in Unix seconds.
    since: u64,
    #[serde(deserialize_with = "known_omissions")]
    refused: Vec<Omission>,
}

impl Programs {
    /// What this program is known to refuse.
    #[must_use]
    pub fn refused_by(&self, program: &Program, now: u64) -> Omitted {
        let known = self.programs.iter().find(|known| known.program == *program && known.is_believed(now));
        known.map_or(Omitted::NOTHING, |known| known.refused.iter().copied().fold(Omitted::NOTHING, Omitted::and))
    }

    /// Notes that it refused one more. What is known of another file at the same place is about a program that is gone.
    pub fn note(&mut self, program: Program, omission: Omission, now: u64) {
        let at_its_place = |known: &Refusals| known.program.path == program.path;
        let before = self.programs.iter().position(at_its_place).map(|at| self.programs.remove(at));
        let mut refusals = before
            .filter(|known| known.program == program && known.is_believed(now))
            .unwrap_or(Refusals { program, since: now, refused: Vec::new() });
        if !refusals.refused.contains(&omission) {
            refusals.refused.push(omission);
        }
        self.programs.insert(0, refusals);
        self.programs.truncate(MAX_PROGRAMS);
    }
}

impl Refusals {
    /// A clock that was set back makes a refusal no younger.
    fn is_believed(&self, now: u64) -> bool {
        now.checked_sub(self.since).is_some_and(|age| age < BELIEVED_SECONDS)
    }
}

/// The flags that this version knows; another version may have noted more.
fn known_omissions<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<Omission>, D::Error> {
    let names = Vec::<serde_json::Value>::deserialize(source)?;
    Ok(names.into_iter().filter_map(|name| serde_json::from_value(name).ok()).collect())
}
