//! A file that is replaced in one step, in each degree of durability.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use agent_dispatch::fs::atomic::{Durability, replace};
use agent_dispatch::fs::owner_only::FILE_MODE;

const DEGREES: [Durability; 4] =
    [Durability::SyncedWithDirectory, Durability::Synced, Durability::Cached, Durability::Brief];

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_was_there_or_was_not_there_is_replaced_and_nothing_else_is_left() {
    for durability in DEGREES {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("record");
        for content in [&b"first"[..], b"second", b"", b"a longer third"] {
            replace(&path, content, durability).unwrap();
            assert_eq!(fs::read(&path).unwrap(), content, "{durability:?}");
            assert_eq!(names(directory.path()), ["record"], "{durability:?}");
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, FILE_MODE, "{durability:?}");
        }
    }
}

#[test]
fn a_link_is_replaced_and_what_it_led_to_stays() {
    for durability in DEGREES {
        let directory = tempfile::tempdir().unwrap();
        let (path, other) = (directory.path().join("record"), directory.path().join("other"));
        fs::write(&other, "other").unwrap();
        symlink(&other, &path).unwrap();
        replace(&path, b"new", durability).unwrap();
        assert!(fs::symlink_metadata(&path).unwrap().is_file(), "{durability:?}");
        assert_eq!((fs::read(&path).unwrap(), fs::read(&other).unwrap()), (b"new".to_vec(), b"other".to_vec()));
        assert_eq!(names(directory.path()), ["other", "record"], "{durability:?}");
    }
}

#[test]
fn a_directory_is_refused_and_stays() {
    for durability in DEGREES {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("record");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("file"), "kept").unwrap();
        assert!(replace(&path, b"new", durability).is_err(), "{durability:?}");
        assert_eq!(fs::read(path.join("file")).unwrap(), b"kept", "{durability:?}");
        assert_eq!(names(directory.path()), ["record"], "{durability:?}");
    }
}

#[test]
fn a_reader_sees_the_old_content_or_the_new_and_never_less() {
    const ROUNDS: usize = 500;
    const BYTES: usize = 20_000;
    for durability in [Durability::Cached, Durability::Brief] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("record");
        replace(&path, &[0; BYTES], durability).unwrap();
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let reader = scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let read = fs::read(&path).expect("the name always leads to a file");
                    assert_eq!(read.len(), BYTES);
                    assert!(read.iter().all(|byte| *byte == read[0]), "a mixture");
                }
            });
            for round in 0..ROUNDS {
                replace(&path, &[u8::try_from(round % 256).unwrap(); BYTES], durability).unwrap();
            }
            done.store(true, Ordering::Relaxed);
            reader.join().unwrap();
        });
    }
}
