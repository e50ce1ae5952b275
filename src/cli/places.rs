//! Which files are read, by whom, and why those.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::output;
use super::registration::{self, Entry};
use crate::config::path::{self, Environment, Origin, PlaceError, config_path, jobs_dir, usage_log_path};
use crate::shell::environment::CLAUDE;

/// The variables that decide which files and which CLI are used.
const DECIDE: [&str; 5] =
    [path::CONFIG_VARIABLE, path::JOBS_DIR_VARIABLE, path::USAGE_LOG_VARIABLE, CLAUDE, path::XDG_VARIABLE];
/// A file of ours: what it holds, where it is, and whether a variable of its own says so.
type File = (&'static str, fn(&Environment) -> PathBuf, fn(&Environment) -> bool);
/// The files that are compared. All but the first lie beside it, unless they are named.
const FILES: [File; 3] = [
    ("agents", config_path, |_| true),
    ("job records", jobs_dir, |environment| environment.jobs_dir.is_some()),
    ("usage journal", usage_log_path, |environment| environment.usage_log.is_some()),
];

/// The config file, and why it is that one where a variable passes another one over.
#[must_use]
pub fn told(environment: &Environment) -> String {
    let file = config_path(environment);
    match &environment.origin {
        Origin::Old { instead_of } => {
            format!("{} (XDG_CONFIG_HOME is set, but there is nothing in {})", file.display(), instead_of.display())
        }
        Origin::Home | Origin::Xdg { .. } => file.display().to_string(),
    }
}

/// Says where the agents of the registered server are, where that is another file. Who is not registered, or whose
/// registration cannot be read, is told so elsewhere.
pub fn warn(environment: &Environment) {
    let entry = registration::file(environment).and_then(|file| registration::entry(&file).ok().flatten());
    let differences = entry.map(|entry| differences(environment, &entry)).unwrap_or_default();
    if let Some(difference) = differences.first().filter(|difference| difference.of_agents) {
        output::warning(&difference.what);
        output::hint(&difference.remedy);
    }
}

/// What is said of two files where one was meant, with the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which file this program uses, and which one the server.
    pub what: String,
    /// How to make them the same.
    pub remedy: String,
    /// Whether it is about agents.yaml.
    of_agents: bool,
}

/// How the files of a server that Claude Code starts differ from those of this process: by what its registration sets, or
/// by what is set here and not there.
#[must_use]
pub fn differences(environment: &Environment, entry: &Entry) -> Vec<Difference> {
    let here = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let registered = |name: &str| entry.environment.get(name).map(OsString::from);
    let with = of_server(environment, &|name| registered(name).or_else(|| here(name)));
    let without =
        of_server(environment, &|name| registered(name).or_else(|| here(name).filter(|_| !DECIDE.contains(&name))));
    let remedy = || {
        let mut entry = entry.clone();
        entry.environment.retain(|name, _| !DECIDE.contains(&name.as_str()));
        entry.environment.extend(set_here(environment));
        let again = registration::by_hand_again(&entry);
        format!("to make them the same: claude mcp remove {} --scope user && {again}", registration::SERVER_NAME)
    };
    let mut found: Vec<Difference> = Vec::new();
    for (index, (what, file, is_named)) in FILES.into_iter().enumerate() {
        let named = [Some(environment), with.as_ref().ok(), without.as_ref().ok()];
        if !found.is_empty() && !named.into_iter().flatten().any(is_named) {
            continue;
        }
        let ours = file(environment);
        let what = match (&with, &without) {
            (Err(error), _) => format!("the registered server has no place for its files: {error}"),
            (Ok(with), _) if !same(&file(with), &ours) => format!(
                "{what}: here {}, but the registered server uses {} (the env of its registration)",
                ours.display(),
                file(with).display()
            ),
            (_, Ok(without)) if !same(&file(without), &ours) => format!(
                "{what}: here {}, but a server whose Claude Code was started without this shell's variables uses {}",
                ours.display(),
                file(without).display()
            ),
            (Ok(_), _) => continue,
        };
        found.push(Difference { what, remedy: remedy(), of_agents: index == 0 });
        if with.is_err() {
            break;
        }
    }
    found
}

/// Whether two paths lead to the same file, which need not be there.
#[must_use]
pub fn same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| {
        let directory = path.parent().and_then(|directory| directory.canonicalize().ok());
        directory.map_or_else(|| path.to_path_buf(), |directory| directory.join(path.file_name().unwrap_or_default()))
    };
    one == other || real(one) == real(other)
}

/// The places of a process with these variables, which starts where this one is.
///
/// # Errors
/// [`PlaceError`].
pub fn of_server(
    environment: &Environment,
    lookup: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Environment, PlaceError> {
    Environment::from_lookup(environment.current_dir.clone(), lookup, std::env::home_dir)
}

/// The variables that are set here, with full paths.
fn set_here(environment: &Environment) -> BTreeMap<String, String> {
    let lookup = |name: &str| std::env::var_os(name);
    let mut set: BTreeMap<String, String> = DECIDE
        .into_iter()
        .filter_map(|name| {
            let value = path::named(name, environment.home.as_deref(), &lookup).ok().flatten()?;
            // Nobody reads a relative one.
            if name == path::XDG_VARIABLE && value.is_relative() {
                return None;
            }
            let is_name = name == CLAUDE && value.components().count() == 1;
            let full = if is_name { value } else { environment.current_dir.join(value) };
            Some((name.to_owned(), full.into_os_string().into_string().ok()?))
        })
        .collect();
    if set.contains_key(path::CONFIG_VARIABLE) {
        set.remove(path::XDG_VARIABLE);
    }
    set
}
