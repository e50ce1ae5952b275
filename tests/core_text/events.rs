use agent_dispatch::machines::events::{Init, McpServer, Reader, ResultEvent, Retry, Stop, StreamEvent};
use agent_dispatch_fuzz::events::{check_cuts, read as read_pieces};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::support::{read, result_of};

fn assistant(text: &str) -> String {
    json!({"type": "assistant", "message": {"content": [{"type": "text", "text": text}]}, "parent_tool_use_id": null})
        .to_string()
}

fn result_line(text: &str) -> String {
    json!({"type": "result", "subtype": "success", "is_error": false, "result": text, "num_turns": 1, "stop_reason": "end_turn"})
        .to_string()
}

#[test]
fn a_whole_run_is_seen_as_it_happens() {
    let stream = [
        r#"{"type":"system","subtype":"init","cwd":"/","session_id":"s1","tools":["Task","Bash"],"mcp_servers":[{"name":"t","status":"connected"},{"name":"u","status":"failed"}],"model":"m","permissionMode":"plan","claude_code_version":"2.1.332"}"#,
        r#"{"type":"system","subtype":"api_retry","attempt":1,"max_retries":10,"retry_delay_ms":510.15,"error_status":401,"error":"authentication_failed"}"#,
        r#"{"type":"assistant","message":{"content":[{"type":"tool_use","id":"x","name":"Bash","input":{"type":"text","text":"no"}}]},"parent_tool_use_id":null}"#,
        r#"{"type":"user","message":{"content":[]}}"#,
        r#"{"type":"system","subtype":"task_started"}"#,
        &assistant("hello"),
        r#"{"type":"result","subtype":"success","is_error":false,"api_error_status":null,"duration_ms":148,"num_turns":2,"result":"hi there","stop_reason":"end_turn","session_id":"s1","total_cost_usd":0.000175,"permission_denials":[{"tool_name":"Bash","tool_input":{"a":[1]}},{"tool_name":"Bash"},{"tool_name":"Write"}],"terminal_reason":"completed"}"#,
        "",
    ]
    .join("\n");
    let (seen, end) = read(&stream);
    let server = |name: &str, status: &str| McpServer { name: name.into(), status: status.into(), of_project: false };
    let expected = [
        StreamEvent::Init(Box::new(Init {
            session_id: Some("s1".into()),
            tools: 2,
            mcp_servers: vec![server("t", "connected"), server("u", "failed")],
            model: Some("m".into()),
            permission_mode: Some("plan".into()),
            cli_version: Some("2.1.332".into()),
        })),
        StreamEvent::Retry(Retry {
            attempt: Some(1),
            max_retries: Some(10),
            status: Some(401),
            error: "authentication_failed".into(),
        }),
        StreamEvent::ToolUse { name: "Bash".into(), subject: None },
        StreamEvent::Other,
        StreamEvent::Other,
        StreamEvent::AssistantText("hello".into()),
        StreamEvent::Result(Box::new(ResultEvent {
            subtype: "success".into(),
            is_error: false,
            result: Some("hi there".into()),
            session_id: Some("s1".into()),
            total_cost_usd: Some(0.000_175),
            duration_ms: Some(148),
            num_turns: Some(2),
            stop: Stop::Reason("end_turn".into()),
            permission_denials: vec!["Bash".into(), "Write".into()],
            terminal_reason: Some("completed".into()),
            ..ResultEvent::default()
        })),
    ];
    assert_eq!(seen, expected);
    assert_eq!(end.last_text.as_deref(), Some("hello"));
    assert!(!end.torn && end.stray.is_none());
}

