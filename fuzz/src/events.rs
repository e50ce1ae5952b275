//! The event stream: any bytes, cut anywhere, are read without a panic, to the same end, in bounded pieces. Its results
//! become one that lacks nothing of them.

use agent_dispatch::machines::events::{MAX_PROGRESS_CHARS, Reader, ResultEvent, StreamEnd, StreamEvent};
use agent_dispatch::machines::tasks::TaskEvent;

/// The first byte sets the size of the pieces; the rest is the stream.
pub fn check(data: &[u8]) {
    let Some((size, stream)) = data.split_first() else { return };
    check_cuts(stream, stream.chunks(usize::from(*size).max(1)));
    check_cuts(stream, stream.chunks(1));
}

/// The stream, whole and in the given pieces, is seen alike.
///
/// # Panics
/// When the pieces make a difference, or something seen is too large.
pub fn check_cuts<'a>(stream: &[u8], pieces: impl Iterator<Item = &'a [u8]>) {
    let whole = read(std::iter::once(stream));
    assert_bounded(&whole, stream.len());
    assert_merged(&whole);
    assert_eq!(read(pieces), whole);
}

/// Everything that is seen in a stream.
pub fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<StreamEvent>, StreamEnd) {
    let mut reader = Reader::new();
    let seen = pieces.flat_map(|piece| reader.push(piece)).collect();
    (seen, reader.finish())
}

fn assert_bounded((seen, end): &(Vec<StreamEvent>, StreamEnd), stream_bytes: usize) {
    for seen in seen.iter().chain(&end.seen) {
        match seen {
            StreamEvent::AssistantText(text) => assert!(text.chars().count() <= MAX_PROGRESS_CHARS),
            StreamEvent::ToolUse { name, subject } => {
                assert!(name.chars().count() <= 100);
                assert!(subject.as_ref().is_none_or(|subject| subject.chars().count() <= 200));
            }
            StreamEvent::Retry(retry) => assert!(retry.error.chars().count() <= 200),
            StreamEvent::Init(init) => assert!(init.mcp_servers.len() <= 100),
            StreamEvent::Result(event) => {
                // An invalid byte becomes a character of three bytes; nothing else grows.
                assert!(event.result.as_ref().map_or(0, String::len) <= stream_bytes * 3);
                assert!(event.permission_denials.len() <= 10);
                assert!(event.total_cost_usd.is_none_or(f64::is_finite));
            }
            StreamEvent::Task(TaskEvent::Living(tasks)) => {
                assert!(tasks.len() <= 100);
                assert!(tasks.iter().all(|task| task.description.chars().count() <= 100));
            }
            StreamEvent::Task(_) => {}
            StreamEvent::RateLimit(limit) => assert!(limit.resets_at.is_none_or(|at| at < 1 << 40)),
            StreamEvent::Other => {}
        }
    }
    // An invalid byte becomes a character of three bytes; a text that was cut says so.
    assert!(end.plain.as_ref().is_none_or(|plain| plain.len() <= stream_bytes * 3 + 100));
    assert!(end.stray.as_ref().is_none_or(|stray| stray.chars().count() <= 500));
}

/// What the results come to as one: an answer stays one, and a cost is counted once.
fn assert_merged((seen, end): &(Vec<StreamEvent>, StreamEnd)) {
    let results: Vec<&ResultEvent> = (seen.iter().chain(&end.seen))
        .filter_map(|seen| if let StreamEvent::Result(event) = seen { Some(&**event) } else { None })
        .collect();
    assert!(end.plain.is_none() || results.is_empty(), "text and results exclude each other");
    let Some(merged) = results.iter().map(|event| (*event).clone()).reduce(ResultEvent::followed_by) else { return };
    assert_eq!(merged.is_answer(), results.iter().any(|event| event.is_answer()));
    let highest =
        |cost: fn(&ResultEvent) -> Option<f64>| results.iter().filter_map(|event| cost(event)).reduce(f64::max);
    assert_eq!(merged.total_cost_usd, highest(|event| event.total_cost_usd));
    assert_eq!(merged.run_cost_usd, highest(|event| event.run_cost_usd));
    assert!(merged.others().len() < results.len().min(101));
    assert!(merged.all_denials().len() <= 10);
}
