//! A late reader of a pipe loses what did not fit (chapter 2.5), and stdin that does not end (chapter 5).

use std::io::{Read, Write};
use std::process::{Child, Stdio};

use super::{STREAM, World, until};

fn piped(world: &World, args: &[&str]) -> Child {
    world.command(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// What a reader gets that begins when the process is gone.
fn late(world: &World, args: &[&str]) -> (Option<i32>, Vec<u8>) {
    let mut child = piped(world, args);
    let status = until("the run to end", || child.try_wait().unwrap());
    let mut bytes = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut bytes).unwrap();
    (status.code(), bytes)
}

#[test]
fn a_late_reader_gets_one_pipe_full() {
    let world = World::with("result-bytes 70000");
    let (code, bytes) = late(&world, &["-p", "--output-format=json", "x"]);
    assert_eq!((code, bytes.len()), (Some(0), 65_536));
    let (code, bytes) = late(&world, &[&STREAM[..], &["x"]].concat());
    assert_eq!(code, Some(0));
    assert!((60_000..=65_536).contains(&bytes.len()), "{}", bytes.len());
    assert!(!String::from_utf8(bytes).unwrap().contains("\"type\":\"result\""));
    let small = World::with("result-bytes 60000");
    let (_, bytes) = late(&small, &["-p", "--output-format=json", "x"]);
    assert!(bytes.ends_with(b"}\n"));
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
