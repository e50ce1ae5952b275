//! What the agent sees that puts several answers together, and what the caller hears meanwhile.

use agent_dispatch::machines::answer::{Answer, ErrorType, Outcome};
use agent_dispatch::machines::parallel::aggregate::{AggregateItem, MAX_BYTES, context, share};
use agent_dispatch::machines::parallel::board::Board;
use agent_dispatch::machines::parallel::{most_items, window};
use proptest::prelude::*;

fn seen(answer: &Answer) -> AggregateItem<'_> {
    AggregateItem { answer, summary_chars: None }
}

#[test]
fn every_item_has_its_heading_and_its_text() {
    let ok = Answer::success("infra", "all well");
    let partial = Answer { outcome: Some(Outcome::Partial), ..Answer::success("db", "half") };
    let blocked = Answer { outcome: Some(Outcome::Blocked), ..Answer::success("web", "no key") };
    let done = Answer { outcome: Some(Outcome::Done), ..Answer::success("api", "tested") };
    let failed = Answer::failure("ops", ErrorType::Timeout, "too slow");
    let cut_off =
        Answer { result: "I have read a.rs".to_owned(), ..Answer::failure("ops", ErrorType::Timeout, "too slow") };
    let long = Answer::success("log", "\u{e9}bcdef");
    let preview = AggregateItem { answer: &long, summary_chars: Some(3) };
    let text =
        context(&[seen(&ok), seen(&partial), seen(&blocked), seen(&done), seen(&failed), seen(&cut_off), preview]);
    let expected = "## Agent: infra [OK]\nall well\n\n## Agent: db [OK, agent reports PARTIAL]\nhalf\n\n\
        ## Agent: web [OK, agent reports BLOCKED]\nno key\n\n## Agent: api [OK]\ntested\n\n## Agent: ops [FAILED]\ntoo slow\n\n\
        ## Agent: ops [FAILED]\ntoo slow\n\nIt had said until then:\nI have read a.rs\n\n\
        ## Agent: log [OK, preview of 6 chars]\n\u{e9}bc";
    assert_eq!(text, expected);
}

#[test]
fn long_answers_leave_the_short_ones_whole() {
    let long = Answer::success("long", "\u{e9}".repeat(MAX_BYTES));
    let short = Answer::success("short", "short and whole");
    let text = context(&[seen(&long), seen(&short), seen(&long)]);
    assert!(text.contains("\nshort and whole\n") && text.contains(&format!("preview of {MAX_BYTES} chars")), "cut");
    assert!(text.len() < MAX_BYTES + 1000, "{} bytes", text.len());
}

proptest! {
    #[test]
    fn shares_fit_and_waste_nothing(lengths in prop::collection::vec(0_usize..100, 0..20), total in 0_usize..500) {
        let share = share(lengths.iter().copied(), total);
        let used: usize = lengths.iter().map(|length| (*length).min(share)).sum();
        prop_assert!(used <= total);
        let more: usize = lengths.iter().map(|length| (*length).min(share + 1)).sum();
        prop_assert!(more > total || lengths.iter().all(|length| *length <= share), "{} is too little", share);
    }
}

#[test]
fn the_caller_hears_which_item_and_how_many_are_done() {
    let mut board = Board::new(vec!["infra".to_owned(), "db".to_owned(), "infra".to_owned()]);
    assert_eq!(board.news(2, "Using tool: Bash"), "0/3 done · #3 infra: Using tool: Bash");
    assert_eq!(board.ended(2, &Answer::success("infra", "x")), "1/3 done · #3 infra: answered");
    let cached = Answer { cached: Some(true), ..Answer::success("infra", "x") };
    assert_eq!(board.ended(0, &cached), "2/3 done · #1 infra: answered (cached)");
    let failed = Answer::failure("db", ErrorType::NotFound, "gone");
    assert_eq!(board.ended(1, &failed), "3/3 done · #2 db: failed (not_found)");
    assert_eq!(board.aggregating("web", "started"), "3/3 done · aggregate web: started");
}

#[test]
fn bounds_grow_with_the_limit_of_runs() {
    let items = [0, 1, 5, 6, 50].map(most_items);
    assert_eq!(items, [100, 100, 100, 120, 1000]);
    assert!(most_items(u32::MAX) > 1_000_000 && window(0) == 1 && window(1) == 2 && window(5) == 10);
}
