//! The prompt on stdin: what arrives as it is, what the CLI keeps for itself, what it refuses.

use serde_json::Value;

use crate::real_claude::real_tests;
use crate::real_claude::run::World;

/// Largest prompt that the CLI takes from stdin.
const STDIN_LIMIT_BYTES: usize = 10 << 20;

real_tests! {
    fn an_empty_prompt_is_refused() {
        let world = World::saying("never");
        world.ask("", &[]).refused("Input must be provided");
        assert!(world.stub.messages().is_empty());
    }

    fn a_blank_prompt_is_refused() {
        let world = World::saying("never");
        let outcome = world.ask(" \n\t ", &[]);
        assert_eq!((outcome.end().as_str(), outcome.stdout.as_str()), ("1", ""), "{outcome:#?}");
        assert!(world.stub.messages().is_empty());
    }

    fn a_command_of_the_cli_never_reaches_the_model() {
        for prompt in ["/clear\nand then do this", "/help", "/cost"] {
            let world = World::saying("never");
            let outcome = world.ask(prompt, &[]);
            let result = outcome.result();
            assert_eq!((outcome.code(), &result["is_error"]), (Some(0), &false.into()), "{outcome:#?}");
            assert_eq!((&result["num_turns"], &result["stop_reason"]), (&0.into(), &Value::Null), "{result:#}");
            assert!(world.stub.messages().is_empty(), "{prompt}");
        }
    }

    fn a_leading_newline_sends_it() {
        let world = World::saying("seen");
        let result = world.ask("\n/clear\nand then do this", &[]).answered("seen");
        assert_eq!(result["num_turns"], 1);
        assert!(world.stub.messages()[0].says("/clear\nand then do this"));
    }

    fn an_unknown_command_is_sent_as_it_is() {
        let world = World::saying("seen");
        world.ask("/nosuch and then some", &[]).answered("seen");
        assert!(world.stub.messages()[0].says("/nosuch and then some"));
    }

    fn a_path_at_the_start_is_sent() {
        let world = World::saying("seen");
        world.ask("/etc/hosts is a file", &[]).answered("seen");
        assert!(world.stub.messages()[0].says("/etc/hosts is a file"));
    }

    fn a_prompt_that_reads_like_a_flag_is_only_a_prompt_on_stdin() {
        for prompt in ["--help", "- a bullet\n- another", "-p", "--"] {
            let world = World::saying("seen");
            world.ask(prompt, &[]).answered("seen");
            assert!(world.stub.messages()[0].user_texts().iter().any(|text| text.trim() == prompt), "{prompt}");
        }
    }

    fn two_hundred_kibibytes_arrive_whole() {
        let world = World::saying("seen");
        let prompt = format!("begin {} end", "x".repeat(200 << 10));
        world.ask(&prompt, &[]).answered("seen");
        assert!(world.stub.messages()[0].says(&prompt));
    }

    fn two_mebibytes_arrive_whole() {
        let world = World::saying("seen");
        let prompt = format!("begin {} end", "x ".repeat(1 << 20));
        world.ask(&prompt, &[]).answered("seen");
        assert!(world.stub.messages()[0].says(&prompt));
    }

    fn eight_mebibytes_are_taken_in_and_found_too_long_for_the_model() {
        let world = World::saying("never");
        let outcome = world.ask(&"x ".repeat(4 << 20), &[]);
        let result = outcome.result();
        assert_eq!((outcome.end().as_str(), &result["is_error"]), ("1", &true.into()), "{outcome:#?}");
        assert!(result["result"].as_str().unwrap().contains("too long"), "{result:#}");
        assert!(world.stub.messages().is_empty());
    }

    fn more_than_ten_mebibytes_are_refused() {
        let world = World::saying("never");
        world.ask(&"x".repeat(STDIN_LIMIT_BYTES + (1 << 20)), &[]).refused("10MB");
        assert!(world.stub.messages().is_empty());
    }

    fn invalid_utf8_is_replaced() {
        let world = World::saying("seen");
        let run = world.claude(&["-p", "--output-format=json"]).stdin(b"before \xff after".to_vec());
        run.run().answered("seen");
        assert!(world.stub.messages()[0].says("before \u{fffd} after"));
    }
}
