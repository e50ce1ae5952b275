//! Names of agents and groups: what is allowed, and what to answer to a name nobody has.

use strsim::osa_distance;

/// How many names an "unknown agent" answer lists: enough to choose from, few enough for a model to read.
pub const MAX_NAMES_LISTED: usize = 20;
/// Longest part of a caller's text that is repeated in an error, in characters.
pub const MAX_ECHOED_CHARS: usize = 80;

/// Whether the whole text is a name: a letter or digit, then letters, digits, `-` and `_`, all ASCII.
pub fn is_valid_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphanumeric())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// How alike two words must be to be taken for a slip of the pen: the number of single-character changes between
/// them, at most a third of the longer one's length.
const LIKENESS_DIVISOR: usize = 3;

/// The word among `known` that looks most like `word`, if one does.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word: String = word.chars().take(MAX_ECHOED_CHARS).collect::<String>().to_ascii_lowercase();
    known
        .map(|candidate| (osa_distance(&word, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(changes, candidate)| *changes <= (word.len().max(candidate.len()) / LIKENESS_DIVISOR).max(1))
        .min_by_key(|(changes, _)| *changes)
        .map(|(_, candidate)| candidate)
}

/// The answer to a name that no agent, group or other thing (`what`) has: names those that exist, the likely ones first.
pub fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let asked = echoed(name);
    if known.is_empty() {
        return format!("Unknown {what}: '{asked}'. There are none");
    }
    if known.len() <= MAX_NAMES_LISTED {
        return format!("Unknown {what}: '{asked}'. Available: {}", known.join(", "));
    }
    let wanted = asked.to_ascii_lowercase();
    let mut ranked: Vec<_> =
        known.iter().map(|name| (osa_distance(&wanted, &name.to_ascii_lowercase()), *name)).collect();
    // A stable sort: names that are equally far keep the order of the file.
    ranked.sort_by_key(|(changes, _)| *changes);
    let listed: Vec<_> = ranked.iter().take(MAX_NAMES_LISTED).map(|(_, name)| *name).collect();
    let others = known.len() - listed.len();
    format!("Unknown {what}: '{asked}'. Available: {} and {others} more", listed.join(", "))
}

/// A caller's text as it may stand in an error: bounded, on one line.
pub fn echoed(text: &str) -> String {
    let mut short: String = text
        .chars()
        .take(MAX_ECHOED_CHARS)
        .map(|letter| if letter.is_control() { '\u{fffd}' } else { letter })
        .collect();
    if text.chars().nth(MAX_ECHOED_CHARS).is_some() {
        short.push('…');
    }
    short
}
