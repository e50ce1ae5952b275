//! What a run is doing, in a line, and when.

use agent_dispatch::machines::activity::{Activity, LINE_CHARS, deed, tool_use};
use agent_dispatch::machines::time::iso8601;
use proptest::prelude::*;

fn line(turn: u64, doing: Option<&str>, cost_usd: Option<f64>) -> String {
    Activity { turn, doing: doing.map(str::to_owned), cost_usd, ..Activity::default() }.line()
}

#[test]
fn a_line_holds_what_is_known() {
    assert_eq!(line(3, Some("Edit src/x.rs"), Some(0.02)), "turn 3 · Edit src/x.rs · $0.02");
    assert_eq!(line(3, None, None), "turn 3");
    assert_eq!(line(0, Some("  "), Some(1.0)), "$1.00");
    assert_eq!(line(0, None, None), "");
}

#[test]
fn what_a_tool_is_used_for_is_seen_from_the_agents_directory() {
    for (subject, shown) in [
        ("/srv/infra/src/x.rs", "Edit src/x.rs"),
        ("/srv/infrastructure/x.rs", "Edit /srv/infrastructure/x.rs"),
        ("/srv/infra", "Edit /srv/infra"),
        ("cargo test\n--all", "Edit cargo test"),
    ] {
        assert_eq!(tool_use("Edit", Some(subject), "/srv/infra/"), shown, "{subject}");
    }
    assert_eq!(tool_use("Bash", None, "/srv"), "Bash");
    assert_eq!(deed("\n  First words\nand more"), "First words");
}

#[test]
fn points_in_time_are_told_as_iso_8601() {
    for (seconds, shown) in [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (951_782_399.5, "2000-02-28T23:59:59.500Z"),
        (951_782_400.0, "2000-02-29T00:00:00.000Z"),
        (1_795_264_359.125, "2026-11-21T12:32:39.125Z"),
        (-5.0, "1970-01-01T00:00:00.000Z"),
        (f64::NAN, "1970-01-01T00:00:00.000Z"),
        (f64::INFINITY, "9999-12-31T23:59:59.000Z"),
    ] {
        assert_eq!(iso8601(seconds), shown, "{seconds}");
    }
}

proptest! {
    #[test]
    fn a_line_is_one_line_and_bounded(turn: u64, doing: String, subject: String, cost: f64) {
        for deed in [doing.clone(), tool_use(&doing, Some(&subject), "/srv")] {
            let line = line(turn, Some(&deed), Some(cost));
            prop_assert!(line.chars().count() <= LINE_CHARS && !line.chars().any(char::is_control), "{:?}", line);
        }
    }
}
