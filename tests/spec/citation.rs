//! Every sentence of `invariants.yaml` is held by a test that cites it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::file::{Ordered, directory, root};

/// How a test cites: alone on a line.
const MARK: &str = "//= ";

#[test]
fn every_invariant_is_cited_and_every_citation_is_known() {
    let text = std::fs::read_to_string(directory().join("invariants.yaml")).unwrap();
    let invariants: Ordered<String> = serde_yaml::from_str(&text).unwrap();
    let declared: BTreeSet<String> = invariants.names().map(str::to_owned).collect();
    let mut cited = BTreeSet::new();
    for file in rust_files(&root().join("tests")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let marks = text.lines().filter_map(|line| line.trim_start().strip_prefix(MARK));
        cited.extend(marks.flat_map(|ids| ids.split_whitespace().map(str::to_owned).collect::<Vec<_>>()));
    }
    assert_eq!(cited, declared, "left: cited by tests; right: declared in invariants.yaml");
}

/// A citation that stands before no test holds nothing.
#[test]
fn every_citation_stands_before_a_test() {
    for file in rust_files(&root().join("tests")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (index, line) in lines.iter().enumerate().filter(|(_, line)| line.starts_with(MARK)) {
            let next = lines[index..].iter().find(|later| !later.starts_with("//"));
            let is_test = next.is_some_and(|next| *next == "#[test]" || next.starts_with("#[tokio::test"));
            assert!(is_test, "{}:{}: `{line}` stands before no test", file.display(), index + 1);
        }
    }
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The spec names tests as `tests/room/file.rs::name`: each is there, and is a test.
pub fn test_exists(citation: &str) {
    let (file, name) = citation.split_once("::").unwrap_or_else(|| panic!("`{citation}` names no test"));
    let path = root().join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{citation}: {error}"));
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let begins = [format!("fn {name}("), format!("async fn {name}(")];
    let found = lines.iter().position(|line| begins.iter().any(|begin| line.starts_with(begin)));
    let line = found.unwrap_or_else(|| panic!("{citation}: no such function"));
    let marks = lines[..line].iter().rev().take_while(|line| line.starts_with("#[") || line.starts_with("//"));
    let is_test = marks.into_iter().any(|mark| mark.contains("test"));
    assert!(is_test, "{citation}: not a test");
}
