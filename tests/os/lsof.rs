//! Current directories, as `lsof` tells them.

use std::collections::BTreeMap;
use std::path::PathBuf;

#[cfg(target_vendor = "apple")]
use agent_dispatch::os::reading::lsof::OPTIONS;
use agent_dispatch::os::reading::lsof::directories;

#[test]
fn a_directory_belongs_to_the_process_above_it() {
    let answer = "p411\nfcwd\nn/Users/a/work/shop\np412\nfcwd\nn/Users/a/with space\np413\nfcwd\nn/Users/a/\\xe9\n\
                  p414\nfcwd\nncannot read\nnoise\npx\nn/nobody\n";
    let expected = [(411, "/Users/a/work/shop"), (412, "/Users/a/with space")];
    assert_eq!(directories(answer), BTreeMap::from(expected.map(|(pid, path)| (pid, PathBuf::from(path)))));
    assert_eq!(directories(""), BTreeMap::new());
}

/// The real one, with the options that are passed.
#[cfg(target_vendor = "apple")]
#[test]
fn the_real_one_answers_so() {
    let own = std::process::id();
    let output = std::process::Command::new("/usr/sbin/lsof").args(OPTIONS).arg(own.to_string()).output().unwrap();
    let found = directories(&String::from_utf8_lossy(&output.stdout));
    let own = i32::try_from(own).unwrap();
    assert_eq!(found.get(&own), Some(&std::env::current_dir().unwrap().canonicalize().unwrap()), "{output:?}");
}
