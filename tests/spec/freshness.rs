//! The pages of `spec/` show what the spec says. A stale one is rewritten, and the test fails so that the change is seen.

use std::collections::BTreeSet;

use super::file::{MACHINES, directory};
use super::render::pages;

/// Where the pages are entered; written by hand.
const ENTRANCE: &str = "README.md";
/// A longer line is not read.
const MOST_CHARACTERS: usize = 240;

#[test]
fn the_pages_show_the_spec() {
    let mut stale = Vec::new();
    for page in pages() {
        let path = directory().join(&page.name);
        if std::fs::read_to_string(&path).ok().as_ref() != Some(&page.text) {
            std::fs::write(&path, &page.text).unwrap();
            stale.push(page.name);
        }
    }
    assert!(stale.is_empty(), "{stale:?} were stale and are rewritten: look at the difference and keep it");
}

#[test]
fn every_page_is_generated_or_the_entrance() {
    let wanted: BTreeSet<String> = pages().into_iter().map(|page| page.name).chain([ENTRANCE.to_owned()]).collect();
    let files = std::fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let strange: Vec<String> = files.filter(|name| name.ends_with(".md") && !wanted.contains(name)).collect();
    assert!(strange.is_empty(), "nothing generates {strange:?}");
}

#[test]
fn the_entrance_leads_to_every_page() {
    let text = std::fs::read_to_string(directory().join(ENTRANCE)).unwrap();
    for page in pages() {
        assert!(text.contains(&format!("]({})", page.name)), "{ENTRANCE} has no link to {}", page.name);
    }
    assert!(text.lines().count() <= 60, "{ENTRANCE} is one screen");
}

#[test]
fn no_line_of_a_page_is_too_long() {
    for page in pages() {
        for (number, line) in page.text.lines().enumerate() {
            let length = line.chars().count();
            assert!(length <= MOST_CHARACTERS, "{}:{}: {length} characters: {line}", page.name, number + 1);
        }
    }
}

/// No number has a unit that is not its own: what counts milliseconds says so in its name.
#[test]
fn numbers_have_their_units() {
    for machine in MACHINES {
        for (name, number) in &super::file::Spec::load(machine).numbers.0 {
            assert_eq!(name.ends_with("_ms"), number.unit == "ms", "{machine}: {name} is in {}", number.unit);
        }
    }
}
