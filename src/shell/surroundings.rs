//! What a project brings into a run beside the agent's own settings.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::{claude_settings, mcp_file};
use crate::machines::verdict::SettingsFile;

/// How long the look may take: some files of a project that claude has just worked in.
pub const PATIENCE: Duration = Duration::from_millis(500);

/// What was found.
#[derive(Debug, Default)]
pub struct Surroundings {
    /// What is wrong with its `.mcp.json`.
    pub mcp_config_error: Option<String>,
    /// The settings of claude that count in it, where they were read.
    pub settings: Option<Vec<SettingsFile>>,
}

/// Whether there is a `.mcp.json` to look at.
#[must_use]
pub fn has_mcp_file(directory: &Path) -> bool {
    directory.join(mcp_file::FILE).exists()
}

/// Looks at a project; at settings only where they matter. May hang with the file system.
#[must_use]
pub fn look(directory: &Path, with_settings: bool) -> Surroundings {
    let user = || {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        variable("CLAUDE_CONFIG_DIR").or_else(|| Some(variable("HOME")?.join(".claude")))
    };
    Surroundings {
        mcp_config_error: mcp_file::error(directory),
        settings: with_settings.then(|| claude_settings::files(directory, user().as_deref())),
    }
}
