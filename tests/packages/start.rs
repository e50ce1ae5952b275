//! How the plugin starts the program, and what it does where there is none.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use super::read;
use crate::support::BINARY;

const START: &str = "plugin/agent-dispatch/scripts/start";
/// The places outside of the home, as the script spells them. A machine may have the program there.
const OF_SYSTEM: &str = "/opt/homebrew/bin:/usr/local/bin:/home/linuxbrew/.linuxbrew/bin";
/// What may be `/bin/sh`.
const SHELLS: [&[&str]; 4] = [&["sh"], &["dash"], &["bash", "--posix"], &["busybox", "sh"]];

/// A home with the script, which finds nothing outside of it.
struct Home {
    dir: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let text = read(START);
        assert!(text.contains(OF_SYSTEM), "the places of the script are others");
        fs::write(dir.path().join("start"), text.replace(OF_SYSTEM, "/nowhere")).unwrap();
        Self { dir }
    }

    /// With an executable at this place: this program, or a script.
    fn with(self, place: &str, script: Option<&str>) -> Self {
        let file = self.path(place);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        match script {
            None => symlink(BINARY, file).unwrap(),
            Some(text) => {
                fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
                fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
            }
        }
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, shell: &[&str], verb: &str, path: &str) -> Command {
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).arg(self.path("start")).arg(verb);
        command.env_clear().env("HOME", self.dir.path()).env("PATH", path).current_dir(self.dir.path());
        command
    }

    /// What it answers to these lines, with all shells that are there.
    fn answers(&self, verb: &str, path: &str, lines: &[Value]) -> Vec<Output> {
        let there = SHELLS.into_iter().filter(|shell| is_there(shell[0]));
        let outputs = there.map(|shell| {
            let mut command = self.command(shell, verb, path);
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            let mut input = child.stdin.take().unwrap();
            lines.iter().for_each(|line| writeln!(input, "{line}").unwrap());
            drop(input);
            child.wait_with_output().unwrap()
        });
        outputs.collect()
    }
}

/// Where the tools of the script are, without the program.
const PROGRAMS: &str = "/usr/bin:/bin";

fn is_there(program: &str) -> bool {
    std::env::split_paths(&std::env::var_os("PATH").unwrap()).any(|directory| directory.join(program).is_file())
}

fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn initialize() -> Value {
    let about =
        json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    json!({"method": "initialize", "params": about, "jsonrpc": "2.0", "id": 7})
}

#[test]
fn it_becomes_the_program() {
    for place in [
        ".local/bin/agent-dispatch",
        ".cargo/bin/agent-dispatch",
        ".nix-profile/bin/agent-dispatch",
        "on path/agent-dispatch",
    ] {
        let home = Home::new().with(place, None);
        let path = format!("{}:{PROGRAMS}", home.path("on path").display());
        for output in home.answers("serve", &path, &[initialize()]) {
            assert_eq!(
                lines(&output)[0]["result"]["serverInfo"]["version"],
                env!("CARGO_PKG_VERSION"),
                "{place}: {output:?}"
            );
        }
    }
    // Nothing of the shell is left.
    let home = Home::new().with(".local/bin/agent-dispatch", Some("exec sleep 600"));
    let mut child = home.command(&["sh"], "serve", PROGRAMS).spawn().unwrap();
    let command = Path::new("/proc").join(child.id().to_string()).join("cmdline");
    if command.parent().unwrap().exists() {
        crate::support::until("the program", || fs::read(&command).ok().filter(|line| line.starts_with(b"sleep\0")));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_is_first_on_path_counts_and_a_relative_place_does_not() {
    let home = Home::new().with("first/agent-dispatch", Some("echo first")).with("agent-dispatch", Some("echo here"));
    let home = home.with(".local/bin/agent-dispatch", Some("echo installed"));
    // A directory and a file that nobody may execute are no programs.
    fs::create_dir_all(home.path("directory/agent-dispatch")).unwrap();
    fs::create_dir_all(home.path("data")).unwrap();
    fs::write(home.path("data/agent-dispatch"), "").unwrap();
    let first = home.path("first");
    let no = format!("{}:{}", home.path("directory").display(), home.path("data").display());
    for (path, expected) in
        [(format!(".::{no}:{}:{PROGRAMS}", first.display()), "first"), (format!(".::*:{no}:{PROGRAMS}"), "installed")]
    {
        for output in home.answers("serve", &path, &[]) {
            assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), expected, "{path}: {output:?}");
        }
    }
}

