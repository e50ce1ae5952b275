//! `spec/README.md` shows what the spec says. A stale one is rewritten, and the test fails so that the change is seen.

use super::file::directory;
use super::render::generated;

/// Everything after this line is generated.
const MARK: &str =
    "<!-- Generated from the files of this directory by the test spec::freshness; not to be edited. -->\n";

#[test]
fn the_readme_shows_the_spec() {
    let path = directory().join("README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (written, _) = text.split_once(MARK).unwrap_or_else(|| panic!("{}: the line `{MARK}` is gone", path.display()));
    let wanted = format!("{written}{MARK}{}", generated());
    if text != wanted {
        std::fs::write(&path, &wanted).unwrap();
        panic!("{} was stale and is rewritten: look at the difference and keep it", path.display());
    }
}
