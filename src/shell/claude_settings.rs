//! What the CLI's own settings say of the permission mode of a directory.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::config::repository::main_checkout;
use crate::machines::mode::Source;

/// Longest settings file that is read, in bytes. Real ones have some KB.
const MAX_BYTES: u64 = 1024 * 1024;
/// Where an organisation's settings are.
const MANAGED: &str =
    if cfg!(target_vendor = "apple") { "/Library/Application Support/ClaudeCode" } else { "/etc/claude-code" };

/// The mode that the settings say which hold for this directory, of the file with the highest rank that says one. The order
/// is that of the CLI (2.1.332): managed, the main checkout's local file (in its worktrees and in all folders below it as
/// well), the directory's local and shared ones, the user's.
#[must_use]
pub fn mode(directory: &Path) -> Option<(Source, String)> {
    mode_in(directory, Path::new(MANAGED), user_directory().as_deref())
}

/// As [`mode`], with the directories of the organisation's and the user's settings given.
#[must_use]
pub fn mode_in(directory: &Path, managed: &Path, user: Option<&Path>) -> Option<(Source, String)> {
    let own = |name: &str| directory.join(".claude").join(name);
    let managed = managed_files(managed).into_iter().chain(user.map(|at| at.join("remote-settings.json")));
    let managed = managed.map(|path| (Source::Managed, path));
    let main = main_checkout(directory).map(|root| root.join(".claude/settings.local.json"));
    let project = main.into_iter().chain([own("settings.local.json"), own("settings.json")]);
    let project = project.map(|path| (Source::Project, path));
    let user = user.into_iter().map(|at| (Source::User, at.join("settings.json")));
    managed.chain(project).chain(user).find_map(|(source, path)| Some((source, said(&path)?)))
}

/// Where the user's own settings are; `None` without a home.
fn user_directory() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("CLAUDE_CONFIG_DIR").or_else(|| set("HOME").map(|home| home.join(".claude")))
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
fn said(path: &Path) -> Option<String> {
    #[derive(Deserialize)]
    struct Settings {
        permissions: Option<Permissions>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Permissions {
        default_mode: Option<String>,
    }
    let text = text(path)?;
    let settings = serde_json::from_str::<Settings>(text.trim_start_matches('\u{feff}')).ok()?;
    settings.permissions?.default_mode
}

/// The text of a plain file. A pipe would keep whoever opens it.
fn text(path: &Path) -> Option<String> {
    fs::metadata(path).ok().filter(|file| file.is_file() && file.len() <= MAX_BYTES)?;
    let mut text = String::new();
    File::open(path).ok()?.take(MAX_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}
