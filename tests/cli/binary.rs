//! The binary as a stranger meets it: version, help, wrong words.

use std::process::Command;

use crate::support::{BINARY, once};

fn agent_dispatch(arguments: &[&str]) -> assert_cmd::assert::Assert {
    once(Command::new(BINARY)).args(arguments).env_clear().assert()
}

#[test]
fn the_version_is_that_of_the_package() {
    let expected = format!("agent-dispatch {}\n", env!("CARGO_PKG_VERSION"));
    agent_dispatch(&["--version"]).success().stdout(expected).stderr("");
}

#[test]
fn wrong_words_end_with_two_and_keep_standard_output_clean() {
    for arguments in [&["nonsense"][..], &["list", "--nonsense"], &["test"], &["describe"]] {
        let output = agent_dispatch(arguments).code(2).stdout("").get_output().stderr.clone();
        assert!(String::from_utf8(output).unwrap().contains("error:"), "{arguments:?}");
    }
}

#[test]
fn without_a_home_it_still_answers() {
    agent_dispatch(&["list", "--json"]).success();
}
