//! The older implementation, in Python, for the tests that compare with it.
//!
//! They need it installed, so plain `cargo test` leaves them out, as `ignored` and with the reason; see `real_claude` for
//! why that is decided when they are compiled. The gate installs it from PyPI and runs them:
//!
//! ```text
//! AGENT_DISPATCH_PYTHON=VENV/bin/python cargo test --features python
//! ```

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// Names the interpreter that the older implementation is installed for.
pub const PYTHON_ENV: &str = "AGENT_DISPATCH_PYTHON";
/// The version that is compared with: its last.
pub const VERSION: &str = "0.16.0";

/// Declares tests that need the older implementation.
macro_rules! python_tests {
    ($($(#[$meta:meta])* fn $name:ident() $body:block)+) => {$(
        $(#[$meta])*
        #[test]
        #[cfg_attr(
            not(feature = "python"),
            ignore = "needs Python's agent-dispatch: AGENT_DISPATCH_PYTHON=VENV/bin/python cargo test --features python"
        )]
        fn $name() $body
    )+};
}
pub(crate) use python_tests;

/// The interpreter. Panics where there is none with the right version: a test that was asked for must not pass unseen.
pub fn interpreter() -> &'static PathBuf {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let python = std::env::var_os(PYTHON_ENV).unwrap_or_else(|| panic!("{PYTHON_ENV} names no interpreter"));
        let code = "import importlib.metadata as m; print(m.version('agent-dispatch'))";
        let output = Command::new(&python).args(["-c", code]).output().unwrap();
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert_eq!(version, VERSION, "{}", String::from_utf8_lossy(&output.stderr));
        python.into()
    })
}

/// Its command line program, beside the interpreter.
pub fn program() -> PathBuf {
    interpreter().with_file_name("agent-dispatch")
}

#[test]
fn says_whether_python_is_compared_with() {
    let asked = std::env::var_os(PYTHON_ENV).is_some_and(|value| !value.is_empty());
    let compiled = cfg!(feature = "python");
    assert!(compiled || !asked, "{PYTHON_ENV} is set, but this build leaves its tests out: add `--features python`");
    let mode = if compiled {
        format!("python: compares with agent-dispatch {VERSION} of {}", interpreter().display())
    } else {
        format!("python: NOT run (ignored); to run: {PYTHON_ENV}=VENV/bin/python cargo test --features python")
    };
    // Not `println!`: the harness would keep it to itself.
    writeln!(std::io::stderr(), "\n{mode}").unwrap();
}
