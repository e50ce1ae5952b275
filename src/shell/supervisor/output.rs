//! What claude has written so far.

use std::path::Path;

use crate::machines::dispatch::SessionSigns;
use crate::machines::events::{Reader, ResultEvent, Retry, Seen};
use crate::machines::limit::RateLimit;
use crate::machines::verdict;
use crate::shell::tail::Tail;

/// How much is read before other events get their turn, in chunks of 256 KB: a few milliseconds' work, and what was seen
/// in it takes about as much memory.
const CHUNKS_AT_ONCE: usize = 4;

/// The output of a run: of one start of claude, and what remains of the starts before it.
#[derive(Default)]
pub struct Output {
    source: Option<(Tail, Reader)>,
    /// The last result.
    pub result: Option<ResultEvent>,
    /// The answer that missed its schema, when it was asked for again.
    pub missed: Option<ResultEvent>,
    /// The id that claude gave its session.
    pub session_id: Option<String>,
    /// The agent's last words, for a run that was cut off.
    pub last_text: Option<String>,
    /// The last time that the API had refused.
    pub last_retry: Option<Retry>,
    /// What the CLI said of the account's limit, when it refused.
    pub rate_limit: Option<RateLimit>,
    /// Output that is no event.
    pub stray: Option<String>,
    /// Whether there was an event: this claude had begun to work.
    pub begun: bool,
    /// What the starts before this one have cost, in US dollars, as far as they told.
    pub paid_before_usd: Option<f64>,
    /// Of all starts. Whether the id is known shows in `session_id` as well.
    signs: SessionSigns,
}

/// What a look at the output brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sign {
    /// A complete result.
    Result,
    /// A turn after a result.
    Turn,
    /// Something to show.
    Progress(String),
}

impl Output {
    /// The output that is being written to `path`, so many bytes after its beginning.
    pub fn open(path: &Path, position: u64) -> Self {
        let source = Tail::open(path, position)
            .inspect_err(|error| tracing::warn!(path = %path.display(), %error, "claude's output cannot be read"))
            .ok()
            .map(|tail| (tail, Reader::new()));
        Self { source, ..Self::default() }
    }

    /// The same run's output, for one more start of claude that writes to `path` from `position` on. `again`: that start
    /// is to give the answer again, and the one before it is kept.
    pub fn go_on(&mut self, path: &Path, position: u64, again: bool) {
        let mut before = std::mem::take(self);
        let missed = before.missed.take().or_else(|| if again { before.result.take() } else { None });
        let paid = [before.paid_before_usd, before.result.as_ref().and_then(ResultEvent::cost_usd)];
        *self = Self {
            session_id: before.session_id,
            last_text: before.last_text,
            missed,
            paid_before_usd: paid.into_iter().flatten().reduce(|sum, cost| sum + cost),
            signs: SessionSigns { missing: false, ..before.signs },
            ..Self::open(path, position)
        };
    }

    /// What was seen of the run's session. `planned`: the CLI was given an id for it.
    pub fn signs(&self, planned: bool) -> SessionSigns {
        SessionSigns { known: planned || self.session_id.is_some(), ..self.signs }
    }

    /// Reads on. The second value says whether there is more to read at once.
    pub fn read(&mut self) -> (Vec<Sign>, bool) {
        let mut signs = Vec::new();
        let Some((tail, reader)) = &mut self.source else { return (signs, false) };
        let mut seen = Vec::new();
        let mut more = true;
        for _ in 0..CHUNKS_AT_ONCE {
            match tail.read() {
                Ok([]) => {
                    more = false;
                    break;
                }
                Ok(bytes) => seen.extend(reader.push(bytes)),
                Err(error) => {
                    tracing::warn!(%error, "claude's output cannot be read");
                    more = false;
                    break;
                }
            }
        }
        self.take(seen, &mut signs);
        (signs, more)
    }

    /// How far it was read, in bytes.
    pub fn position(&self) -> u64 {
        self.source.as_ref().map_or(0, |(tail, _)| tail.position())
    }

    /// How much there is at this moment, in bytes.
    pub fn length(&self) -> u64 {
        self.source.as_ref().map_or(0, |(tail, _)| tail.length())
    }

    /// Takes what was read as all there is: the last line may have no end.
    pub fn finish(&mut self) -> Vec<Sign> {
        let mut signs = Vec::new();
        if let Some((_, reader)) = self.source.take() {
            let rest = reader.finish();
            self.last_text = rest.last_text.or(self.last_text.take());
            self.stray = rest.stray;
            self.take(rest.seen, &mut signs);
        }
        signs
    }

    fn take(&mut self, seen: Vec<Seen>, signs: &mut Vec<Sign>) {
        for seen in seen {
            self.begun |= !matches!(seen, Seen::Other);
            self.signs.begun |= !matches!(seen, Seen::Other | Seen::RateLimit(_) | Seen::Result(_));
            self.signs.worked |= matches!(seen, Seen::AssistantText(_) | Seen::ToolUse(_));
            match seen {
                Seen::Init(init) => {
                    if std::mem::take(&mut self.signs.missing) {
                        self.result = None;
                    }
                    self.session_id = init.session_id.or(self.session_id.take());
                    signs.push(Sign::Turn);
                }
                Seen::AssistantText(text) => {
                    signs.push(Sign::Turn);
                    signs.push(Sign::Progress(text));
                }
                Seen::ToolUse(name) => {
                    signs.push(Sign::Turn);
                    signs.push(Sign::Progress(format!("Using tool: {name}")));
                }
                Seen::Retry(retry) => {
                    let attempt = retry.attempt.map_or(String::new(), |attempt| format!(", attempt {attempt}"));
                    signs.push(Sign::Progress(format!("Waiting for the API: {}{attempt}", retry.error)));
                    self.last_retry = Some(retry);
                }
                Seen::RateLimit(limit) if limit.rejected => self.rate_limit = Some(limit),
                Seen::RateLimit(_) => {}
                Seen::Result(result) if verdict::is_session_missing(&result) => {
                    // No answer: whether the task is given again instead is not decided here.
                    self.signs.missing = true;
                    self.result = Some(*result);
                }
                Seen::Result(result) => {
                    (self.signs.begun, self.signs.worked) = (true, true);
                    self.session_id = result.session_id.clone().or(self.session_id.take());
                    self.result = Some(*result);
                    signs.push(Sign::Result);
                }
                Seen::Other => {}
            }
        }
    }
}
