//! Where the program's files are, decided from the environment alone.
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::expand::{ExpandError, expand};

/// The variable that names the config file itself.
pub const CONFIG_VARIABLE: &str = "AGENT_DISPATCH_CONFIG";
/// The variable that names the directory of job records.
pub const JOBS_DIR_VARIABLE: &str = "AGENT_DISPATCH_JOBS_DIR";
/// The variable that names the usage log.
pub const USAGE_LOG_VARIABLE: &str = "AGENT_DISPATCH_USAGE_LOG";
/// The variable that names the directory of a user's configurations, by the XDG Base Directory Specification.
pub const XDG_VARIABLE: &str = "XDG_CONFIG_HOME";
/// The variables that name files of ours.
pub const VARIABLES: [&str; 3] = [CONFIG_VARIABLE, JOBS_DIR_VARIABLE, USAGE_LOG_VARIABLE];
/// The name of our directory among the configurations of a user.
pub const DIRECTORY: &str = "agent-dispatch";
/// The name of the config file in [`DIRECTORY`].
const CONFIG_FILE: &str = "agents.yaml";
/// The name of the directory of job records beside the config.
pub const JOBS: &str = "jobs";
/// The name of the usage log beside the config.
const USAGE_LOG: &str = "usage.jsonl";

/// The variables that decide where files are, read and expanded: all paths in it are absolute. Taken as values, so that
/// nothing below reads the process's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `AGENT_DISPATCH_CONFIG`
    pub config: Option<PathBuf>,
    /// `AGENT_DISPATCH_JOBS_DIR`
    pub jobs_dir: Option<PathBuf>,
    /// `AGENT_DISPATCH_USAGE_LOG`
    pub usage_log: Option<PathBuf>,
    /// Our directory, where no variable names the config.
    pub directory: PathBuf,
    /// Why `directory` is that one.
    pub origin: Origin,
    /// `HOME`, else the home of the password entry.
    pub home: Option<PathBuf>,
    /// The directory that relative paths start from.
    pub current_dir: PathBuf,
}

/// Which of the two places of a user's configuration counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Origin {
    /// `~/.config`: `XDG_CONFIG_HOME` is not set, or leads there.
    #[default]
    Home,
    /// `XDG_CONFIG_HOME`. What there is in `~/.config/agent-dispatch`, if anything, is not read.
    Xdg {
        /// `~/.config/agent-dispatch`, where it holds files of ours.
        unread: Option<PathBuf>,
    },
    /// `~/.config`, where the older implementation keeps everything, because `XDG_CONFIG_HOME` has nothing of ours.
    Old {
        /// Our directory below `XDG_CONFIG_HOME`.
        instead_of: PathBuf,
    },
}

/// Why it cannot be told where a file is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// The value of a variable cannot be expanded.
    #[error("{variable} is {value:?}, but {reason}")]
    Variable {
        /// The name of the variable.
        variable: &'static str,
        /// As it is set.
        value: String,
        /// What is wrong with it.
        reason: ExpandError,
    },
    /// No home, and nothing else says where the config is.
    #[error("HOME is not set and this user has no home directory, so there is no place for agents.yaml")]
    NoHome,
    /// A home that depends on the working directory.
    #[error("HOME is {0:?}, which is not an absolute path, so there is no place for agents.yaml")]
    RelativeHome(PathBuf),
}

impl PlaceError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Variable { variable, reason: ExpandError::Unset(name), .. } => {
                format!("set {name} where agent-dispatch is started, or write the full path into {variable}")
            }
            Self::Variable { variable, .. } => format!("write the full path into {variable}"),
            Self::NoHome | Self::RelativeHome(_) => {
                format!("set HOME to the home directory, or {CONFIG_VARIABLE} to the full path of agents.yaml")
            }
        }
    }
}

