//! Where the claude CLI is looked for, and what is said of one that cannot be run.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use agent_dispatch::shell::claude::{ClaudeMissing, Fault, Found, Search, Source, explain};

/// A home, a working directory and an environment of their own.
struct Place {
    root: tempfile::TempDir,
    variables: BTreeMap<&'static str, OsString>,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for directory in ["home", "bin", "here"] {
            fs::create_dir(root.path().join(directory)).unwrap();
        }
        let variables = BTreeMap::from([("PATH", root.path().join("bin").into_os_string())]);
        Self { root, variables }
    }

    fn with(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.variables.insert(name, value.into());
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// With a program, which is never run.
    fn program(self, name: &str) -> Self {
        self.file(name, b"\x7fELF", 0o755)
    }

    fn file(self, name: &str, content: &[u8], mode: u32) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        self
    }

    fn locate(&self) -> Result<Found, ClaudeMissing> {
        let lookup = |name: &str| self.variables.get(name).cloned();
        Search {
            lookup: &lookup,
            home: Some(self.path("home")),
            current_dir: self.path("here"),
            system_root: self.path("system"),
        }
        .locate()
    }

    #[track_caller]
    fn finds(&self, name: &str, source: Source) {
        assert_eq!(self.locate(), Ok(Found { path: self.path(name), source }));
    }

    /// What is said, and the way out.
    fn refusal(&self) -> String {
        let error = self.locate().unwrap_err();
        format!("{error}; {}", error.way_out()).replace(self.path("").to_str().unwrap(), "")
    }
}

#[test]
fn path_comes_before_all_places_where_it_is_installed() {
    let place = Place::new().program("home/.local/bin/claude").program("bin/claude");
    place.finds("bin/claude", Source::Path);
}

#[test]
fn it_is_found_where_its_installers_put_it() {
    for name in [
        ".local/bin/claude",
        ".claude/local/claude",
        ".claude/local/node_modules/.bin/claude",
        ".npm-global/bin/claude",
        ".nvm/versions/node/v22.1.0/bin/claude",
        "../system/usr/local/bin/claude",
        "../system/opt/homebrew/bin/claude",
    ] {
        let name = name.strip_prefix("../").map_or_else(|| format!("home/{name}"), str::to_owned);
        Place::new().program(&name).finds(&name, Source::Installed);
    }
    let place = Place::new().program("home/.nvm/versions/node/v9.9.0/bin/claude");
    place
        .program("home/.nvm/versions/node/v22.1.0/bin/claude")
        .finds("home/.nvm/versions/node/v22.1.0/bin/claude", Source::Installed);
    let place = Place::new().program("prefix/bin/claude");
    let prefix = place.path("prefix");
    place.with("npm_config_prefix", prefix).finds("prefix/bin/claude", Source::Installed);
    let place =
        Place::new().program("home/tools/bin/claude").file("home/.npmrc", b"registry=x\nprefix = ~/tools\n", 0o600);
    place.finds("home/tools/bin/claude", Source::Installed);
}

#[test]
fn the_calling_claude_code_is_one() {
    let place = Place::new().program("versions/2.1.332").program("home/.local/bin/claude");
    let caller = place.path("versions/2.1.332");
    place.with("CLAUDE_CODE_EXECPATH", caller).finds("versions/2.1.332", Source::Caller);
    // A Claude Code that is a script is run by Node.js, and lies beside it.
    let place = Place::new().program("node/bin/node").program("node/bin/claude");
    let node = place.path("node/bin/node");
    place.with("CLAUDE_CODE_EXECPATH", node).finds("node/bin/claude", Source::Caller);
    let place = Place::new().program("node/bin/node").program("home/.local/bin/claude");
    let node = place.path("node/bin/node");
    place.with("CLAUDE_CODE_EXECPATH", node).finds("home/.local/bin/claude", Source::Installed);
}

#[test]
fn a_named_one_is_expanded_and_found_from_here() {
    let named = |value: &str| Place::new().program("home/tools/claude").with("AGENT_DISPATCH_CLAUDE", value);
    named("~/tools/claude").finds("home/tools/claude", Source::Variable);
    let place = named("$TOOLS/claude");
    let tools = place.path("home/tools");
    place.with("TOOLS", tools).finds("home/tools/claude", Source::Variable);
    let place = named("../home/tools/claude");
    assert_eq!(place.locate().unwrap().path, place.path("here/../home/tools/claude"));
    named("other").program("bin/other").finds("bin/other", Source::Variable);
    named("").program("bin/claude").finds("bin/claude", Source::Path);
}

