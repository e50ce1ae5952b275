//! What this program is, and what it was built from.

use clap::{Arg, ArgAction, Command};

/// After clap's own `--help`, which has 999.
const AFTER_HELP: usize = 1000;

/// `--version` and, only beside it, `--verbose`.
pub fn options(command: Command) -> Command {
    let version = Arg::new("version").short('V').long("version").action(ArgAction::Version).display_order(AFTER_HELP);
    let verbose = Arg::new("verbose").long("verbose").action(ArgAction::SetTrue).requires("version").hide(true);
    command
        .disable_version_flag(true)
        .arg(version.help("Print version; with --verbose also target, commit and profile"))
        .arg(verbose.help("With --version: also target, commit and profile"))
}

/// The line of `--version`, then a line for each thing that the program was built from.
pub fn verbose() -> String {
    let name_and_version = concat!("agent-dispatch ", env!("CARGO_PKG_VERSION"));
    let (target, commit, profile) = (env!("BUILD_TARGET"), env!("BUILD_COMMIT"), env!("BUILD_PROFILE"));
    format!("{name_and_version}\ntarget: {target}\ncommit: {commit}\nprofile: {profile}")
}