impl Environment {
    /// Picks the variables out of a lookup. An empty variable is one that is not set. `account_home` is the home of the
    /// password entry, asked for only without `HOME`.
    ///
    /// # Errors
    /// [`PlaceError`]. The working directory never stands in for a home: whose project that is decides nothing here.
    pub fn from_lookup(
        current_dir: PathBuf,
        lookup: &dyn Fn(&str) -> Option<OsString>,
        account_home: impl FnOnce() -> Option<PathBuf>,
    ) -> Result<Self, PlaceError> {
        let set = |name: &str| lookup(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let told = set("HOME").or_else(account_home);
        let home = told.clone().filter(|home| home.is_absolute());
        let named = |name| Ok(named(name, home.as_deref(), lookup)?.map(|path| current_dir.join(path)));
        let (config, jobs_dir, usage_log) =
            (named(CONFIG_VARIABLE)?, named(JOBS_DIR_VARIABLE)?, named(USAGE_LOG_VARIABLE)?);
        let xdg = set(XDG_VARIABLE).filter(|base| base.is_absolute()).map(|base| base.join(DIRECTORY));
        let old = home.as_ref().map(|home| home.join(".config").join(DIRECTORY));
        let (directory, origin) = match (&config, xdg, old) {
            (Some(config), ..) => (config.parent().unwrap_or(&current_dir).to_path_buf(), Origin::Home),
            (None, Some(xdg), Some(old)) => choose(xdg, old),
            (None, Some(xdg), None) => (xdg, Origin::Xdg { unread: None }),
            (None, None, Some(old)) => (old, Origin::Home),
            (None, None, None) => return Err(told.map_or(PlaceError::NoHome, PlaceError::RelativeHome)),
        };
        Ok(Self { config, jobs_dir, usage_log, directory, origin, home, current_dir })
    }

    /// The process's own environment.
    pub fn of_process() -> Result<Self, PlaceError> {
        Self::from_lookup(working_directory(), &|name| std::env::var_os(name), std::env::home_dir)
    }
}

/// The directory that relative paths start from.
#[must_use]
pub fn working_directory() -> PathBuf {
    // Without a current directory (it was removed) only absolute paths work; the root keeps them absolute.
    std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"))
}

/// The path that a variable names, expanded but not yet absolute; `None` where the variable is not set.
pub fn named(
    variable: &'static str,
    home: Option<&Path>,
    lookup: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Option<PathBuf>, PlaceError> {
    let Some(value) = lookup(variable).filter(|value| !value.is_empty()) else { return Ok(None) };
    let expanded = expand(&value, home, lookup);
    expanded.map(Some).map_err(|reason| PlaceError::Variable {
        variable,
        value: value.to_string_lossy().into_owned(),
        reason,
    })
}

/// One place for agents, jobs and usage alike: the one that has agents; where neither has, the one that has anything.
fn choose(xdg: PathBuf, old: PathBuf) -> (PathBuf, Origin) {
    if xdg == old {
        return (old, Origin::Home);
    }
    let has = |directory: &Path, names: &[&str]| names.iter().any(|name| directory.join(name).exists());
    let anything = [CONFIG_FILE, JOBS, USAGE_LOG];
    let counts = |names: &[&str]| !has(&xdg, names) && has(&old, names);
    if counts(&[CONFIG_FILE]) || (!has(&xdg, &[CONFIG_FILE]) && counts(&anything)) {
        (old, Origin::Old { instead_of: xdg })
    } else {
        let unread = Some(old).filter(|old| has(old, &anything));
        (xdg, Origin::Xdg { unread })
    }
}

/// The config file: `$AGENT_DISPATCH_CONFIG`, else below `$XDG_CONFIG_HOME`, else below `~/.config`. What is below
/// `~/.config` also counts where `$XDG_CONFIG_HOME` has nothing.
///
/// A relative `$XDG_CONFIG_HOME` is ignored, as its specification demands.
pub fn config_path(env: &Environment) -> PathBuf {
    env.config.clone().unwrap_or_else(|| env.directory.join(CONFIG_FILE))
}

/// The directory of job records: `$AGENT_DISPATCH_JOBS_DIR`, else `jobs` beside the config.
pub fn jobs_dir(env: &Environment) -> PathBuf {
    env.jobs_dir.clone().unwrap_or_else(|| config_path(env).with_file_name(JOBS))
}

/// The usage log: `$AGENT_DISPATCH_USAGE_LOG`, else `usage.jsonl` beside the config.
pub fn usage_log_path(env: &Environment) -> PathBuf {
    env.usage_log.clone().unwrap_or_else(|| config_path(env).with_file_name(USAGE_LOG))
}
