//! Puts the real Claude Code CLI below the cargo target directory, once for all tests and all test processes.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use agent_dispatch::machines::cli_version::{self, Version};

use crate::support::MIDDLE;

/// The npm package that carries the CLI.
const PACKAGE: &str = "@anthropic-ai/claude-code";

/// Which version to use: `oldest`, `middle` or `newest` of the tested span, or any version by its number, to see what a
/// new release changed before the span is widened. The newest one where nothing is said. Never left to npm, which picks an
/// older release for a Node.js that the newest one does not name.
pub const VERSION_ENV: &str = "AGENT_DISPATCH_REAL_CLAUDE_VERSION";

/// The version this run uses.
///
/// # Panics
/// When the variable names none.
pub fn version() -> Version {
    match std::env::var(VERSION_ENV).as_deref() {
        Err(_) | Ok("newest") => cli_version::NEWEST,
        Ok("middle") => MIDDLE,
        Ok("oldest") => cli_version::OLDEST,
        Ok(other) => Version::parse(other).unwrap_or_else(|| panic!("{VERSION_ENV}={other} is no version")),
    }
}

/// The installed executable. The first caller installs it; everyone else, in this process or another, waits and reuses.
pub fn claude() -> &'static Path {
    static CLAUDE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match CLAUDE.get_or_init(|| install(&version().to_string())) {
        Ok(path) => path,
        Err(why) => panic!("the real Claude Code CLI could not be installed: {why}"),
    }
}

fn install(version: &str) -> Result<PathBuf, String> {
    // Cargo's scratch directory for integration tests is `<target>/tmp`.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().ok_or("the target directory has no parent")?;
    let root = target.join("real-claude");
    let said = |what: &str, error: std::io::Error| format!("{what} {}: {error}", root.display());
    fs::create_dir_all(&root).map_err(|error| said("cannot create", error))?;
    let lock = File::create(root.join(format!("{version}.lock"))).map_err(|error| said("cannot lock", error))?;
    lock.lock().map_err(|error| said("cannot lock", error))?;

    let home = root.join(version);
    if !home.exists() {
        let partial = root.join(format!("{version}.partial"));
        if partial.exists() {
            fs::remove_dir_all(&partial).map_err(|error| said("cannot clear a half-done install below", error))?;
        }
        fs::create_dir_all(&partial).map_err(|error| said("cannot create", error))?;
        npm_install(&partial, version)?;
        check_version(&executable(&partial)?, version)?;
        fs::rename(&partial, &home).map_err(|error| said("cannot finish the install below", error))?;
    }
    executable(&home)
}

/// Install scripts stay off: the package for the platform already carries a ready executable, and npm differs between
/// versions in whether it would run them.
fn npm_install(prefix: &Path, version: &str) -> Result<(), String> {
    let output = Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-save", "--prefix"])
        .arg(prefix)
        .arg(format!("{PACKAGE}@{version}"))
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("`npm` did not start ({error}): install Node.js with npm and put both on PATH"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "`npm install {PACKAGE}@{version}` ended with {}: {} (it needs Node.js, npm and its registry)",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    ))
}

/// The native executable inside the platform package (`…-linux-x64/claude`, `…-darwin-arm64/claude`, …).
fn executable(prefix: &Path) -> Result<PathBuf, String> {
    let scope = prefix.join("node_modules/@anthropic-ai");
    let entries = fs::read_dir(&scope).map_err(|error| format!("cannot read {}: {error}", scope.display()))?;
    entries
        .flatten()
        .map(|entry| entry.path().join("claude"))
        .find(|path| path.is_file())
        .ok_or_else(|| format!("no executable below {}: npm skipped the package for this platform", scope.display()))
}

fn check_version(claude: &Path, version: &str) -> Result<(), String> {
    let output = Command::new(claude)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{} does not start: {error}", claude.display()))?;
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && said.starts_with(version) {
        return Ok(());
    }
    Err(format!("{} --version said `{}`, expected {version}", claude.display(), said.trim()))
}
