use agent_dispatch::machines::answer::Outcome;
use agent_dispatch::machines::status_line::lift;
use proptest::prelude::*;

#[track_caller]
fn check(text: &str, outcome: Option<Outcome>, kept: &str) {
    let lifted = lift(text);
    assert_eq!((lifted.outcome, lifted.text.as_str()), (outcome, kept), "{text:?}");
}

#[test]
fn a_bare_marker_is_removed() {
    check("All good.\n\nSTATUS: done", Some(Outcome::Done), "All good.");
    check("x\nstatus : Blocked\n\n  \n", Some(Outcome::Blocked), "x");
    check("x\n**STATUS: partial**", Some(Outcome::Partial), "x");
    check("x\n**STATUS:** `done`.", Some(Outcome::Done), "x");
    check("x\n`STATUS: done`\r\n", Some(Outcome::Done), "x");
    check("x\n## STATUS: done", Some(Outcome::Done), "x");
    check("STATUS: done", Some(Outcome::Done), "");
}

#[test]
fn a_reason_stays() {
    check("x\nSTATUS: partial — migrations pending", Some(Outcome::Partial), "x\nSTATUS: partial — migrations pending");
    check("x\nSTATUS: blocked (no access)\n", Some(Outcome::Blocked), "x\nSTATUS: blocked (no access)\n");
}

#[test]
fn only_the_last_line_counts() {
    check("STATUS: done\nand more", None, "STATUS: done\nand more");
    check("", None, "");
    check("say STATUS: done", None, "say STATUS: done");
}

#[test]
fn other_words_are_no_verdict() {
    for text in [
        "STATUS: doneness",
        "STATUS: partially",
        "STATUS: ok",
        "STATUS done",
        "STATUSES: done",
        "STATUS:",
        "éSTATUS: done",
    ] {
        check(text, None, text);
    }
}

proptest! {
    #[test]
    fn lifting_twice_changes_nothing_more_unless_a_second_marker_was_under_the_first(
        body in "[a-z\n .*]{0,20}", marker in "(STATUS: (done|partial|blocked)[*. ]{0,3}( because)?)?", tail in "[\n ]{0,3}",
    ) {
        let once = lift(format!("{body}\n{marker}{tail}"));
        let twice = lift(once.text.clone());
        prop_assert_eq!(&twice.text, &once.text);
        prop_assert_eq!(once.outcome.is_some(), !marker.is_empty());
    }

    #[test]
    fn lifting_only_cuts_the_end(text in "(\\PC{0,5}|\n|STATUS: |done|\\*){0,8}") {
        let lifted = lift(text.as_str());
        prop_assert!(text.starts_with(&lifted.text));
    }
}