#[test]
fn a_variable_that_is_wrong_is_called_that() {
    let refusal = |value: &str| {
        let place = Place::new().program("bin/claude").program("bin/npx").file("here/plain", b"x", 0o644);
        place.with("AGENT_DISPATCH_CLAUDE", value).refusal()
    };
    for (value, words) in [
        ("npx @anthropic-ai/claude-code", ["is a command with arguments", "exec npx @anthropic-ai/claude-code \"$@\""]),
        ("claude --model opus", ["is a command with arguments", "the path of that script"]),
        ("../bin/claude --model opus", ["is a command with arguments", "exec ../bin/claude --model opus"]),
        ("/no/my claude", ["does not exist", "set AGENT_DISPATCH_CLAUDE to the path"]),
        ("klaude", ["is not the name of a program on PATH", "or unset it"]),
        ("./plain", ["is not executable", "chmod +x"]),
        ("../bin", ["is not a file", "or unset it"]),
        ("$NONE/claude", ["the variable NONE is not set", "set NONE"]),
    ] {
        let told = refusal(value);
        assert!(told.contains("AGENT_DISPATCH_CLAUDE is \"") && !told.contains("install"), "{value}: {told}");
        assert!(words.iter().all(|words| told.contains(words)), "{value}: {told}");
    }
}

#[test]
fn scripts_that_cannot_be_run_are_called_that() {
    let script = |text: &str| Place::new().file("bin/claude", text.as_bytes(), 0o755);
    for (text, words) in [
        ("#!/bin/sh\r\nexec x\r\n", "Windows line ends"),
        ("#!/usr/bin/env node\r\n", "Windows line ends"),
        ("#!/no/such/interpreter\n", "is a script for /no/such/interpreter, which does not exist"),
        ("#!/usr/bin/env node\n", "is a script for node, which is not on PATH"),
        ("#!/usr/bin/env -S node --flag\n", "is a script for node, which is not on PATH"),
    ] {
        let told = script(text).refusal();
        assert!(told.contains("bin/claude") && told.contains(words), "{text:?}: {told}");
    }
    for text in ["#!/bin/sh\n", "#!/bin/sh", "#! /bin/sh -e\n", "#!/usr/bin/env -u X node\n", "#!\n", "no shebang", ""]
    {
        script(text).finds("bin/claude", Source::Path);
    }
    script("#!/usr/bin/env node\n").program("bin/node").finds("bin/claude", Source::Path);
    // nvm: the interpreter is beside it.
    let place = Place::new().file("home/.nvm/versions/node/v22.1.0/bin/claude", b"#!/usr/bin/env node\n", 0o755);
    let place = place.program("home/.nvm/versions/node/v22.1.0/bin/node");
    place.finds("home/.nvm/versions/node/v22.1.0/bin/claude", Source::Installed);
}

#[test]
fn what_a_start_failed_for_is_told_from_the_file() {
    let fault = |content: &[u8], code: rustix::io::Errno| {
        let place = Place::new().file("bin/claude", content, 0o755);
        match explain(&place.path("bin/claude"), &code.into()) {
            Some(ClaudeMissing::Broken { fault, .. }) => Some(fault),
            _ => None,
        }
    };
    use rustix::io::Errno;
    assert_eq!(fault(b"echo hello\n", Errno::NOEXEC), Some(Fault::NoShebang));
    assert_eq!(fault(b"\xca\xfe\xba\xbe\0\0", Errno::NOEXEC), Some(Fault::OtherSystem));
    assert_eq!(fault(b"\x7fELF\x02", Errno::NOENT), Some(Fault::OtherLibrary));
    assert_eq!(fault(b"\x7fELF\x02", Errno::NOMEM), None);
}

#[test]
fn nothing_anywhere_is_told_with_the_way_out() {
    let told = Place::new().refusal();
    assert!(told.contains("not found on PATH") && told.contains("install Claude Code"), "{told}");
    let place = Place::new();
    symlink("/nonexistent/claude", place.path("bin/claude")).unwrap();
    assert!(place.refusal().contains("is a link to /nonexistent/claude, which does not exist"), "{}", place.refusal());
    place.program("home/.local/bin/claude").finds("home/.local/bin/claude", Source::Installed);
}
