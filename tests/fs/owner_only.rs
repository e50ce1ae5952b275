//! What is created for its owner only.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use agent_dispatch::fs::owner_only;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn what_is_created_is_for_its_owner_only() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    owner_only::create_directory(&at("a/b")).unwrap();
    owner_only::create_new_directory(&at("c")).unwrap();
    assert_eq!([mode(&at("a")), mode(&at("a/b")), mode(&at("c"))], [owner_only::DIRECTORY_MODE; 3]);
    owner_only::create_new(&at("new")).unwrap();
    owner_only::create_or_open(&at("open")).unwrap();
    owner_only::create_or_append(&at("append")).unwrap();
    assert_eq!([mode(&at("new")), mode(&at("open")), mode(&at("append"))], [owner_only::FILE_MODE; 3]);
    assert_eq!((owner_only::FILE_MODE | owner_only::DIRECTORY_MODE) & owner_only::OTHERS, 0);
}

#[test]
fn what_is_there_stays_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    assert!(owner_only::create_new(&path).is_err());
    drop(owner_only::create_or_open(&path).unwrap());
    owner_only::create_or_append(&path).unwrap().write_all(b" and new").unwrap();
    assert_eq!((fs::read_to_string(&path).unwrap(), mode(&path)), ("old and new".to_owned(), 0o640));
    owner_only::create_directory(directory.path()).unwrap();
    assert!(owner_only::create_new_directory(directory.path()).is_err());
}

#[test]
fn a_directory_that_takes_nothing_is_told_and_a_probe_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    owner_only::check_creatable(directory.path()).unwrap();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    assert!(owner_only::check_creatable(Path::new("/proc")).is_err());
}
