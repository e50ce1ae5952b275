//! Tools of the system are heard out, and not waited for for ever.

use std::io::ErrorKind;
use std::process::Command;
use std::time::{Duration, Instant};

use agent_dispatch::os::tool::{LIMIT, output};

use crate::support::{SOON, within};

/// More than a pipe holds, in bytes.
const MUCH: usize = 1_000_000;

fn sh(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

#[test]
fn what_it_says_is_heard_to_the_end_however_it_ends() {
    assert_eq!(output(&mut sh("echo one; echo noise >&2; exit 3"), LIMIT).unwrap(), b"one\n");
    assert_eq!(output(&mut sh(&format!("head -c {MUCH} /dev/zero")), LIMIT).unwrap().len(), MUCH);
    assert_eq!(output(&mut sh("cat; echo $LC_ALL"), LIMIT).unwrap(), b"C\n");
    assert_eq!(output(&mut Command::new("/no/such/tool"), LIMIT).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn one_that_takes_too_long_is_ended() {
    let directory = tempfile::tempdir().unwrap();
    let pid = directory.path().join("pid");
    let start = Instant::now();
    let said = output(sh("echo $$ >pid; exec sleep 600").current_dir(directory.path()), Duration::from_millis(300));
    assert_eq!(said.unwrap_err().kind(), ErrorKind::TimedOut);
    assert!(start.elapsed() < SOON);
    let pid = std::fs::read_to_string(pid).unwrap();
    within(SOON, "its end", || {
        let listed = output(Command::new("ps").args(["-o", "args=", "-p", pid.trim()]), LIMIT).unwrap();
        (!String::from_utf8_lossy(&listed).contains("sleep 600")).then_some(())
    });
}

#[test]
fn one_that_closes_its_output_is_not_waited_for() {
    let start = Instant::now();
    assert_eq!(output(&mut sh("echo all; exec sleep 600 >&-"), LIMIT).unwrap(), b"all\n");
    assert!(start.elapsed() < SOON);
}
