//! Versions of the claude CLI, and the places that repeat their numbers.

use agent_dispatch::machines::cli_version::{LOSSES, NEWEST, OLDEST, Version};

use crate::support::MIDDLE;

#[test]
fn what_claude_prints_is_read() {
    for (printed, version) in [
        ("2.1.332 (Claude Code)\n", Some(Version::new(2, 1, 332))),
        ("1.0.100", Some(Version::new(1, 0, 100))),
        ("2.2.0-beta.1 (Claude Code)", Some(Version::new(2, 2, 0))),
        ("2.1", None),
        ("2.1.3.4", None),
        ("claude 2.1.332", None),
        ("2.1.x", None),
        ("99999999999.1.1", None),
        ("", None),
    ] {
        assert_eq!(Version::parse(printed), version, "{printed:?}");
    }
}

#[test]
fn numbers_are_compared_and_not_texts() {
    assert!(Version::new(2, 1, 99) < Version::new(2, 1, 197));
    assert!(Version::new(2, 0, 400) < Version::new(2, 1, 0));
    assert!(Version::new(1, 9, 9).is_unsupported() && !OLDEST.is_unsupported());
    assert!(OLDEST < MIDDLE && MIDDLE < NEWEST);
}

#[test]
fn what_is_lost_is_told_of_the_versions_that_lose_it() {
    let lost = |version: Version| version.losses().count();
    assert_eq!(lost(NEWEST), 0);
    assert_eq!((lost(Version::new(2, 1, 318)), lost(Version::new(2, 1, 319))), (1, 0));
    assert_eq!((lost(Version::new(2, 1, 309)), lost(Version::new(2, 1, 310))), (2, 1));
    // Costs of resumed sessions were those of the run before 2.1.277.
    assert!(Version::new(2, 1, 276).losses().all(|loss| !loss.what.contains("cost")));
    assert!(LOSSES.iter().all(|loss| loss.below > OLDEST && loss.below <= NEWEST));
    assert!(LOSSES.is_sorted_by_key(|loss| loss.below));
}

#[test]
fn the_documents_repeat_the_numbers() {
    let read = |name: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        std::fs::read_to_string(path).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let readme = read("README.md");
    for loss in LOSSES {
        let span = match loss.from {
            Some(from) => format!("| {from} until {} | {} |", loss.below, loss.what),
            None => format!("| until {} | {} |", loss.below, loss.what),
        };
        assert!(readme.contains(&span), "README.md lacks: {span}");
    }
    let span = format!("{OLDEST}, {MIDDLE} and {NEWEST}");
    for name in ["README.md", "SECURITY.md"] {
        assert!(read(name).contains(&span), "{name} lacks: {span}");
    }
    assert!(read("tests/interop/run").contains(&format!("CLAUDE_VERSION={NEWEST} ")), "tests/interop/run");
    assert!(read("CONTRIBUTING.md").contains(&format!("CLI ({NEWEST})")), "CONTRIBUTING.md");
}

#[test]
fn a_cli_without_a_bound_is_started_without_the_schema() {
    use agent_dispatch::machines::dispatch::Run;
    use agent_dispatch::machines::flags::{Flag, Omission, Omitted};
    let run = Run::new(1000, 0).repairable();
    let omitted = run.on(Some(Version::new(2, 1, 196))).omitted;
    assert_eq!(omitted, Omitted::NOTHING.and(Omission::UnboundedSchema), "and not because it refused something");
    assert!(omitted.lacks(Flag::JsonSchema));
    for version in [None, Some(OLDEST), Some(NEWEST)] {
        assert_eq!(run.on(version), run, "{version:?}");
    }
}
