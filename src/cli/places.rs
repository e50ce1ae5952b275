//! Which files are read, by whom, and why those.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::output;
use super::registration::scopes::{self, Registration};
use super::registration::server_environment::{EnvironmentSetting, ServerEnvironment};
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
    let Ok(found) = scopes::find(environment) else { return };
    let Some(registration) = found.counting() else { return };
    let differences = differences(environment, registration, &found.settings);
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

/// How the files of a server that Claude Code starts here differ from those of this process: by what its registration or
/// Claude Code's settings set, or by what is set here and not there.
pub fn differences(
    environment: &Environment,
    registration: &Registration,
    settings: &[EnvironmentSetting],
) -> Vec<Difference> {
    let shell = |name: &str| std::env::var_os(name);
    let another_shell = |name: &str| shell(name).filter(|_| !DECIDE.contains(&name));
    let server = |inherited: &dyn Fn(&str) -> Option<OsString>, settings: &[EnvironmentSetting]| {
        let entry = &registration.entry;
        let server = ServerEnvironment { entry, settings, directory: &environment.current_dir, inherited };
        of_server(environment, &|name| server.variable(name))
    };
    let (with, without) = (server(&shell, settings), server(&another_shell, settings));
    let unset = server(&shell, &[]);
    let mut found: Vec<Difference> = Vec::new();
    for (index, (what, file, is_named)) in FILES.into_iter().enumerate() {
        let named = [Some(environment), with.as_ref().ok(), without.as_ref().ok()];
        if !found.is_empty() && !named.into_iter().flatten().any(is_named) {
            continue;
        }
        let ours = file(environment);
        let by_settings = unset.as_ref().is_ok_and(|unset| same(&file(unset), &ours));
        let by_settings = by_settings.then(|| deciding(settings)).flatten();
        let mut remedy = made_same(environment, registration);
        let what = match (&with, &without) {
            (Err(error), _) => {
                format!("the registered server ({}) has no place for its files: {error}", registration.place())
            }
            (Ok(with), _) if !same(&file(with), &ours) => {
                let mut cause = format!("the env of its registration in {}", registration.place());
                if let Some((file, names)) = by_settings {
                    cause = format!("`env` in {}", file.display());
                    remedy =
                        format!("to make them the same: set {names} here too, or take it out of {}", file.display());
                }
                let (ours, theirs) = (ours.display(), file(with));
                format!("{what}: here {ours}, but the registered server uses {} ({cause})", theirs.display())
            }
            (_, Ok(without)) if !same(&file(without), &ours) => format!(
                "{what}: here {}, but a server whose Claude Code was started without this shell's variables uses {}",
                ours.display(),
                file(without).display()
            ),
            (Ok(_), _) => continue,
        };
        found.push(Difference { what, remedy, of_agents: index == 0 });
        if with.is_err() {
            break;
        }
    }
    found
}

/// The command by which the server reads what this process reads.
fn made_same(environment: &Environment, registration: &Registration) -> String {
    let mut entry = registration.entry.clone();
    entry.environment.retain(|name, _| !DECIDE.contains(&name.as_str()));
    entry.environment.extend(set_here(environment));
    format!("to make them the same: {}", registration.replacement(&entry))
}

/// The settings file that sets a variable which decides, and the names of those.
fn deciding(settings: &[EnvironmentSetting]) -> Option<(&Path, String)> {
    settings.iter().find_map(|(file, set)| {
        let names = DECIDE.into_iter().filter(|name| set.contains_key(*name)).collect::<Vec<_>>().join(", ");
        (!names.is_empty()).then_some((file.as_path(), names))
    })
}

/// Whether two paths lead to the same file, which need not be there.
pub fn same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| {
        let directory = path.parent().and_then(|directory| directory.canonicalize().ok());
        directory.map_or_else(|| path.to_path_buf(), |directory| directory.join(path.file_name().unwrap_or_default()))
    };
    one == other || real(one) == real(other)
}

/// The places of a process with these variables, which starts where this one is.
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
