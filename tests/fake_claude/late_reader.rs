//! A late reader of a pipe loses what did not fit (chapter 2.5). Only on Linux can fake-claude open its pipe a second time, so
//! that what waits for a reader does not hold the writer up.

use std::io::Read;
use std::process::Stdio;

use super::{STREAM, World, until};

/// What a reader gets that begins when the process is gone.
fn late(world: &World, args: &[&str]) -> (Option<i32>, Vec<u8>) {
    let mut command = world.command(args);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
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
