//! Identifiers: whatever a caller hands in, no path outside the job directory is ever formed.

use std::path::{Component, Path};

use agent_dispatch::machines::ids::{JobId, MAX_FILE_NAME_BYTES, SessionRef};

/// Reads the bytes as a job id and, cut at the first newline, as two session references.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    check_job(&text);
    match text.split_once('\n') {
        Some((one, other)) => check_sessions(one, other),
        None => check_sessions(&text, &text),
    }
}

/// A job id is the whole text, and its names are names.
///
/// # Panics
/// When a path could leave the directory.
pub fn check_job(text: &str) {
    let Ok(id) = JobId::try_from(text) else { return };
    assert_eq!(id.to_string(), text, "an id that is written otherwise");
    assert!(text.len() == 32 && text.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c)));
    for name in [id.file_name(), id.folder_name()] {
        assert_is_name(&name);
        assert!(name.starts_with(text));
    }
    assert_ne!(id.file_name(), id.folder_name());
}

/// Lock names are names, and differ for different sessions.
///
/// # Panics
/// When a path could leave the directory, or two sessions share a lock.
pub fn check_sessions(one: &str, other: &str) {
    let (Ok(one), Ok(other)) = (SessionRef::try_from(one), SessionRef::try_from(other)) else { return };
    assert!(!one.as_str().starts_with('-') && !one.as_str().chars().any(char::is_control));
    assert_is_name(&one.lock_name());
    assert_eq!(one == other, one.lock_name() == other.lock_name(), "{one:?} and {other:?}");
}

fn assert_is_name(name: &str) {
    assert!(!name.is_empty() && name.len() <= MAX_FILE_NAME_BYTES, "{} bytes", name.len());
    assert!(name.is_ascii() && !name.contains(['/', '\\', '\0']), "{name:?}");
    let mut components = Path::new(name).components();
    assert!(matches!(components.next(), Some(Component::Normal(_))) && components.next().is_none(), "{name:?}");
}