#[test]
fn without_the_program_a_server_without_tools_says_so() {
    let home = Home::new();
    let requests = [
        json!({"jsonrpc": "2.0", "id": "server-discover-probe-1", "method": "server/discover", "params": {"_meta": {"a": [1, {"b": 2}]}}}),
        initialize(),
        json!({"method": "notifications/initialized", "jsonrpc": "2.0"}),
        json!({"method": "ping", "jsonrpc": "2.0", "id": 8}),
        json!({"method": "tools/list", "jsonrpc": "2.0", "id": 9}),
    ];
    for output in home.answers("serve", PROGRAMS, &requests) {
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        let answers = lines(&output);
        let ids: Vec<&Value> = answers.iter().map(|answer| &answer["id"]).collect();
        assert_eq!(ids, [&json!("server-discover-probe-1"), &json!(7), &json!(8), &json!(9)]);
        let result = &answers[1]["result"];
        assert_eq!((&result["protocolVersion"], &result["capabilities"]), (&json!("2025-11-25"), &json!({})));
        let told = result["instructions"].as_str().unwrap();
        assert!(told.contains("agent-dispatch is not installed") && told.contains("Reconnect"), "{told}");
        assert_eq!(answers[2]["result"], json!({}));
        assert!(answers[3]["error"]["message"].as_str().unwrap().contains("not installed"), "{:#}", answers[3]);
    }
}

#[test]
fn at_the_start_of_a_session_the_user_is_told_what_is_wrong() {
    let told = |home: &Home| -> Vec<String> {
        let outputs = home.answers("check", PROGRAMS, &[]);
        outputs
            .iter()
            .map(|output| match lines(output).as_slice() {
                [] => String::new(),
                [one] => one["systemMessage"].as_str().unwrap().to_owned(),
                more => panic!("{more:#?}"),
            })
            .collect()
    };
    for said in told(&Home::new().with(".local/bin/agent-dispatch", None)) {
        assert_eq!(said, "");
    }
    for said in told(&Home::new()) {
        assert!(said.contains("agent-dispatch is not installed"), "{said}");
    }
    let broken = "printf 'line \"one\"\\nC:\\\\two\\033[0m\\n' >&2; exit 3";
    for said in told(&Home::new().with(".local/bin/agent-dispatch", Some(broken))) {
        assert!(
            said.contains("/.local/bin/agent-dispatch does not run: line \"one\" C:\\two[0m; install it"),
            "{said}"
        );
    }
}

#[test]
fn another_word_is_refused() {
    for output in Home::new().answers("server", PROGRAMS, &[]) {
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("serve or check, not 'server'"), "{output:?}");
    }
}

/// `doctor` looks where the plugin does.
#[test]
fn doctor_and_the_script_look_in_the_same_places() {
    let script = read(START);
    let places = script.lines().find_map(|line| line.strip_prefix("PLACES=\"")?.strip_suffix('"')).unwrap();
    let places = places.replace("${HOME:-}", "~");
    let source =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/registration/plugin.rs")).unwrap();
    let (_, table) = source.split_once("const PLACES").unwrap();
    let table = table.split(';').nth(1).unwrap();
    let in_doctor: Vec<&str> = table.split('"').skip(1).step_by(2).collect();
    assert_eq!(places.split(':').collect::<Vec<_>>(), in_doctor);
}
