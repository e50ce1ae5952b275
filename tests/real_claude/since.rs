//! Which claims of the contract hold only since a version of the CLI.
//!
//! On an older version such a claim is played all the same, and must *fail*: a difference that is gone, or that was none,
//! is seen. Whole dispatches ([`super::end_to_end`]) have no place here: they work on every version of the tested span.

use std::panic::{AssertUnwindSafe, catch_unwind};

use agent_dispatch::machines::cli_version::{OLDEST, Version};

use super::install;

/// Where the paths of the claims begin.
const CONTRACT: &str = "contract::";

/// Claims by their path below `contract::`, and the first version on which they are known to hold.
const SINCE: &[(&str, Version)] = &[
    ("errors::a_bad_request_is_tried_again_without_the_newest_features_whatever_the_limit", Version::new(2, 1, 240)),
    ("errors::an_error_of_the_api_ended_the_run_for_that_reason", Version::new(2, 1, 300)),
    ("flags::a_run_that_the_budget_stopped_ended_for_that_reason", Version::new(2, 1, 300)),
    ("flags::odd_tool_rules_are_taken_without_a_word", Version::new(2, 1, 240)),
    ("flags::the_default_mode_has_two_names_on_the_command_line_and_one_in_the_stream", Version::new(2, 1, 240)),
    ("mcp::a_server_of_the_project_runs_unasked_and_its_tool_is_named_to_the_model", Version::new(2, 1, 310)),
    ("mcp::a_slow_server_is_waited_for_when_connecting_blocks", Version::new(2, 1, 310)),
    ("mcp::get_shows_scope_command_and_how_to_remove", Version::new(2, 1, 300)),
    ("mcp::the_handshake_is_a_probe_of_the_newest_protocol_and_then_the_older_one", Version::new(2, 1, 300)),
    (
        "permissions::plan_mode_with_a_denial_exits_with_1_in_json_though_the_answer_is_a_success",
        Version::new(2, 1, 319),
    ),
    ("processes::terminating_ends_bash_tells_the_stream_and_is_exit_code_143", Version::new(2, 1, 240)),
    ("prompts::an_unknown_command_is_sent_as_it_is", Version::new(2, 1, 300)),
    ("prompts::eight_mebibytes_are_taken_in_and_found_too_long_for_the_model", Version::new(2, 1, 300)),
    ("schema::a_run_that_missed_its_schema_ended_for_that_reason", Version::new(2, 1, 300)),
    ("schema::a_format_in_a_schema_is_taken", Version::new(2, 1, 240)),
    ("schema::a_schema_with_an_unknown_keyword_or_dialect_is_refused", Version::new(2, 1, 240)),
    ("sessions::a_session_is_found_from_any_directory", Version::new(2, 1, 240)),
    ("sessions::the_cost_of_a_resume_includes_all_that_was_paid_before", Version::new(2, 1, 310)),
    ("sessions::the_system_prompt_of_the_first_run_stays_for_every_resume", Version::new(2, 1, 300)),
    ("sessions::without_a_snapshot_the_system_prompt_of_each_run_counts", Version::new(2, 1, 300)),
];

/// Plays the claim of this path: it holds, or it fails where the table says so.
#[track_caller]
pub fn hold(path: &str, claim: impl FnOnce()) {
    let version = install::version();
    let Some(since) = since(path).filter(|since| version < *since) else { return claim() };
    // What it prints when it fails is kept by the harness like all output of a test that passes.
    let holds = catch_unwind(AssertUnwindSafe(claim)).is_ok();
    assert!(!holds, "{path} holds on {version} already, not only since {since}: correct since.rs");
}

fn since(path: &str) -> Option<Version> {
    let (_, claim) = path.split_once(CONTRACT)?;
    SINCE.iter().find(|(known, _)| *known == claim).map(|(_, since)| *since)
}

/// How many claims must differ on the version of this run.
pub fn differing() -> usize {
    let version = install::version();
    SINCE.iter().filter(|(_, since)| version < *since).count()
}

#[test]
fn every_claim_of_the_table_is_a_test() {
    let contract = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real_claude/contract");
    for (claim, since) in SINCE {
        let (file, name) = claim.split_once("::").unwrap();
        let source = std::fs::read_to_string(contract.join(format!("{file}.rs"))).unwrap();
        assert!(source.contains(&format!("    fn {name}() {{")), "{claim} is no test");
        assert!(*since > OLDEST, "{claim}: everything is newer than {since}");
    }
}
