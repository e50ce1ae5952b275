//! Readers of a pipe, and stdin that does not end (chapter 5).

use std::io::{Read, Write};
use std::process::{Child, Stdio};

use super::World;

fn piped(world: &World, args: &[&str]) -> Child {
    world.command(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn a_reader_that_keeps_up_gets_everything() {
    let world = World::with("result-bytes 1000000");
    let mut child = piped(&world, &["-p", "x"]);
    let mut bytes = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut bytes).unwrap();
    child.wait().unwrap();
    assert_eq!(bytes.len(), 1_000_001);
}

#[test]
fn a_reader_that_is_gone_is_no_failure() {
    let world = World::with("wait-file go\nresult-bytes 1000000");
    let mut child = piped(&world, &["-p", "x"]);
    drop(child.stdout.take());
    std::fs::write(world.path("work/go"), "").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// Chapter 5: with some data an open stdin is waited for without end; its end releases the run.
#[test]
fn an_open_stdin_with_data_is_waited_for() {
    let world = World::new();
    let mut child = world.command(&["-p"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"some").unwrap();
    assert!(child.try_wait().unwrap().is_none());
    stdin.write_all(b" more").unwrap();
    drop(stdin);
    assert_eq!(child.wait_with_output().unwrap().stdout, b"echo: some more\n");
}

/// Chapter 5: a silent pipe is given up after three seconds.
#[test]
fn a_silent_stdin_is_given_up() {
    let world = World::new();
    let mut command = world.command(&["-p", "word"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let _held = child.stdin.take();
    let done = child.wait_with_output().unwrap();
    assert!(String::from_utf8(done.stderr).unwrap().starts_with("Warning: no stdin data received in 3s"));
    assert_eq!(done.stdout, b"echo: word\n");
}
