//! The bodies of the fuzz targets, over their corpus and over random input.
//! Replay one file by hand: `fuzz/search 1 TARGET` builds the program, which takes the path of a file.

use std::path::Path;

use agent_dispatch_fuzz::TARGETS;
use proptest::prelude::*;

#[test]
fn records_are_played_with_every_event() {
    assert_eq!(agent_dispatch_fuzz::job_record::EVENTS, crate::spec::job::EVENTS);
}

#[test]
fn every_corpus_file_passes() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, body) in TARGETS {
        let mut files = 0;
        for entry in std::fs::read_dir(corpus.join(name)).unwrap() {
            body(&std::fs::read(entry.unwrap().path()).unwrap());
            files += 1;
        }
        assert!(files > 0, "{name} has no corpus");
    }
}

#[test]
fn every_target_has_a_program() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    for (name, _) in TARGETS {
        assert!(fuzz.join(format!("fuzz_targets/{name}.rs")).is_file(), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
    let programs = std::fs::read_dir(fuzz.join("fuzz_targets")).unwrap().count();
    assert_eq!(programs, TARGETS.len());
}

proptest! {
    #[test]
    fn random_bytes_pass(data in prop::collection::vec(any::<u8>(), 0..400)) {
        for (_, body) in TARGETS {
            body(&data);
        }
    }

    /// Bytes that mean something to JSON come more often than by chance.
    #[test]
    fn random_json_like_streams_pass(data in "[\\x00-\\x20]?([\\[\\]{}\",:\\\\ \nu0d8tfn1eE.-]|\"type\":|\"result\"|\"assistant\"|\"message\":|\"content\":|\"text\":){0,60}") {
        agent_dispatch_fuzz::events::check(data.as_bytes());
    }

    /// Pieces of messages.
    #[test]
    fn random_messages_pass(text in "\\{(\"jsonrpc\":\"2\\.0\"|\"id\":(1|\"a\"|null|1\\.5|\\[\\])|\"method\":(\"ping\"|\"tools/call\"|\"x\"|5)|\"params\":(\\{\\}|\\[\\]|null|\\{\"name\":\"dispatch\",\"arguments\":\\{\"agent\":\"a\",\"task\":[1-3]\\}\\})|\"result\":\\{\\}|\"error\":\\{\\}|,){0,10}\\}") {
        agent_dispatch_fuzz::mcp_line::check(text.as_bytes());
    }

    /// Pieces of a record.
    #[test]
    fn random_records_pass(text in "\\{\"id\":\"0123456789abcdef0123456789abcdef\",\"agent\":\"a\",\"task\":\"t\",\"created_at\":[0-9]{1,3},\"status\":\"(pending|running|done|failed|cancelled)\"(,\"(phase\":\"(adopted|resuming|stopping|x)\"|result\":(null|5|\\{\\}|\\{\"success\":true\\})|[a-c]\":[0-9]|progress\":\\[\"p\"\\]|resumptions\":[0-9]{1,3}|delivery\":\"(answer|call)\")){0,6}\\}") {
        agent_dispatch_fuzz::job_record::check(text.as_bytes());
    }

    /// Pieces of a configuration, in any order and depth.
    #[test]
    fn random_configurations_pass(text in "(agents:|settings:|groups:|\\n|\\n  |\\n    | |a:|b-1:|'c':|directory: /x|timeout: [0-9x-]{1,3}|instructions: \\||# note|\\[|\\]|\\{|\\}|&x |\\*x|<<: \\*x|, |\"|\r\n){0,30}") {
        agent_dispatch_fuzz::agents_yaml::check(text.as_bytes());
    }

    #[test]
    fn random_fields_pass(fields in prop::collection::vec("(-{0,2}[a-z=, ()*\n\t]{0,6}|--model|-p|--|\\PC{0,5}|[0-9.eE-]{1,4})", 2..10)) {
        let mut fields: Vec<Vec<u8>> = fields.into_iter().map(String::into_bytes).collect();
        if fields[1].is_empty() {
            fields[1] = b"title".to_vec();
        }
        agent_dispatch_fuzz::command_line::check(&fields.join(&0xff));
    }
}
