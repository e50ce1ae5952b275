//! The settings files of claude that count for a run in a directory, in its order (seen with CLI 2.1.332): what an
//! organisation laid down, the local file of the repository's main checkout (it counts in every linked worktree and every
//! folder below), the directory's local and shared ones, the user's. May hang with the file system; whoever calls bounds the
//! time.
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::repository::main_checkout;
use crate::fs::open::read_whole;
use crate::machines::mode::ModeSource;
use crate::machines::verdict::SettingsFile;
use crate::os::file::managed_settings;

/// Largest settings file that is read, in bytes. Real ones have some KB.
const MAX_BYTES: usize = 256 * 1024;

/// The directories that settings are read from beside a project's own.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// What an organisation laid down on this machine.
    pub managed: &'a Path,
    /// The user's configuration of claude; `None` without a home.
    pub user: Option<&'a Path>,
}

impl<'a> Places<'a> {
    /// Those of this machine.
    #[must_use]
    pub fn of_machine(user: Option<&'a Path>) -> Self {
        Self { managed: managed_settings(), user }
    }

    /// The settings files that are there, those that go first first.
    #[must_use]
    pub fn files(self, directory: &Path) -> Vec<(ModeSource, SettingsFile)> {
        let read = |(source, path): (ModeSource, PathBuf)| {
            let text = read_whole(&path, MAX_BYTES)?;
            Some((source, SettingsFile { path: path.to_string_lossy().into_owned(), text }))
        };
        self.ranked(directory).into_iter().filter_map(read).collect()
    }

    /// The permission mode that the settings say, of the file with the highest rank that says one.
    #[must_use]
    pub fn mode(self, directory: &Path) -> Option<(ModeSource, String)> {
        self.files(directory).into_iter().find_map(|(source, file)| Some((source, said(&file.text)?)))
    }

    fn ranked(self, directory: &Path) -> Vec<(ModeSource, PathBuf)> {
        let own = |name: &str| directory.join(".claude").join(name);
        let managed =
            managed_files(self.managed).into_iter().chain(self.user.map(|at| at.join("remote-settings.json")));
        let mut project = vec![own("settings.local.json"), own("settings.json")];
        let main = main_checkout(directory).map(|root| root.join(".claude/settings.local.json"));
        if let Some(main) = main.filter(|main| !project.contains(main)) {
            project.insert(0, main);
        }
        let user = self.user.into_iter().map(|at| (ModeSource::User, at.join("settings.json")));
        let managed = managed.map(|path| (ModeSource::Managed, path));
        managed.chain(project.into_iter().map(|path| (ModeSource::Project, path))).chain(user).collect()
    }
}

/// Where the user's own configuration of claude is; `None` without a home.
#[must_use]
pub fn user_directory() -> Option<PathBuf> {
    named_directory().or_else(|| Some(directory_in("HOME")?.join(".claude")))
}

/// The directory that the user chose for claude's configuration.
#[must_use]
pub fn named_directory() -> Option<PathBuf> {
    directory_in("CLAUDE_CONFIG_DIR")
}

fn directory_in(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn managed_files(directory: &Path) -> Vec<PathBuf> {
    let parts = fs::read_dir(directory.join("managed-settings.d")).into_iter().flatten().flatten();
    let mut files = parts.map(|entry| entry.path()).collect::<Vec<_>>();
    // The last of them counts.
    files.sort_unstable_by(|a, b| b.cmp(a));
    files.push(directory.join("managed-settings.json"));
    files
}

/// The mode that one file says. One that cannot be read as JSON says nothing to the CLI either.
fn said(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Settings {
        permissions: Option<Permissions>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Permissions {
        default_mode: Option<String>,
    }
    let settings = serde_json::from_str::<Settings>(text.trim_start_matches('\u{feff}')).ok()?;
    settings.permissions?.default_mode
}
