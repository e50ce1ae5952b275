//! Errors of the API: all are called `success`, all have `is_error` and exit code 1.

use serde_json::{Value, json};

use crate::real_claude::real_tests;
use crate::real_claude::run::{Outcome, World};
use crate::real_claude::stub::Reply;

/// Runs against an API that always answers with this error.
fn failing(status: u16, message: &'static str, retries: &str) -> (Outcome, usize) {
    let world = World::new(move |_| Reply::error(status, message));
    let run = world.claude(&["-p", "--output-format=stream-json", "--verbose"]);
    let outcome = run.env("CLAUDE_CODE_MAX_RETRIES", retries).stdin("hello").run();
    let asked = world.stub.messages().len();
    (outcome, asked)
}

/// Asserts the shape that all have in common and gives the text.
#[track_caller]
fn text_of(outcome: &Outcome, status: impl Into<Value>) -> String {
    let result = outcome.result();
    assert_eq!(outcome.end(), "1", "{outcome:#?}");
    assert_eq!((&result["subtype"], &result["is_error"]), (&json!("success"), &json!(true)), "{result:#}");
    assert_eq!(result["api_error_status"], status.into(), "{result:#}");
    result["result"].as_str().unwrap().to_owned()
}

real_tests! {
    fn a_bad_request_is_tried_again_without_the_newest_features_whatever_the_limit() {
        let (outcome, asked) = failing(400, "bad thing", "0");
        let text = text_of(&outcome, 400);
        assert!(text.contains("400") && text.contains("bad thing"), "{text}");
        assert!((2..10).contains(&asked), "{asked} requests");
        assert!(outcome.events().iter().all(|event| event["subtype"] != "api_retry"), "{outcome:#?}");
    }

    fn an_empty_purse_says_so_at_once() {
        let (outcome, asked) = failing(400, "Your credit balance is too low to access the Anthropic API", "0");
        let text = text_of(&outcome, 400);
        assert!(text.contains("Credit balance"), "{text}");
        assert_eq!(asked, 1);
    }

    fn a_bad_key_says_so() {
        let (outcome, _) = failing(401, "invalid x-api-key", "0");
        let text = text_of(&outcome, 401);
        assert!(text.contains("API key"), "{text}");
    }

    fn a_rate_limit_carries_the_message_of_the_api() {
        let (outcome, asked) = failing(429, "slow down", "0");
        let text = text_of(&outcome, 429);
        assert!(text.contains("429") && text.contains("slow down"), "{text}");
        assert_eq!(asked, 1);
    }

    fn an_overload_says_so() {
        let (outcome, _) = failing(529, "Overloaded", "0");
        let text = text_of(&outcome, 529);
        assert!(text.contains("529"), "{text}");
    }

    fn a_server_error_says_so() {
        let (outcome, asked) = failing(500, "broken inside", "0");
        let text = text_of(&outcome, 500);
        assert!(text.contains("500"), "{text}");
        assert_eq!(asked, 1);
    }

    fn an_error_of_the_api_ended_the_run_for_that_reason() {
        let (outcome, _) = failing(500, "broken inside", "0");
        assert_eq!(outcome.result()["terminal_reason"], "api_error", "{outcome:#?}");
        let (outcome, _) = failing(400, "prompt is too long: 300000 tokens > 200000 maximum", "0");
        assert_eq!(outcome.result()["terminal_reason"], "prompt_too_long", "{outcome:#?}");
    }

    fn a_retry_is_an_event_of_its_own() {
        let (outcome, asked) = failing(500, "broken inside", "1");
        text_of(&outcome, 500);
        assert_eq!(asked, 2);
        let retry = outcome.events().into_iter().find(|event| event["subtype"] == "api_retry");
        let retry = retry.unwrap_or_else(|| panic!("no api_retry: {outcome:#?}"));
        assert_eq!((&retry["attempt"], &retry["max_retries"]), (&json!(1), &json!(1)), "{retry:#}");
        assert_eq!(retry["error_status"], 500);
    }

    fn after_a_retry_that_works_nothing_is_left_of_the_error() {
        let tried = std::sync::atomic::AtomicBool::new(false);
        let world = World::new(move |_| match tried.swap(true, std::sync::atomic::Ordering::SeqCst) {
            true => Reply::text("at last"),
            false => Reply::error(529, "Overloaded"),
        });
        let run = world.claude(&["-p", "--output-format=json"]).env("CLAUDE_CODE_MAX_RETRIES", "2");
        run.stdin("hello").run().answered("at last");
    }

    fn a_session_limit_of_a_subscription_is_not_tried_again() {
        let world = World::new(|_| Reply::error_with(429, "limit reached", vec![
            ("retry-after", "3600".to_owned()),
            ("anthropic-ratelimit-unified-status", "rejected".to_owned()),
            ("anthropic-ratelimit-unified-reset", "4102444800".to_owned()),
            ("anthropic-ratelimit-unified-representative-claim", "five_hour".to_owned()),
        ]));
        let run = world.claude(&["-p", "--output-format=json"]).env("CLAUDE_CODE_MAX_RETRIES", "10");
        let outcome = run.stdin("hello").run();
        text_of(&outcome, 429);
        assert_eq!(world.stub.messages().len(), 1);
    }

    fn an_unreachable_api_says_so() {
        let world = World::saying("never");
        // Port 9 (discard) is served on no machine that runs tests.
        let run = world.claude(&["-p", "--output-format=json"]).env("ANTHROPIC_BASE_URL", "http://127.0.0.1:9");
        let outcome = run.stdin("hello").run();
        let text = text_of(&outcome, Value::Null);
        assert!(text.contains("API Error") && text.to_lowercase().contains("connect"), "{text}");
    }

    fn an_unknown_model_is_named() {
        let world = World::new(|_| Reply::error(404, "model: nonexistent-model"));
        let outcome = world.ask("hello", &["--model=nonexistent-model"]);
        let text = text_of(&outcome, 404);
        assert!(text.contains("nonexistent-model"), "{text}");
    }

    fn no_key_at_all_asks_for_a_login() {
        let world = World::saying("never");
        let outcome = world.claude(&["-p", "--output-format=json"]).env("ANTHROPIC_API_KEY", "").stdin("hello").run();
        let text = text_of(&outcome, Value::Null);
        assert!(text.contains("/login"), "{text}");
        assert!(world.stub.messages().is_empty());
    }
}
