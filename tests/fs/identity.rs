//! Names and handles that lead to the same file, or no more.

use std::fs::{self, File};
use std::os::unix::fs::symlink;

use agent_dispatch::fs::identity::{Identity, is_at};

#[test]
fn a_file_is_known_under_every_name_that_it_has() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let file = File::create(at("file")).unwrap();
    fs::hard_link(at("file"), at("second")).unwrap();
    symlink("file", at("link")).unwrap();
    for name in ["file", "second", "link"] {
        assert!(is_at(&file, &at(name)).unwrap(), "{name}");
        assert_eq!(Identity::at(&at(name)).unwrap(), Some(Identity::of(&file).unwrap()), "{name}");
    }
}

#[test]
fn another_file_of_its_name_and_none_are_not_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let file = File::create(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert!(!is_at(&file, &path).unwrap());
    assert_eq!(Identity::at(&path).unwrap(), None);
    fs::write(&path, "another").unwrap();
    assert!(!is_at(&file, &path).unwrap());
}

#[test]
fn what_keeps_a_name_from_being_looked_at_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let file = File::create(&path).unwrap();
    assert!(is_at(&file, &path.join("below a file")).is_err());
}
