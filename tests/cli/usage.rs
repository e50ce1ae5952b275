//! No verb, help, version, wrong usage, and an output that nobody reads.

use std::fs::File;
use std::process::Stdio;

use insta::assert_snapshot;

use super::World;

#[test]
fn no_verb_greets() {
    assert_snapshot!(World::new().run(&[]), @"");
}

#[test]
fn version() {
    assert_snapshot!(World::new().run(&["--version"]), @"");
}

#[test]
fn help_shows_every_verb_but_the_hidden_ones() {
    assert_snapshot!(World::new().run(&["--help"]), @"");
}

#[test]
fn unknown_verb() {
    assert_snapshot!(World::new().run(&["lst"]), @"");
}

#[test]
fn wrong_usage_is_json_where_json_is_asked_for() {
    assert_snapshot!(World::new().run(&["list", "--json", "--jsno"]), @"");
}

#[test]
fn every_verb_has_help() {
    let world = World::new();
    for verb in ["init", "add", "update", "remove", "list", "describe", "test", "serve", "doctor", "demo"] {
        let output = world.output(&[verb, "--help"]);
        assert!(output.status.success(), "{verb}");
        assert!(String::from_utf8(output.stdout).unwrap().contains("Usage: agent-dispatch"), "{verb}");
    }
}

#[test]
fn arguments_that_are_not_utf8_are_wrong_usage() {
    use std::os::unix::ffi::OsStrExt;
    let world = World::new();
    let output = world.command(&["describe"]).arg(std::ffi::OsStr::from_bytes(b"\xff")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_reader_that_is_gone_is_no_failure() {
    let world = World::new().config("agents: {infra: {directory: '[ROOT]/work/infra'}}");
    for arguments in [&["list"][..], &["list", "--json"], &["describe", "infra"], &["--help"], &[], &["doctor", "--json"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = world.command(arguments).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code().is_some_and(|code| code <= 1), "{arguments:?}: {}", output.status);
        assert_eq!(stderr, "", "{arguments:?}");
    }
}

#[test]
fn an_output_that_cannot_be_written_is_a_failure() {
    let world = World::new();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = world.command(&["list", "--json"]).stdout(full).output().unwrap();
    assert_snapshot!(super::shown(&output), @"");
}

#[test]
fn a_log_filter_that_cannot_be_read_stops_nothing() {
    let world = World::new().env("AGENT_DISPATCH_LOG", "no such=filter=x");
    assert_snapshot!(world.run(&["list", "--json"]), @"");
}

#[test]
fn logs_go_to_standard_error_only() {
    let world = World::with_claude().config("agents: {infra: {directory: '[ROOT]/work/infra'}}");
    let world = world.env("AGENT_DISPATCH_LOG", "trace");
    let (answer, code) = world.json(&["test", "infra", "hello", "--json"]);
    assert_eq!((answer["result"].as_str(), code), (Some("echo: hello"), 0));
}
