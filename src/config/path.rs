//! Where the program's files are, decided from the environment alone.
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Names the config file itself.
pub const CONFIG_VARIABLE: &str = "AGENT_DISPATCH_CONFIG";
/// Names the directory of job records.
pub const JOBS_DIR_VARIABLE: &str = "AGENT_DISPATCH_JOBS_DIR";
/// Names the usage log.
pub const USAGE_LOG_VARIABLE: &str = "AGENT_DISPATCH_USAGE_LOG";

/// The variables that decide where files are. Taken as values, so that nothing below reads the process's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `AGENT_DISPATCH_CONFIG`
    pub config: Option<PathBuf>,
    /// `AGENT_DISPATCH_JOBS_DIR`
    pub jobs_dir: Option<PathBuf>,
    /// `AGENT_DISPATCH_USAGE_LOG`
    pub usage_log: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`
    pub xdg_config_home: Option<PathBuf>,
    /// `HOME`
    pub home: Option<PathBuf>,
    /// The directory that relative paths start from.
    pub current_dir: PathBuf,
}

impl Environment {
    /// Picks the variables out of a lookup. An empty variable is one that is not set.
    pub fn from_lookup(current_dir: PathBuf, lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let variable = |name: &str| lookup(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self {
            config: variable(CONFIG_VARIABLE),
            jobs_dir: variable(JOBS_DIR_VARIABLE),
            usage_log: variable(USAGE_LOG_VARIABLE),
            xdg_config_home: variable("XDG_CONFIG_HOME"),
            home: variable("HOME"),
            current_dir,
        }
    }

    /// The process's own environment.
    pub fn of_process() -> Self {
        // Without a current directory (it was removed) only absolute paths work; the root keeps them absolute.
        let current_dir = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        Self::from_lookup(current_dir, |name| std::env::var_os(name))
    }

    fn given(&self, path: &Path) -> PathBuf {
        expand_home(path, self.home.as_deref())
            .map_or_else(|_| self.current_dir.join(path), |path| self.current_dir.join(path))
    }
}

/// The config file: `$AGENT_DISPATCH_CONFIG`, else below `$XDG_CONFIG_HOME`, else below `~/.config`.
///
/// A relative `$XDG_CONFIG_HOME` is ignored, as its specification demands.
pub fn config_path(env: &Environment) -> PathBuf {
    if let Some(path) = &env.config {
        return env.given(path);
    }
    let base = match (&env.xdg_config_home, &env.home) {
        (Some(base), _) if base.is_absolute() => base.clone(),
        (_, Some(home)) => home.join(".config"),
        (_, None) => env.current_dir.join(".config"),
    };
    base.join("agent-dispatch").join("agents.yaml")
}

/// The directory of job records: `$AGENT_DISPATCH_JOBS_DIR`, else `jobs` beside the config.
pub fn jobs_dir(env: &Environment) -> PathBuf {
    env.jobs_dir.as_deref().map_or_else(|| config_path(env).with_file_name("jobs"), |path| env.given(path))
}

/// The usage log: `$AGENT_DISPATCH_USAGE_LOG`, else `usage.jsonl` beside the config.
pub fn usage_log_path(env: &Environment) -> PathBuf {
    env.usage_log.as_deref().map_or_else(|| config_path(env).with_file_name("usage.jsonl"), |path| env.given(path))
}

/// Why `~` could not be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoHome {
    /// `HOME` is not set.
    #[error("`~` cannot be expanded because HOME is not set; write the full path")]
    Unset,
    /// `~name` asks for somebody else's home.
    #[error("`~name` is not supported; write the full path")]
    OfAnother,
}

/// Replaces a leading `~` by the home directory.
///
/// # Errors
/// When there is no home, or it is another user's.
pub fn expand_home(path: &Path, home: Option<&Path>) -> Result<PathBuf, NoHome> {
    match path.strip_prefix("~") {
        Ok(rest) if rest.as_os_str().is_empty() => home.map(Path::to_path_buf).ok_or(NoHome::Unset),
        Ok(rest) => home.map(|home| home.join(rest)).ok_or(NoHome::Unset),
        Err(_) if path.as_os_str().as_encoded_bytes().starts_with(b"~") => Err(NoHome::OfAnother),
        Err(_) => Ok(path.to_path_buf()),
    }
}
