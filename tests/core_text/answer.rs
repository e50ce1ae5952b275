use agent_dispatch::machines::answer::{Answer, ErrorType, Outcome, parse_json};
use agent_dispatch::machines::cache::cacheable;
use proptest::prelude::*;
use serde_json::{Value, json};
use strum::VariantArray;

#[test]
fn keys_come_in_the_order_of_the_contract_and_absent_ones_are_left_out() {
    let mut answer = Answer::success("infra", "ok");
    assert_eq!(serde_json::to_string(&answer).unwrap(), r#"{"agent":"infra","success":true,"result":"ok"}"#);
    answer.session_id = Some("s".into());
    answer.cost_usd = Some(0.1);
    answer.duration_ms = Some(1);
    answer.num_turns = Some(2);
    answer.outcome = Some(Outcome::Done);
    answer.parsed_result = Some(json!([1]));
    answer.denied_tools = Some(vec!["Bash".into()]);
    answer.hint = Some("h".into());
    answer.budget_exceeded = Some(true);
    answer.cached = Some(true);
    let json = serde_json::to_string(&answer).unwrap();
    assert_eq!(
        json,
        r#"{"agent":"infra","success":true,"result":"ok","session_id":"s","cost_usd":0.1,"duration_ms":1,"num_turns":2,"outcome":"done","parsed_result":[1],"denied_tools":["Bash"],"hint":"h","budget_exceeded":true,"cached":true}"#
    );
    let failure = serde_json::to_string(&Answer::failure("a", ErrorType::UsageLimit, "e")).unwrap();
    assert_eq!(failure, r#"{"agent":"a","success":false,"result":"","error":"e","error_type":"usage_limit"}"#);
}

#[test]
fn error_types_are_written_as_callers_expect() {
    let written: Vec<String> = ErrorType::VARIANTS.iter().map(|kind| serde_json::to_string(kind).unwrap()).collect();
    let expected = [
        "permission",
        "timeout",
        "recursion",
        "not_found",
        "budget",
        "usage_limit",
        "schema_mismatch",
        "cancelled",
        "cli_error",
    ];
    assert_eq!(written, expected.map(|word| format!("\"{word}\"")));
    assert_eq!(ErrorType::VARIANTS.iter().map(|kind| kind.as_str()).collect::<Vec<_>>(), expected);
}

#[test]
fn answers_of_other_versions_are_readable() {
    let text =
        r#"{"agent":"a","success":false,"result":null,"error":"e","error_type":"new_kind","cost_usd":null,"x":1}"#;
    let answer: Answer = serde_json::from_str(text).unwrap();
    assert_eq!((answer.result.as_str(), answer.error_type), ("", Some(ErrorType::CliError)));
}

#[test]
fn only_clean_successes_are_clean() {
    let clean = Answer { num_turns: Some(1), ..Answer::success("a", "x") };
    assert!(cacheable(&clean));
    assert!(!cacheable(&Answer::success("a", "x")), "a text without any figure may be anything");
    assert!(cacheable(&Answer { outcome: Some(Outcome::Done), ..clean.clone() }));
    let unclean = [
        Answer { success: false, ..clean.clone() },
        Answer { denied_tools: Some(vec!["Bash".into()]), ..clean.clone() },
        Answer { budget_exceeded: Some(true), ..clean.clone() },
        Answer { outcome: Some(Outcome::Partial), ..clean.clone() },
        Answer { outcome: Some(Outcome::Blocked), ..clean },
    ];
    assert!(unclean.iter().all(|answer| !cacheable(answer)));
}

#[test]
fn json_is_found_inside_what_agents_put_around_it() {
    let value = json!({"a": [1, 2]});
    for text in [
        "{\"a\":[1,2]}",
        "\u{feff} {\"a\":[1,2]}\n",
        "```json\n{\"a\":[1,2]}\n```",
        "```\n{\"a\":[1,2]}\n```\n",
        "~~~json\n{\"a\":[1,2]}\n~~~",
        "```json\n{\"a\":[1,2]}",
        "{\"a\":[1,2]}\nSTATUS: done",
        "```json\n{\"a\":[1,2]}\n```\n\n**STATUS: done**",
    ] {
        assert_eq!(parse_json(text).as_ref(), Some(&value), "{text}");
    }
    for text in ["", "null", "here: {\"a\":1}", "{\"a\":1} {\"b\":2}", "```", "```json", "STATUS: done"] {
        assert_eq!(parse_json(text), None, "{text}");
    }
}

/// JavaScript writes half a pair where a text was cut; the rest of the answer is none the worse for it.
#[test]
fn half_a_surrogate_pair_costs_no_value() {
    for (written, read) in [
        (r#"{"a":"\ud83d"}"#, "\u{fffd}"),
        (r#"{"a":"\uDE00"}"#, "\u{fffd}"),
        (r#"{"a":"x\ud83d\u0041"}"#, "x\u{fffd}A"),
        (r#"{"a":"\ude00\ud83d\ud83d\ude00"}"#, "\u{fffd}\u{fffd}😀"),
        // The backslash is escaped itself: these are letters.
        (r#"{"a":"\ud83d \\ud83d é\\"}"#, "\u{fffd} \\ud83d é\\"),
        ("```json\n{\"a\":\"\\ud83d\"}\n```", "\u{fffd}"),
        ("{\"a\":\"\\ud83d\"}\nSTATUS: done", "\u{fffd}"),
    ] {
        assert_eq!(parse_json(written), Some(json!({"a": read})), "{written}");
    }
    for broken in [r#"{"a":"\ud83d"#, r#"{"a":\ud83d}"#, r#"{"a":"\ud83"}"#, r#"\ud83d\"#] {
        assert_eq!(parse_json(broken), None, "{broken}");
    }
}

#[test]
fn deep_json_is_no_value_and_no_crash() {
    assert_eq!(parse_json(&"[".repeat(1_000_000)), None);
    assert_eq!(parse_json(&format!("{}{}", "[".repeat(1_000), "]".repeat(1_000))), None);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,5}".prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 12, 3, |inner| prop::collection::vec(inner, 1..3).prop_map(Value::from))
        .prop_filter("null says nothing", |value| !value.is_null())
}

proptest! {
    #[test]
    fn answers_survive_writing_and_reading(
        success: bool, result in any::<String>(), error in prop::option::of(any::<String>()),
        kind in prop::option::of(prop::sample::select(ErrorType::VARIANTS)), cost in prop::option::of(0.0..1e6_f64),
        turns in prop::option::of(any::<u64>()), outcome in prop::option::of(prop::sample::select(&Outcome::ALL[..])),
        parsed in prop::option::of(any_json()), denied in prop::option::of(prop::collection::vec(any::<String>(), 1..3)),
        flag in prop::option::of(any::<bool>()),
    ) {
        let answer = Answer {
            agent: "a".into(), success, result, error, error_type: kind, limit_resets_at: None, session_id: None, cost_usd: cost,
            duration_ms: turns, num_turns: turns, outcome, parsed_result: parsed, denied_tools: denied, hint: None,
            budget_exceeded: flag, cached: flag,
        };
        let json = serde_json::to_string(&answer).unwrap();
        prop_assert_eq!(serde_json::from_str::<Answer>(&json).unwrap(), answer);
        prop_assert!(!json.contains(":null,"));
    }

    #[test]
    fn any_json_value_is_found(value in any_json(), fence: bool, status: bool) {
        let mut text = value.to_string();
        if fence { text = format!("```json\n{text}\n```"); }
        if status { text.push_str("\nSTATUS: done"); }
        prop_assert_eq!(parse_json(&text), Some(value));
    }
}
