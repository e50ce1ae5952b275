//! Config files that are no proper files, and reading only what changed.
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use agent_dispatch::config::cached::Cached;
use agent_dispatch::config::model::Config;
use agent_dispatch::config::read::{ConfigFault, MAX_CONFIG_BYTES, load};

#[test]
fn a_missing_file_is_an_empty_config() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(load(&directory.path().join("no/agents.yaml"), None), Ok(Config::default()));
}

#[test]
fn what_is_no_file_is_refused_without_waiting() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    std::fs::create_dir(path("dir")).unwrap();
    crate::support::make_fifo(path("fifo"));
    let _socket = UnixListener::bind(path("socket")).unwrap();
    for (name, kind) in [("dir", "a directory"), ("fifo", "a FIFO"), ("socket", "a socket")] {
        assert_eq!(load(&path(name), None).unwrap_err().fault, ConfigFault::NotAFile(kind));
    }
    assert_eq!(load("/dev/zero".as_ref(), None).unwrap_err().fault, ConfigFault::NotAFile("a device"));
}

#[test]
fn bad_bytes_and_sizes_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("agents.yaml");
    std::fs::write(&path, b"agents:\n  \xc3\xa9: {}\n  b\xff: 1\n").unwrap();
    let error = load(&path, None).unwrap_err();
    assert_eq!((error.fault.clone(), error.line, error.column), (ConfigFault::NotUtf8(0xff), Some(3), Some(4)));
    assert!(error.to_string().contains("line 3, column 4"), "{error}");
    std::fs::write(&path, "#".repeat(10 * 1024 * 1024)).unwrap();
    assert_eq!(load(&path, None).unwrap_err().fault, ConfigFault::TooLarge);
    std::fs::write(&path, "#".repeat(MAX_CONFIG_BYTES)).unwrap();
    assert_eq!(load(&path, None), Ok(Config::default()));
    std::fs::write(&path, "\u{feff}agents: {}\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>())
        .unwrap();
    assert!(matches!(load(&path, None).unwrap_err().fault, ConfigFault::NotUtf8(_)));
}

/// Gives the file times of long ago, so that its state counts as settled.
fn settle(path: &std::path::Path, seconds_ago: u64) {
    let time = SystemTime::now() - Duration::from_secs(seconds_ago);
    std::fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

#[test]
fn the_cached_reader_parses_again_exactly_when_the_file_changed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("agents.yaml");
    let cached = Cached::new(path.clone(), None);
    assert!(cached.load().unwrap().agents.is_empty());
    std::fs::write(&path, "agents: {a: {directory: /x}}\n").unwrap();
    settle(&path, 60);
    let first = cached.load().unwrap();
    assert!(Arc::ptr_eq(&first, &cached.load().unwrap()), "the same file is not parsed again");
    std::fs::write(&path, "agents: {b: {directory: /x}}\n").unwrap();
    settle(&path, 60);
    assert!(cached.load().unwrap().agent("b").is_some(), "a change of the same size is seen");
    std::fs::write(&path, "agents: [\n").unwrap();
    assert!(cached.load().is_err() && cached.load().is_err());
    std::fs::write(&path, "agents: {c: {directory: /x}}\n").unwrap();
    assert!(cached.load().unwrap().agent("c").is_some());
    std::fs::remove_file(&path).unwrap();
    assert!(cached.load().unwrap().agents.is_empty());
}

#[test]
fn a_write_within_the_same_clock_tick_is_seen() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("agents.yaml");
    let cached = Cached::new(path.clone(), None);
    for index in 0..200 {
        let name = format!("a{:03}", index);
        std::fs::write(&path, format!("agents: {{{name}: {{directory: /x}}}}\n")).unwrap();
        assert!(cached.load().unwrap().agent(&name).is_some(), "write {index} was missed");
    }
}
