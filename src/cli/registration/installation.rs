//! Whether this program stays where it is.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use super::{SERVER_NAME, own_path, quoted};
use crate::cli::subprocess;
use crate::fs::open;
use crate::machines::runner::{self, Runner};
use crate::os::program;
use crate::shell::claude::is_executable;

/// How long a program of our name may take to tell its version. A script that starts it takes some milliseconds, one that
/// needs Node.js some hundred.
pub const VERSION_LIMIT: Duration = Duration::from_secs(5);
/// What a script begins with.
const SHEBANG: &str = "#!";

fn directories(file: &Path) -> impl Iterator<Item = &str> {
    file.iter().filter_map(|name| name.to_str())
}

/// The command in whose cache a file is.
pub fn runner_of(file: &Path) -> Option<Runner> {
    Runner::of(directories(file))
}

/// The path to register: [`own_path`], but where that one goes with the next version or with a cache, a script on PATH that
/// starts this version, as pnpm puts one there.
///
/// # Errors
/// When the file was replaced or removed while it runs.
pub fn lasting_path() -> io::Result<PathBuf> {
    let own = own_path()?;
    let goes = runner_of(&own).is_some() || runner::goes_with(env!("CARGO_PKG_VERSION"), directories(&own));
    Ok(goes.then(script_on_path).flatten().unwrap_or(own))
}

/// The first program of our name on PATH that is in no cache, where it is a script that starts this version.
pub fn script_on_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let programs = std::env::split_paths(&path).filter(|directory| directory.is_absolute());
    let mut programs = programs.map(|directory| directory.join(SERVER_NAME)).filter(|program| is_executable(program));
    programs.find(|program| runner_of(program).is_none()).filter(|program| starts_this(program))
}

/// The program that a shell starts by a name; also one of a directory that PATH names relative to this one.
pub fn first_on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|program| is_executable(program))
}

/// What our name leads to on PATH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// This very program.
    This(PathBuf),
    /// A script that starts this version, as npm, pnpm and others put one there.
    Script(PathBuf),
    /// Another program.
    Other(PathBuf),
    /// Nothing.
    Nothing,
}

/// What a shell starts by our name.
pub fn named() -> Named {
    match first_on_path(SERVER_NAME) {
        None => Named::Nothing,
        Some(found) if program::file().is_ok_and(|own| found.canonicalize().is_ok_and(|found| found == own)) => {
            Named::This(found)
        }
        Some(found) if starts_this(&found) => Named::Script(found),
        Some(found) => Named::Other(found),
    }
}

/// What the user types to start this program, for a shell: our name where that leads here, else how a cache runs it, else the
/// full path.
pub fn typed() -> &'static str {
    static TYPED: LazyLock<String> = LazyLock::new(|| {
        let Ok(own) = own_path() else { return SERVER_NAME.to_owned() };
        if let Some(runner) = runner_of(&own) {
            return format!("{} {SERVER_NAME}", runner.name);
        }
        match named() {
            Named::This(found) | Named::Script(found) if found.is_absolute() => SERVER_NAME.to_owned(),
            _ => quoted(&own.to_string_lossy()),
        }
    });
    &TYPED
}

/// Whether this program is in no directory of PATH, and no script there starts it.
pub fn is_off_path(own: &Path) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = std::env::split_paths(&path).any(|directory| Some(directory.as_path()) == own.parent());
    !is_there && script_on_path().is_none()
}

/// Whether it is a script that starts this version.
pub fn starts_this(program: &Path) -> bool {
    let is_script = open::read_start(program, SHEBANG.len()).is_some_and(|(start, _)| start == SHEBANG);
    let mut command = Command::new(program);
    command.arg("--version");
    is_script
        && subprocess::run(command, VERSION_LIMIT)
            .is_ok_and(|done| done.status.success() && is_this_version(done.stdout.trim()))
}

/// Whether this is what our `--version` prints.
pub fn is_this_version(printed: &str) -> bool {
    printed == format!("{SERVER_NAME} {}", env!("CARGO_PKG_VERSION"))
}
