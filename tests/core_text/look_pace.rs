//! How fast the looks at a job follow each other.

use agent_dispatch::machines::look_pace::LookPace;

fn pauses(pace: &mut LookPace, looks: usize) -> Vec<u64> {
    (0..looks).map(|_| pace.pause_after(49).unwrap_or_default()).collect()
}

#[test]
fn looks_that_bring_news_themselves_are_slowed_down_and_no_others() {
    let mut pace = LookPace::NEW;
    let slower = [0, 0, 0, 0, 0, 0, 0, 0, 50, 100, 200, 400, 800, 1_600, 3_000, 3_000];
    assert_eq!(pauses(&mut pace, slower.len()), slower);
    assert_eq!(pace.pause_after(50), None, "news of its own");
    assert_eq!(pauses(&mut pace, slower.len()), slower);
}
