//! Keys by which people mean to restrict an agent, and which nothing reads: those of claude's settings, of sub-agent
//! files, of the CLI's flags, and slips of the pen. Such a key must never be passed over.
//!
//! The parameters of calls are looked up by the same spellings and meanings (`mcp/tools/misplaced.rs`). How many slips are
//! forgiven differs on purpose: here a likeness disables an agent, there and in `config/name.rs` it only is a suggestion.

use strsim::osa_distance;

use super::text;

/// What such a key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meant {
    /// The key `allowed_tools`.
    Allowed,
    /// The key `disallowed_tools`.
    Disallowed,
    /// The key `permission_mode`.
    Mode,
    /// A mapping of lists, as claude's settings have it.
    Permissions,
    /// The key `max_budget_usd`.
    Budget,
    /// The key `max_turns`.
    Turns,
}

/// How many slips of the pen a key may have, in changed characters: `alowed_tool` has two, `allowed_roots` another meaning.
const MAX_SLIPS: usize = 2;
/// Longest key that is looked at, in characters; no key of ours has a third of it.
const MAX_KEY_CHARS: usize = 60;
/// Words that take something away.
const DENY: &[&str] = &[
    "blacklist",
    "blocked",
    "blocklist",
    "denied",
    "denies",
    "deny",
    "denylist",
    "disallow",
    "disallowed",
    "disallows",
    "forbid",
    "forbidden",
];
/// Words that take tools away when they stand beside `tools`.
const WITHOUT: &[&str] = &["disable", "disabled", "exclude", "excluded", "except", "no", "not", "without"];
/// Words that grant something.
const ALLOW: &[&str] =
    &["allow", "allowed", "allowlist", "allows", "granted", "permit", "permits", "permitted", "whitelist"];
const TOOLS: &[&str] = &["tool", "tools"];
const PERMISSIONS: &[&str] = &["permission", "permissions"];
/// Words of a mode.
const MODES: &[&str] = &["bypass", "dangerously", "perm", "permission", "permissions", "perms", "readonly"];
/// Words of an amount, which is a cap when it stands beside a word of [`MOST`].
const AMOUNTS: &[&str] = &["cost", "costs", "dollars", "price", "spend", "spending", "usd"];
const TURNS: &[&str] = &["turn", "turns"];
const MOST: &[&str] = &["cap", "limit", "max", "maximum", "most"];

impl Meant {
    /// The key to write in an agent's entry.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Allowed => "allowed_tools",
            Self::Disallowed => "disallowed_tools",
            Self::Mode => "permission_mode",
            Self::Permissions => "allowed_tools, disallowed_tools or permission_mode",
            Self::Budget => "max_budget_usd",
            Self::Turns => "max_turns",
        }
    }

    /// The key to write in the settings; nothing where agents have to say it themselves.
    #[must_use]
    pub const fn default_key(self) -> Option<&'static str> {
        match self {
            Self::Allowed => Some("default_allowed_tools"),
            Self::Disallowed => Some("default_disallowed_tools"),
            Self::Mode => Some("default_permission_mode"),
            Self::Permissions => Some("default_allowed_tools, default_disallowed_tools or default_permission_mode"),
            Self::Budget => Some("default_max_budget_usd"),
            Self::Turns => None,
        }
    }
}

/// The sections of the file, each with the slips of the pen that its name may have: `events` is two from `agents`.
const SECTIONS: &[(&str, usize)] = &[("agents", 1), ("groups", 1), ("settings", MAX_SLIPS)];

/// The section of the file that the key was meant to be, if it looks like the name of one. Not for those names.
#[must_use]
pub fn section(key: &str) -> Option<&'static str> {
    if key.starts_with("x-") || key.chars().nth(MAX_KEY_CHARS).is_some() {
        return None;
    }
    let given = letters(key);
    SECTIONS.iter().find(|(known, slips)| osa_distance(&given, known) <= *slips).map(|(known, _)| *known)
}

/// What the key means, if it looks like one that restricts. Not for keys that are read.
#[must_use]
pub fn meant(key: &str) -> Option<Meant> {
    // A place to keep anchors is no key of anybody.
    if key.starts_with("x-") || key.chars().nth(MAX_KEY_CHARS).is_some() {
        return None;
    }
    let words = words(key);
    let any = |wanted: &[&str]| words.iter().any(|word| wanted.contains(&word.as_str()));
    let is = |wanted: &[&str]| words == wanted;
    let like = |known: Meant| osa_distance(&words.concat(), &letters(known.key())) <= MAX_SLIPS;
    if any(DENY) || any(TOOLS) && any(WITHOUT) || like(Meant::Disallowed) {
        return Some(Meant::Disallowed);
    }
    if any(ALLOW) || any(TOOLS) || like(Meant::Allowed) {
        return Some(Meant::Allowed);
    }
    if words.len() == 1 && any(PERMISSIONS) {
        return Some(Meant::Permissions);
    }
    if any(MODES) || is(&["mode"]) || is(&["default", "mode"]) || is(&["read", "only"]) || like(Meant::Mode) {
        return Some(Meant::Mode);
    }
    if any(&["budget", "budgets"]) || any(AMOUNTS) && any(MOST) || like(Meant::Budget) {
        return Some(Meant::Budget);
    }
    (is(&["turns"]) || any(TURNS) && any(MOST) || like(Meant::Turns)).then_some(Meant::Turns)
}

/// The words of a key, in small letters: `disallowedTools`, `disallowed-tools` and `Disallowed Tools` have the same.
fn words(key: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut small = false;
    for letter in key.chars() {
        let begins = letter.is_uppercase() && small;
        if begins || !letter.is_alphanumeric() {
            words.push(String::new());
        }
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
        small = letter.is_lowercase() || letter.is_numeric();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A name without what spellings differ in: `timeoutSeconds`, `timeout-seconds` and `timeout_seconds` are the same.
#[must_use]
pub fn letters(name: &str) -> String {
    words(name).concat()
}

/// What a permission mode was meant to be that is none; the CLI refuses it before it does anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrongMode<'a> {
    /// Another spelling, or a slip of the pen.
    #[error("is no permission mode; write `{0}`")]
    Spelling(&'a str),
    /// A switch, or the name of a flag.
    #[error("is no permission mode but a switch; write the name of a mode")]
    Switch,
}

/// Words of YAML and of people for yes and no.
const SWITCHES: &[&str] = &["false", "no", "none", "off", "on", "true", "yes"];

/// What is wrong with a mode that looks like a slip. Another one that is not known is left to the CLI, of which a newer one
/// may know it.
///
/// # Errors
/// [`WrongMode`].
pub fn check_mode<'a>(mode: &str, known: &[&'a str]) -> Result<(), WrongMode<'a>> {
    if known.contains(&mode) {
        return Ok(());
    }
    if SWITCHES.contains(&mode.to_ascii_lowercase().as_str()) || mode.contains("skip-permissions") {
        return Err(WrongMode::Switch);
    }
    let given = letters(text::first_chars(mode, MAX_KEY_CHARS));
    // Short names are near to many words.
    let slips = |known: &str| if known.len() < 5 { 1 } else { MAX_SLIPS };
    let near = |known: &&&str| osa_distance(&given, &known.to_ascii_lowercase()) <= slips(known);
    known.iter().find(near).map_or(Ok(()), |known| Err(WrongMode::Spelling(known)))
}
