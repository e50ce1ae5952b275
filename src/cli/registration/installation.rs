//! Whether this program stays where it is.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{SERVER_NAME, own_path};
use crate::cli::subprocess;
use crate::fs::open;
use crate::machines::runner::{self, Runner};
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
