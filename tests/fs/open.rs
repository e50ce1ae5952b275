//! Files of unknown kind and size: opened without waiting, read up to a bound.

use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::net::UnixListener;

use agent_dispatch::fs::if_exists;
use agent_dispatch::fs::open::{OpenError, read_bounded, read_start, read_whole, regular, regular_with};
use proptest::prelude::*;

#[test]
fn only_regular_files_are_opened_and_a_fifo_is_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir(at("directory")).unwrap();
    crate::support::make_fifo(at("fifo"));
    let _socket = UnixListener::bind(at("socket")).unwrap();
    let kinds = [
        (at("directory"), "a directory"),
        (at("fifo"), "a FIFO"),
        (at("socket"), "a socket"),
        ("/dev/null".into(), "a device"),
    ];
    for (path, what) in kinds {
        match regular(&path) {
            Err(OpenError::Irregular(told)) => assert_eq!(told, what),
            other => panic!("{}: {other:?}", path.display()),
        }
        assert_eq!(read_start(&path, 10), None);
    }
    // Nobody reads from it, which an open for writing would wait for; one for both ends succeeds at once.
    for options in [OpenOptions::new().append(true), OpenOptions::new().read(true).append(true)] {
        assert!(regular_with(options, &at("fifo")).is_err());
    }
    assert!(regular(&at("none")).unwrap().is_none());
    fs::write(at("file"), "text").unwrap();
    let mut text = String::new();
    regular(&at("file")).unwrap().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "text");
}

#[test]
fn what_is_no_text_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, b"a\xffb").unwrap();
    assert_eq!(read_start(&path, 2), Some(("a\u{fffd}".to_owned(), true)));
    assert_eq!(read_start(&path, 3), Some(("a\u{fffd}b".to_owned(), false)));
}

#[test]
fn a_file_within_the_bound_is_read_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, "text").unwrap();
    assert_eq!(read_whole(&path, 4), Some("text".to_owned()));
    assert_eq!(read_whole(&path, 3), None);
    // The largest bound there is.
    assert_eq!(read_whole(&path, usize::MAX), Some("text".to_owned()));
}

#[test]
fn only_a_missing_file_is_none() {
    assert_eq!(if_exists(Ok(1)).unwrap(), Some(1));
    assert_eq!(if_exists::<()>(Err(io::ErrorKind::NotFound.into())).unwrap(), None);
    let denied = if_exists::<()>(Err(io::ErrorKind::PermissionDenied.into())).unwrap_err();
    assert_eq!(denied.kind(), io::ErrorKind::PermissionDenied);
}

proptest! {
    /// The start and whether there is more make up the whole.
    #[test]
    fn the_start_is_cut_at_the_bound(bytes in prop::collection::vec(any::<u8>(), 0..64), bound in 0_usize..80) {
        let (start, more) = read_bounded(bytes.as_slice(), bound).unwrap();
        prop_assert_eq!(&start, &bytes[..bound.min(bytes.len())]);
        prop_assert_eq!(more, bytes.len() > bound);
    }
}
