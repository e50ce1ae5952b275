//! The permission mode of a run: ours to say, so that it does not change with the version of the CLI.

/// What a run is in when nobody says otherwise: the CLI asks before it does anything, and nobody answers.
pub const DEFAULT: &str = "default";
/// The name by which newer versions of the CLI call [`DEFAULT`]. Older ones refuse it, and every version takes the other.
const MANUAL: &str = "manual";
/// The mode in which the CLI asks for nothing. It refuses it to root.
pub const BYPASS: &str = "bypassPermissions";
/// The modes that claude knows. Another one is stored with a warning: a newer claude may know it.
pub const KNOWN: &[&str] = &["acceptEdits", "auto", BYPASS, DEFAULT, "dontAsk", MANUAL, "plan"];
/// Modes that a project cannot give itself: the CLI takes them from the user's own settings only. It does so from 2.1.302
/// on; 2.1.300 took `auto` of a project, 2.1.197 `bypassPermissions`. Ours is passed, so it holds on all of them.
const NOT_FOR_A_PROJECT: [&str; 2] = ["auto", BYPASS];

/// Whose settings of the CLI say a mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModeSource {
    /// Those of the organisation.
    Managed,
    /// Those in the project, shared or not.
    Project,
    /// The user's own.
    User,
}

/// The name under which every version of the CLI takes a mode.
#[must_use]
pub fn portable(mode: &str) -> &str {
    if mode == MANUAL { DEFAULT } else { mode }
}

/// The mode that a run is given whose agent and settings say none. `said`: what the CLI's own settings say, of the highest
/// rank that says anything. `None`: nothing is passed, and the CLI follows them.
#[must_use]
pub fn unless_said(said: Option<(ModeSource, &str)>) -> Option<&'static str> {
    match said {
        Some((ModeSource::Project, mode)) if NOT_FOR_A_PROJECT.contains(&mode) => Some(DEFAULT),
        Some((_, mode)) if KNOWN.contains(&mode) => None,
        // A word that the CLI does not know: depending on its version that is as if nothing were said.
        Some(_) | None => Some(DEFAULT),
    }
}

/// Whether a run is in another mode than it was given.
#[must_use]
pub fn differs(given: &str, found: &str) -> bool {
    portable(given) != portable(found)
}
