use std::collections::HashSet;

use agent_dispatch::machines::ids::{IdError, JobId, MAX_SESSION_REF_BYTES, SessionRef};
use agent_dispatch_fuzz::ids::{check_job, check_sessions};
use proptest::prelude::*;

use super::support::UUID;

#[test]
fn a_job_id_is_32_lowercase_hex_characters_and_nothing_else() {
    let id = "0123456789abcdef0123456789abcdef";
    assert_eq!(JobId::try_from(id).unwrap().to_string(), id);
    let bad = [
        "",
        "0123456789abcdef0123456789abcde",
        "0123456789abcdef0123456789abcdef0",
        "0123456789ABCDEF0123456789abcdef",
        "0123456789abcdef0123456789abcdef\n",
        " 123456789abcdef0123456789abcdef",
        "../0123456789abcdef0123456789abc",
        "g123456789abcdef0123456789abcdef",
        "44c1d7c7-0000-4000-8000-00000000",
        "٠123456789abcdef0123456789abcde",
    ];
    for text in bad {
        let error = JobId::try_from(text).unwrap_err();
        assert!(error.to_string().contains("32 lowercase hexadecimal"), "{error}");
    }
}

#[test]
fn job_ids_travel_as_text() {
    let id = JobId::from_bytes([0xab; 16]);
    let json = serde_json::to_string(&id).unwrap();
    assert_eq!(json, format!("\"{}\"", "ab".repeat(16)));
    assert_eq!(serde_json::from_str::<JobId>(&json).unwrap(), id);
    assert!(serde_json::from_str::<JobId>("\"../x\"").is_err());
    assert!(serde_json::from_str::<JobId>("7").is_err());
}

#[test]
fn session_references_that_could_do_harm_are_refused() {
    assert_eq!(SessionRef::try_from(""), Err(IdError::EmptySession));
    assert_eq!(SessionRef::try_from(" \u{feff}"), Err(IdError::EmptySession));
    assert!(matches!(SessionRef::try_from("--model"), Err(IdError::SessionLikeFlag { .. })));
    assert!(matches!(SessionRef::try_from("-"), Err(IdError::SessionLikeFlag { .. })));
    assert!(matches!(SessionRef::try_from("a\nb"), Err(IdError::SessionControl { code: 0x0a, .. })));
    assert!(matches!(SessionRef::try_from("a\u{9b}b"), Err(IdError::SessionControl { code: 0x9b, .. })));
    let long = "x".repeat(MAX_SESSION_REF_BYTES);
    assert!(SessionRef::try_from(long.as_str()).is_ok());
    assert_eq!(SessionRef::try_from(format!("{long}x").as_str()), Err(IdError::SessionTooLong { bytes: 201 }));
}

#[test]
fn titles_and_uuids_of_either_case_are_sessions() {
    for (text, uuid) in [(UUID, true), ("My session: é/ü", false), ("x44c1d7c-0000-4000-8000-00000000000a", false)] {
        assert_eq!(SessionRef::try_from(text).unwrap().is_uuid(), uuid, "{text}");
    }
    assert!(SessionRef::try_from(UUID.to_uppercase().as_str()).unwrap().is_uuid());
    assert_eq!(SessionRef::try_from(UUID).unwrap().lock_name(), format!("s-{UUID}"));
}

#[test]
fn the_longest_references_have_names_of_their_own() {
    let texts: Vec<String> = vec![
        "/".repeat(200),
        "/".repeat(199),
        "é".repeat(100),
        "é".repeat(99),
        "A".repeat(200),
        "x".repeat(200),
        format!("{}\u{10ffff}", "/".repeat(196)),
    ];
    let names: HashSet<String> =
        texts.iter().map(|text| SessionRef::try_from(text.as_str()).unwrap().lock_name()).collect();
    assert_eq!(names.len(), texts.len());
    texts.iter().for_each(|text| check_sessions(text, text));
}

proptest! {
    #[test]
    fn all_job_ids_read_back(bytes: [u8; 16]) {
        let id = JobId::from_bytes(bytes);
        prop_assert_eq!(JobId::try_from(id.to_string().as_str()), Ok(id));
        check_job(&id.to_string());
    }

    #[test]
    fn different_sessions_have_different_locks(
        one in "[%/.A-Ca-c-é ]{1,100}",
        other in "[%/.A-Ca-c-é ]{1,100}",
    ) {
        check_sessions(&one, &other);
    }

    #[test]
    fn errors_stay_short(text in "\\PC{0,400}") {
        if let Err(error) = JobId::try_from(text.as_str()) {
            prop_assert!(error.to_string().chars().count() < 300);
        }
    }
}
