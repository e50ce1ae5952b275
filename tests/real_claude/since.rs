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
    // A call that a hook puts off for the second time is kept, and made with the next task.
    ("denials::a_call_that_is_put_off_once_more_is_lost_with_the_next_task", Version::new(2, 1, 300)),
    // They count for nothing there.
    ("denials::local_settings_of_the_main_checkout_count_in_its_worktrees", Version::new(2, 1, 211)),
    ("errors::a_bad_request_is_tried_again_without_the_newest_features_whatever_the_limit", Version::new(2, 1, 240)),
    ("errors::an_error_of_the_api_ended_the_run_for_that_reason", Version::new(2, 1, 300)),
    ("flags::a_run_that_the_budget_stopped_ended_for_that_reason", Version::new(2, 1, 300)),
    ("flags::odd_tool_rules_are_taken_without_a_word", Version::new(2, 1, 240)),
    ("flags::the_default_mode_has_two_names_on_the_command_line_and_one_in_the_stream", Version::new(2, 1, 240)),
    // The list of servers does not say whose a server is.
    ("mcp::a_project_file_that_is_no_json_is_passed_over_without_a_word", Version::new(2, 1, 300)),
    ("mcp::a_server_of_the_project_runs_unasked_and_its_tool_is_named_to_the_model", Version::new(2, 1, 310)),
    ("mcp::a_slow_server_is_waited_for_when_connecting_blocks", Version::new(2, 1, 310)),
    ("mcp::get_shows_scope_command_and_how_to_remove", Version::new(2, 1, 300)),
    ("mcp::the_handshake_is_a_probe_of_the_newest_protocol_and_then_the_older_one", Version::new(2, 1, 300)),
    (
        "permissions::plan_mode_with_a_denial_exits_with_1_in_json_though_the_answer_is_a_success",
        Version::new(2, 1, 319),
    ),
    ("processes::terminating_ends_bash_tells_the_stream_and_is_exit_code_143", Version::new(2, 1, 240)),
    // It crashes.
    ("processes::without_proc_every_directory_is_missing_and_the_help_is_not", Version::new(2, 1, 332)),
    ("prompts::an_unknown_command_is_sent_as_it_is", Version::new(2, 1, 300)),
    ("prompts::eight_mebibytes_are_taken_in_and_found_too_long_for_the_model", Version::new(2, 1, 300)),
    ("schema::a_run_that_missed_its_schema_ended_for_that_reason", Version::new(2, 1, 300)),
    ("schema::a_format_in_a_schema_is_taken", Version::new(2, 1, 240)),
    ("schema::a_schema_with_an_unknown_keyword_or_dialect_is_refused", Version::new(2, 1, 240)),
    ("sessions::a_session_is_found_from_any_directory", Version::new(2, 1, 240)),
    ("sessions::the_cost_of_a_resume_includes_all_that_was_paid_before", Version::new(2, 1, 310)),
    ("sessions::the_system_prompt_of_the_first_run_stays_for_every_resume", Version::new(2, 1, 300)),
    ("sessions::without_a_snapshot_the_system_prompt_of_each_run_counts", Version::new(2, 1, 300)),
    // It waits five seconds for a command and no time for a wake-up, and ends them; nobody is told.
    ("tasks::a_background_command_is_waited_for_and_told_of", Version::new(2, 1, 292)),
    (
        "tasks::a_background_command_that_reaches_its_own_limit_is_stopped_and_its_agent_is_told",
        Version::new(2, 1, 292),
    ),
    ("tasks::a_wake_up_is_waited_for_and_told_of", Version::new(2, 1, 292)),
    // It knows no such ceiling.
    ("tasks::the_ceiling_stops_a_sub_agent_and_says_so", Version::new(2, 1, 292)),
    // Nothing tells which tasks live, only which begin and end.
    ("tasks::the_first_result_is_held_back_while_a_sub_agent_works", Version::new(2, 1, 240)),
    // Sessions do not find each other.
    ("tools::messages_of_other_sessions_arrive_unless_they_are_refused", Version::new(2, 1, 300)),
    // On the oldest a project gives itself `bypassPermissions`, on 2.1.300 `auto`: why a mode is always passed.
    ("tools::no_project_gives_itself_auto_or_bypass", Version::new(2, 1, 302)),
    // Without `ToolSearch` and `Monitor`, and with tools for lists of tasks.
    ("tools::the_whole_set_of_tools_is_known_and_the_same_in_every_mode", Version::new(2, 1, 310)),
    ("tools::what_we_withhold_is_all_that_is_missing", Version::new(2, 1, 310)),
];

/// Claims that an older version holds only now and then, and the first version on which they are known to hold each time.
/// Inside that CLI a race goes either way, so nothing can be asked of it there: the claim is played, and what comes of it is
/// not judged.
const NOW_AND_THEN_BEFORE: &[(&str, Version)] = &[
    // SIGTERM ends the MCP server as well; now and then the model is told of that, and its answer printed, before the end.
    ("mcp::terminating_during_a_call_is_exit_code_143_without_a_cancellation", Version::new(2, 1, 240)),
    // At SIGTERM it ends the command, and now and then leaves with 0 because nothing is left to wait for.
    ("tasks::the_first_result_of_a_background_command_comes_at_once", Version::new(2, 1, 240)),
    ("tasks::who_goes_on_after_such_an_end_is_told_of_what_was_stopped", Version::new(2, 1, 240)),
];

/// Plays the claim of this path: it holds, or it fails where the table says so.
#[track_caller]
pub fn hold(path: &str, claim: impl FnOnce()) {
    let version = install::version();
    let since = |table| since(table, path).filter(|since| version < *since);
    let (fails_before, varies_before) = (since(SINCE), since(NOW_AND_THEN_BEFORE));
    if fails_before.is_none() && varies_before.is_none() {
        return claim();
    }
    // What it prints when it fails is kept by the harness like all output of a test that passes.
    let holds = catch_unwind(AssertUnwindSafe(claim)).is_ok();
    if let Some(since) = fails_before {
        assert!(!holds, "{path} holds on {version} already, not only since {since}: correct since.rs");
    }
}

fn since(table: &[(&str, Version)], path: &str) -> Option<Version> {
    let (_, claim) = path.split_once(CONTRACT)?;
    table.iter().find(|(known, _)| *known == claim).map(|(_, since)| *since)
}

/// How many claims must differ on the version of this run, and how many may.
pub fn differing() -> (usize, usize) {
    let version = install::version();
    let older = |table: &[(&str, Version)]| table.iter().filter(|(_, since)| version < *since).count();
    (older(SINCE), older(NOW_AND_THEN_BEFORE))
}

#[test]
fn every_claim_of_the_table_is_a_test() {
    let contract = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real_claude/contract");
    for (claim, since) in SINCE.iter().chain(NOW_AND_THEN_BEFORE) {
        let (file, name) = claim.split_once("::").unwrap();
        let source = std::fs::read_to_string(contract.join(format!("{file}.rs"))).unwrap();
        assert!(source.contains(&format!("    fn {name}() {{")), "{claim} is no test");
        assert!(*since > OLDEST, "{claim}: everything is newer than {since}");
    }
}
