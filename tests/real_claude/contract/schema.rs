//! Answers that must follow a JSON schema.

use serde_json::json;

use crate::real_claude::real_tests;
use crate::real_claude::run::World;
use crate::real_claude::stub::Reply;

const SCHEMA: &str = r#"--json-schema={"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}"#;

real_tests! {
    fn an_answer_that_follows_the_schema_comes_as_a_value_and_as_text() {
        let world = World::new(|_| Reply::tool("StructuredOutput", json!({"n": 7})));
        let result = world.ask("count", &[SCHEMA]).answered(r#"{"n":7}"#);
        assert_eq!(result["structured_output"], json!({"n": 7}), "{result:#}");
        assert!(world.stub.messages()[0].tools().contains(&"StructuredOutput"));
    }

    fn a_schema_that_is_never_met_is_a_success_without_a_value() {
        let world = World::saying("no thanks");
        let result = world.ask("count", &[SCHEMA]).answered("no thanks");
        assert_eq!((&result["subtype"], result.get("structured_output")), (&json!("success"), None), "{result:#}");
        assert_eq!(world.stub.messages().len(), 2, "it is reminded once");
    }

    fn a_schema_that_is_always_missed_is_an_error_after_five_tries() {
        let world = World::new(|_| Reply::tool("StructuredOutput", json!({"n": "seven"})));
        let outcome = world.ask("count", &[SCHEMA]);
        let result = outcome.result();
        assert_eq!(outcome.code(), Some(1), "{outcome:#?}");
        assert_eq!(result["subtype"], "error_max_structured_output_retries", "{result:#}");
        assert_eq!(world.stub.messages().len(), 5);
    }

    fn a_run_that_missed_its_schema_ended_for_that_reason() {
        let world = World::new(|_| Reply::tool("StructuredOutput", json!({"n": "seven"})));
        let result = world.ask("count", &[SCHEMA]).result();
        assert_eq!(result["terminal_reason"], "structured_output_retry_exhausted", "{result:#}");
        assert!(result["errors"][0].as_str().unwrap().contains("/n: must be integer"), "{result:#}");
    }

    fn a_schema_with_an_unknown_keyword_or_dialect_is_refused() {
        let world = World::saying("never");
        world.ask("count", &[r#"--json-schema={"type":"object","x-foo":1}"#]).refused("x-foo");
        let dialect = r#"--json-schema={"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object"}"#;
        world.ask("count", &[dialect]).refused("2020-12");
        assert!(world.stub.messages().is_empty());
    }

    fn a_format_in_a_schema_is_taken() {
        let world = World::saying("plain");
        let schema = r#"--json-schema={"type":"object","properties":{"d":{"type":"string","format":"date-time"}}}"#;
        world.ask("count", &[schema]).answered("plain");
        assert!(world.stub.messages()[0].tools().contains(&"StructuredOutput"));
    }

    fn a_schema_that_is_no_json_is_refused() {
        let world = World::saying("never");
        world.ask("count", &["--json-schema={"]).refused("json-schema");
    }
}
