//! Where the claude CLI may be when PATH does not have it: a server that a desktop program starts has a short PATH.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{NAME, Search, is_executable};
use crate::config::expand::expand;

/// The program of the Claude Code session that started us (2.1.197 and later).
const CALLER_VARIABLE: &str = "CLAUDE_CODE_EXECPATH";
/// What runs a Claude Code that is a script: then the CLI lies beside it.
const RUNTIMES: [&str; 3] = ["node", "bun", "deno"];
/// Directories below the home: native installer, `claude migrate-installer`, the npm prefix of Claude Code's own advice, and
/// other package managers.
const BELOW_HOME: [&str; 8] = [
    ".local/bin",
    ".claude/local",
    ".claude/local/node_modules/.bin",
    ".npm-global/bin",
    ".bun/bin",
    ".volta/bin",
    ".local/share/pnpm",
    "Library/pnpm",
];
/// Directories that hold programs: of the package managers that name them so.
const DIRECTORY_VARIABLES: [&str; 2] = ["NVM_BIN", "PNPM_HOME"];
/// The prefix of npm, below which its programs are in `bin`.
const PREFIX_VARIABLES: [&str; 2] = ["NPM_CONFIG_PREFIX", "npm_config_prefix"];
/// npm's settings of the user.
const NPMRC: &str = ".npmrc";
/// Directories for all users, below the system's root.
const OF_SYSTEM: [&str; 2] = ["opt/homebrew/bin", "usr/local/bin"];

/// The system's root.
#[cfg(not(feature = "faults"))]
pub fn system_root() -> PathBuf {
    PathBuf::from("/")
}

/// The system's root, or what a test has in its place: the directory that `AGENT_DISPATCH_SYSTEM_ROOT` names.
#[cfg(feature = "faults")]
pub fn system_root() -> PathBuf {
    std::env::var_os("AGENT_DISPATCH_SYSTEM_ROOT").map_or_else(|| PathBuf::from("/"), PathBuf::from)
}

/// The Claude Code that started this process.
pub(super) fn of_caller(search: &Search<'_>) -> Option<PathBuf> {
    let program = PathBuf::from((search.lookup)(CALLER_VARIABLE)?);
    if !program.is_absolute() {
        return None;
    }
    let is_runtime = program.file_name().is_some_and(|name| RUNTIMES.iter().any(|runtime| name == *runtime));
    let beside = program.with_file_name(NAME);
    let candidates = if is_runtime { [None, Some(beside)] } else { [Some(program), Some(beside)] };
    candidates.into_iter().flatten().find(|file| is_executable(file))
}

/// The first one where an installer puts it.
pub(super) fn installed(search: &Search<'_>) -> Option<PathBuf> {
    let home = search.home.as_deref();
    let variable = |name: &str| (search.lookup)(name).map(PathBuf::from);
    let below_home = home.into_iter().flat_map(|home| BELOW_HOME.iter().map(move |place| home.join(place)));
    let named = DIRECTORY_VARIABLES.iter().filter_map(|name| variable(name));
    let prefixes = PREFIX_VARIABLES.iter().filter_map(|name| variable(name));
    let prefixes = prefixes.chain(npm_prefix(search)).map(|prefix| prefix.join("bin"));
    let of_nvm = nvm(search).into_iter();
    let of_system = OF_SYSTEM.iter().map(|place| search.system_root.join(place));
    below_home
        .chain(named)
        .chain(prefixes)
        .chain(of_nvm)
        .chain(of_system)
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(NAME))
        .find(|file| is_executable(file))
}

/// The prefix that the user's settings of npm name.
fn npm_prefix(search: &Search<'_>) -> Option<PathBuf> {
    let text = std::fs::read_to_string(search.home.as_ref()?.join(NPMRC)).ok()?;
    let value = text.lines().filter_map(|line| line.split_once('=')).rfind(|(key, _)| key.trim() == "prefix")?.1;
    expand(OsStr::new(value.trim().trim_matches('"')), search.home.as_deref(), search.lookup).ok()
}

/// The directories of all Node.js that nvm has, the newest first.
fn nvm(search: &Search<'_>) -> Vec<PathBuf> {
    let directory = (search.lookup)("NVM_DIR").map(PathBuf::from);
    let directory = directory.or_else(|| Some(search.home.as_ref()?.join(".nvm"))).unwrap_or_default();
    let versions = std::fs::read_dir(directory.join("versions/node")).into_iter().flatten().flatten();
    let mut versions = versions.map(|entry| entry.path()).collect::<Vec<_>>();
    versions.sort_by_key(|path| std::cmp::Reverse(version(path)));
    versions.into_iter().map(|path| path.join("bin")).collect()
}

/// `v22.1.0` as numbers.
fn version(path: &Path) -> Vec<u32> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.trim_start_matches('v').split('.').filter_map(|part| part.parse().ok()).collect()
}