#[test]
fn the_quirk_of_verbose_users_is_understood() {
    let events = format!("[{},\n {}, 7, null, {}]", assistant("a ] } \" b"), r#"{"type":"user"}"#, result_line("x"));
    for stream in [events.clone(), format!("{events}\n"), format!(" \u{feff}[ \n{}", &events[1..])] {
        let (seen, end) = read(&stream);
        let kinds: Vec<_> = seen.iter().map(std::mem::discriminant).collect();
        let expected =
            [StreamEvent::AssistantText(String::new()), StreamEvent::Other, StreamEvent::Result(Box::default())]
                .map(|s| std::mem::discriminant(&s));
        assert_eq!(kinds, expected, "{stream}");
        assert!(!end.torn && end.stray.is_none());
        // An escaped quote may be the first byte of a piece.
        check_cuts(stream.as_bytes(), stream.as_bytes().chunks(1));
    }
    assert_eq!(result_of(result_line("plain json")).unwrap().result.as_deref(), Some("plain json"));
}

#[test]
fn noise_does_not_hide_the_result() {
    for noise in [
        "Warning: x",
        "[SandboxDebug] y",
        "[",
        "{",
        "{\"type\":",
        "{\"a\":\"",
        "[{\"a\":\"x",
        "]",
        "\u{0}",
        "}{",
        "null",
        "\"x",
    ] {
        let stream = format!("{noise}\n{}\n", result_line("ok"));
        assert_eq!(result_of(&stream).and_then(|event| event.result).as_deref(), Some("ok"), "{noise}");
    }
    let (_, end) = read("Error: it\u{7} broke\n");
    assert_eq!(end.stray.as_deref(), Some("Error: it  broke"));
    let (_, end) = read("long ".repeat(100_000));
    assert_eq!(end.stray.map(|stray| stray.chars().count()), Some(499), "500 characters less the space at the end");
}

#[test]
fn a_result_with_the_type_late_is_a_result() {
    let event = result_of(r#" { "result" : "x" , "a": {"type":"user"}, "type" : "result" } "#).unwrap();
    assert_eq!(event.result.as_deref(), Some("x"));
}

/// StreamEvent on the real CLI: the total of a resumed session has everything that was paid before, what each result adds stands
/// beside it, model by model.
#[test]
fn the_cost_of_a_run_is_what_its_results_add() {
    let result = |total: f64, added: &str| {
        format!(r#"{{"type":"result","total_cost_usd":{total},"model_usage_since_last_result":{added}}}"#)
    };
    let first = result(5.25, r#"{"opus":{"costUSD":0.125,"inputTokens":1},"haiku":{"costUSD":0.125}}"#);
    assert_eq!(result_of(first.clone()).unwrap().cost_usd(), Some(0.25));
    let second = result(5.75, r#"{"opus":{"costUSD":0.5}}"#);
    assert_eq!(result_of(format!("{first}\n{second}")).unwrap().cost_usd(), Some(0.75));
    // A CLI that does not tell it, or tells nonsense: the total is the best there is.
    for told in ["{}", "null", "[1]", r#"{"opus":{"costUSD":"x"}}"#, r#"{"opus":{"costUSD":-1}}"#] {
        assert_eq!(result_of(result(0.5, told)).unwrap().cost_usd(), Some(0.5), "{told}");
    }
}

#[test]
fn the_last_of_several_results_counts_and_events_may_follow() {
    let stream = format!("{}\n{}\n{{\"type\":\"system\"}}\n", result_line("first"), result_line("second"));
    assert_eq!(result_of(stream).unwrap().result.as_deref(), Some("second"));
}

#[test]
fn sub_agents_and_api_errors_are_progress_but_never_the_answer() {
    let by_sub_agent =
        r#"{"type":"assistant","message":{"content":[{"type":"text","text":"sub"}]},"parent_tool_use_id":"toolu_1"}"#;
    let synthetic = r#"{"type":"assistant","message":{"model":"<synthetic>","content":[{"type":"text","text":"API Error"}]},"error":"rate_limit"}"#;
    let failed = r#"{"type":"assistant","message":{"content":[{"type":"text","text":"limit"}]},"error":"rate_limit"}"#;
    let (seen, end) = read(format!("{}\n{by_sub_agent}\n{synthetic}\n{failed}\n", assistant("mine")));
    let progress = ["sub", "API Error", "limit"].map(|text| StreamEvent::AssistantText(text.into()));
    assert_eq!(seen[1..], progress);
    assert_eq!(end.last_text.as_deref(), Some("mine"));
}

#[test]
fn each_field_of_the_wrong_type_is_lost_alone() {
    let bad = [
        "null",
        "true",
        "7",
        "-1",
        "1e999",
        "NaN",
        "-Infinity",
        "\"x\"",
        "[]",
        "{}",
        "[[{\"a\":[1]}]]",
        "\"\\ud800\"",
        "nonsense",
    ];
    for field in [
        "subtype",
        "is_error",
        "errors",
        "session_id",
        "total_cost_usd",
        "duration_ms",
        "num_turns",
        "stop_reason",
        "api_error_status",
        "permission_denials",
        "structured_output",
        "terminal_reason",
        "usage",
    ] {
        for value in bad {
            let line = format!(r#"{{"type":"result","{field}":{value},"result":"paid for","z":{value}}}"#);
            let event = result_of(&line).unwrap_or_else(|| panic!("lost: {line}"));
            assert_eq!(event.result.as_deref(), Some("paid for"), "{line}");
            assert!(event.total_cost_usd.is_none_or(|cost| (0.0..=1e6).contains(&cost)), "{line}");
        }
    }
    let lenient =
        result_of(r#"{"type":"result","is_error":"true","num_turns":"2","duration_ms":1234.5,"result":{"a":1}}"#)
            .unwrap();
    assert_eq!((lenient.is_error, lenient.num_turns, lenient.duration_ms), (true, Some(2), Some(1234)));
    assert_eq!(lenient.result.as_deref(), Some(r#"{"a":1}"#));
}

#[test]
fn a_stop_reason_that_is_null_differs_from_none() {
    let stop = |field: &str| result_of(format!(r#"{{"type":"result"{field}}}"#)).unwrap().stop;
    assert_eq!(stop(r#","stop_reason":null"#), Stop::Cut);
    assert_eq!(stop(""), Stop::NotReported);
    assert_eq!(stop(r#","stop_reason":"end_turn""#), Stop::Reason("end_turn".into()));
}

#[test]
fn broken_text_is_repaired_not_refused() {
    let decoded = |written: &[u8]| {
        let line = [br#"{"type":"result","result":""#, written, b"\"}\n"].concat();
        result_of(line).unwrap().result.unwrap()
    };
    assert_eq!(decoded(br"a\ud83db"), "a\u{fffd}b");
    assert_eq!(decoded(br"\udc00\ud83d\ud83d\ude00\ud83d\u0041"), "\u{fffd}\u{fffd}😀\u{fffd}A");
    assert_eq!(decoded(b"\xff\xc3\xa9\xe2\x82"), "\u{fffd}é\u{fffd}");
    assert_eq!(decoded(br#"\"\\\/\b\f\n\r\t\u0000"#), "\"\\/\u{8}\u{c}\n\r\t\0");
    assert_eq!(decoded(br"\x\uZZZZ"), "\\x\u{fffd}ZZZZ");
    assert_eq!(decoded(b"raw\ttab\x01"), "raw\ttab\u{1}");
}

#[test]
fn a_value_with_broken_text_is_repaired_too() {
    let line = [br#"{"type":"result","structured_output":{"a":"\ud83d","b":""#.as_slice(), b"\xff\"}}\n"].concat();
    assert_eq!(result_of(line).unwrap().structured_output, Some(json!({"a": "\u{fffd}", "b": "\u{fffd}"})));
}

#[test]
fn a_thousand_levels_are_text_like_any_other() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let line =
        format!(r#"{{"type":"result","usage":{deep},"structured_output":{deep},"result":"{deep}","num_turns":1}}"#);
    let event = result_of(line).unwrap();
    assert_eq!(event.result.as_deref(), Some(deep.as_str()));
    assert_eq!((event.structured_output, event.num_turns), (None, Some(1)));
}

#[test]
fn what_a_torn_stream_holds_is_kept() {
    let full = format!("{}\n{}", assistant("short"), result_line("a much longer text"));
    let cut = full.find("longer").unwrap() + 6;
    let (seen, end) = read(&full[..cut]);
    assert!(!seen.iter().chain(&end.seen).any(|seen| matches!(seen, StreamEvent::Result(_))));
    assert_eq!(end.last_text.as_deref(), Some("a much longer"));
    assert!(end.torn);
    let (_, end) = read(&full[..full.find("ort").unwrap()]);
    assert_eq!((end.last_text.as_deref(), end.torn), (Some("sh"), true));
    let (_, end) = read(&full);
    assert!(!end.torn && matches!(end.seen[..], [StreamEvent::Result(_)]), "a result without its newline is whole");
}

#[test]
fn memory_is_bounded_for_everything_but_the_answer() {
    let names: Vec<String> = (0..500).map(|n| format!("tool {n} {}", "x".repeat(500))).collect();
    let denials: Vec<Value> = names.iter().map(|name| json!({"tool_name": name})).collect();
    let event =
        result_of(json!({"type": "result", "permission_denials": denials, "errors": names}).to_string()).unwrap();
    assert_eq!(event.permission_denials.len(), 10);
    assert!(event.permission_denials.iter().all(|name| name.chars().count() == 100));
    assert!(event.errors.len() == 10 && event.session_id.is_none());
    let (seen, end) = read(assistant(&"é".repeat(5_000_000)));
    let [StreamEvent::AssistantText(text)] = &seen.into_iter().chain(end.seen).collect::<Vec<_>>()[..] else {
        panic!()
    };
    assert_eq!(text.chars().count(), 500);
    assert!(end.last_text.unwrap().len() <= 4 * 1024 * 1024);
}

#[test]
fn a_large_answer_comes_whole_in_any_pieces() {
    let text = "line \"q\" \\ é😀\n".repeat(500_000);
    let stream = format!("{}\n{}\n", assistant(&text), result_line(&text));
    for size in [1 << 16, 999_983] {
        let (seen, _) = read_pieces(stream.as_bytes().chunks(size));
        let Some(StreamEvent::Result(event)) = seen.last() else { panic!("no result at {size}") };
        assert_eq!(event.result.as_deref(), Some(text.as_str()), "{size}");
    }
}

#[test]
fn limits_do_not_depend_on_the_pieces() {
    let mut stream = Vec::new();
    for length in [60, 63, 64, 65, 2_040, 262_140, 262_150, 1_048_570, 1_048_600, 1_500_000] {
        stream.extend(format!("{}\n", "n".repeat(length)).bytes());
        stream.extend(format!("{{\"x\":\"{}\",\"type\":\"result\",\"result\":\"r\"}}\n", "y".repeat(length)).bytes());
        stream
            .extend(format!("{{\"type\":\"system\",\"x\":\"{}\",\"subtype\":\"init\"}}\n", "y".repeat(length)).bytes());
        stream.extend(format!("{{\"type\":\"user\",\"x\":\"{}\"}}\n", "y".repeat(length)).bytes());
    }
    for size in [1, 63, 64, 65, 4_096, 1_048_577] {
        check_cuts(&stream, stream.chunks(size));
    }
}

#[test]
fn the_last_text_can_be_read_while_it_grows() {
    let mut reader = Reader::new();
    assert_eq!(reader.last_text(), None);
    reader.push(format!("{}\n", assistant("one")).as_bytes());
    assert_eq!(reader.last_text(), Some("one"));
    reader.push(format!("{}\n", assistant(" ")).as_bytes());
    assert_eq!(reader.last_text(), Some("one"));
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[\\x00-\\x7f\u{2028}é😀]{0,6}".prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("(type|text|result|[a-z\"\\\\{]{0,3})", inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    /// On valid JSON the scanner sees what serde_json sees, whatever stands around it.
    #[test]
    fn texts_are_read_as_serde_json_reads_them(text in any::<String>(), before in any_value(), after in any_value(), pretty: bool) {
        let event = json!({"x": before, "type": "result", "y": after, "result": text, "z": before});
        let mut line = event.to_string();
        if pretty { line = line.replace("\",\"", "\" ,  \""); }
        let again: Value = serde_json::from_str(&line).unwrap();
        let read = result_of(&line).expect("a result was lost").result;
        prop_assert_eq!(read.as_deref(), again["result"].as_str());
    }

    #[test]
    fn pieces_make_no_difference(
        values in prop::collection::vec(any_value(), 0..5), array: bool, cuts in prop::collection::vec(1_usize..40, 1..20), lost in 0_usize..9,
    ) {
        let lines: Vec<String> = values.iter().map(Value::to_string).chain([assistant("é"), result_line("😀")]).collect();
        let stream = if array { format!("[{}]", lines.join(",")) } else { lines.join("\n") };
        let stream = &stream.as_bytes()[..stream.len().saturating_sub(lost)];
        let mut rest = stream;
        let pieces: Vec<&[u8]> = cuts.into_iter().cycle().map_while(|size| {
            let (piece, after) = rest.split_at(size.min(rest.len()));
            rest = after;
            (!piece.is_empty()).then_some(piece)
        }).collect();
        check_cuts(stream, pieces.into_iter());
    }

    #[test]
    fn a_number_is_read_exactly_or_not_at_all(cost in any::<f64>()) {
        let event = result_of(format!(r#"{{"type":"result","total_cost_usd":{cost:?}}}"#)).unwrap();
        let valid = (0.0..=1e6).contains(&cost);
        prop_assert_eq!(event.total_cost_usd, valid.then_some(cost));
    }
}
