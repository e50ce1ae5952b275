//! What a project brings into a run beside the agent's own settings.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::claude_settings::{self, Places};
use crate::config::{mcp_file, threads};
use crate::machines::mcp_servers::ConfigFile;
use crate::machines::plan::RunPlan;
use crate::machines::verdict::SettingsFile;

/// How long the look may take: some files of a project that claude has just worked in.
pub const PATIENCE: Duration = Duration::from_millis(500);

/// What a look at the directory found.
#[derive(Debug, Default)]
pub struct DirectoryFacts {
    /// What is wrong with its `.mcp.json`.
    pub mcp_config_error: Option<String>,
    /// The settings of claude that count in it, where they were read.
    pub settings: Option<Vec<SettingsFile>>,
}

/// The project's `.mcp.json` as it is. May hang with the file system.
#[must_use]
pub fn mcp_file(directory: &Path) -> ConfigFile {
    mcp_file::stamp(directory).map_or(ConfigFile::Missing, ConfigFile::There)
}

/// The same of a run that somebody else started: its directory may not answer by now, and that may cost the run nothing but
/// [`PATIENCE`].
#[must_use]
pub fn mcp_file_of(plan: &RunPlan) -> ConfigFile {
    let directory = plan.known_directory().map(PathBuf::from);
    let looked = threads::each(directory.into_iter().collect(), PATIENCE, mcp_file);
    looked.into_iter().flatten().next().unwrap_or_default()
}

/// Looks at a project; at settings only where they matter. May hang with the file system.
#[must_use]
pub fn look(directory: &Path, with_settings: bool) -> DirectoryFacts {
    let settings = || {
        let user = claude_settings::user_directory();
        let files = Places::of_machine(user.as_deref()).files(directory);
        files.into_iter().map(|(_, file)| file).collect()
    };
    DirectoryFacts { mcp_config_error: mcp_file::error(directory), settings: with_settings.then(settings) }
}
