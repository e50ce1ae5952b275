//! Answers that are shortened for their reader.

use agent_dispatch::machines::shorten::{result_last, to_fit};
use proptest::prelude::*;
use serde_json::{Value, json};

const REST: &str = "the whole: fetch_result(ref=\"r\")";
/// More than the keys and notes of the answers below take.
const SKELETON_CHARS: usize = 2_000;

fn length(value: &Value) -> usize {
    value.to_string().encode_utf16().count()
}

#[test]
fn what_is_short_comes_before_the_text() {
    let answer = json!({"agent": "a", "result": "long", "session_id": "s", "cost_usd": 1.0,
        "nested": [{"result": {"result": "deep", "hint": "h"}, "id": 1}], "parsed_result": {"result": 1, "z": 2}});
    let expected = "{\"agent\":\"a\",\"session_id\":\"s\",\"cost_usd\":1.0,\"nested\":[{\"id\":1,\"result\":{\"hint\":\"h\",\
        \"result\":\"deep\"}}],\"parsed_result\":{\"result\":1,\"z\":2},\"result\":\"long\"}";
    assert_eq!(result_last(answer).to_string(), expected);
}

#[test]
fn a_long_text_is_cut_and_says_where_the_rest_is() {
    let text = "0123456789".repeat(1_000);
    let short = to_fit(json!({"agent": "a", "parsed_result": [1], "result": text}), 1_000, REST);
    let cut = short["result"].as_str().unwrap();
    let (kept, note) = cut.split_once("\n[cut here: ").unwrap();
    assert_eq!(note, format!("{} of 10000 characters; {REST}]", kept.len()));
    assert!(text.starts_with(kept) && kept.len() > 800, "{} characters are kept", kept.len());
    assert_eq!((&short["agent"], short.get("parsed_result")), (&json!("a"), None));
    // A value without a text beside it is not said twice.
    let lone = json!({"parsed_result": [1], "items": [{"result": text}]});
    assert_eq!(to_fit(lone, 1_000, REST)["parsed_result"], json!([1]));
}

#[test]
fn several_texts_are_cut_alike_and_short_ones_stay() {
    let long = |letter: &str| letter.repeat(50_000);
    let answer = json!([{"result": long("a")}, {"result": "short"}, {"result": long("b")}, {"message": long("c")}]);
    let short = to_fit(answer, 10_000, REST);
    assert_eq!(short[1]["result"], "short");
    let kept = |value: &Value| value.as_str().unwrap().split_once('\n').unwrap().0.len();
    let lengths = [kept(&short[0]["result"]), kept(&short[2]["result"]), kept(&short[3]["message"])];
    assert!(lengths[0] > 3_000 && lengths.iter().all(|length| *length == lengths[0]), "{lengths:?}");
}

proptest! {
    #[test]
    fn what_fits_stays_and_what_does_not_is_made_to_fit(
        texts in prop::collection::vec("(?s)[a-z\"\\\\\u{1}é😀]{0,3000}", 0..4),
        max in SKELETON_CHARS..12_000,
    ) {
        let items = texts.iter().map(|text| json!({"agent": "a", "session_id": "s", "result": text}));
        let answer = Value::Array(items.collect());
        let short = to_fit(answer.clone(), max, REST);
        prop_assert!(length(&short) <= max, "{} of {max}", length(&short));
        if length(&answer) <= max {
            prop_assert_eq!(&short, &answer);
        }
        for (item, text) in short.as_array().unwrap().iter().zip(&texts) {
            prop_assert_eq!(&item["session_id"], "s");
            let told = item["result"].as_str().unwrap();
            let kept = told.split_once("\n[cut here: ").map_or(told, |(kept, _)| kept);
            prop_assert!(text.starts_with(kept));
        }
    }
}
