//! What claude has written so far.

use std::io;
use std::path::Path;

use crate::machines::activity::{self, Activity};
use crate::machines::dispatch::SessionSigns;
use crate::machines::events::{Init, McpServer, Reader, ResultEvent, Retry, StreamEvent};
use crate::machines::ids::SessionRef;
use crate::machines::limit::RateLimit;
use crate::machines::mcp_servers::ConfigFile;
use crate::machines::tasks::{self, Task, TaskEvent, Tasks};
use crate::machines::verdict;
use crate::shell::clock;
use crate::shell::tail::Tail;

/// How much is read before other events get their turn, in chunks of 256 KB: a few milliseconds' work, and what was seen
/// in it takes about as much memory.
const CHUNKS_AT_ONCE: usize = 4;

/// The output of a run: of one start of claude, and what remains of the starts before it.
#[derive(Default)]
pub struct RunOutput {
    source: Option<(Tail, Reader)>,
    /// The result; several are one.
    pub result: Option<ResultEvent>,
    /// The answer that missed its schema, when it was asked for again.
    pub missed: Option<ResultEvent>,
    /// The project's `.mcp.json` when claude was started.
    pub mcp_file: ConfigFile,
    /// The MCP servers of the agent, as claude found them; `None` before it told.
    pub mcp_servers: Option<Vec<McpServer>>,
    /// Whether claude has told of them since somebody took note.
    pub servers_told: bool,
    /// The id that claude gave its session.
    pub session_id: Option<String>,
    /// The permission mode that the first event of this start told.
    pub permission_mode: Option<String>,
    /// The agent's last words, for a run that was cut off.
    pub last_text: Option<String>,
    /// The last time that the API had refused.
    pub last_retry: Option<Retry>,
    /// What the CLI said of the account's limit, when it refused.
    pub rate_limit: Option<RateLimit>,
    /// All of the output, when there was no event in it.
    pub plain: Option<String>,
    /// Text that is no event.
    pub stray: Option<String>,
    /// Whether there was an event: this claude had begun to work.
    pub begun: bool,
    /// Whether this process gave a result: its further ones become one with that.
    answered: bool,
    /// What the results so far have cost.
    cost_usd: Option<f64>,
    /// The agent's background tasks.
    pub tasks: Tasks,
    directory: String,
    turns: u64,
    /// Of the starts before this one.
    turns_before: u64,
    /// What the starts before this one have cost, in US dollars, as far as they told.
    pub paid_before_usd: Option<f64>,
    /// When this claude was started, in Unix seconds; not known of one that was adopted.
    started_at: Option<f64>,
    /// When it had written its last word, in Unix seconds.
    written_at: Option<f64>,
    /// Of all starts. Whether the id is known shows in `session_id` as well.
    signs: SessionSigns,
}

/// What a look at the output brought.
#[derive(Debug, Clone, PartialEq)]
pub enum Sign {
    /// A complete result.
    Result,
    /// A turn after a result.
    Turn,
    /// Background tasks began, or all of them are over.
    Tasks {
        /// Whether any lives.
        alive: bool,
    },
    /// Something to show, and in a line what the agent is doing.
    Progress {
        /// As it was said.
        text: String,
        /// How far the run has come with it.
        activity: Activity,
    },
}

/// How much of an output is searched for the beginning of its session, in bytes: that is its first event, behind whatever
/// a wrapper printed.
const BEGINNING_BYTES: u64 = 4 * 1024 * 1024;

/// Whether the output in this file tells of a session.
#[must_use]
pub fn session_began(path: &Path) -> bool {
    beginning(path).is_some()
}

/// The session that the output in this file names.
pub fn session_named(path: &Path) -> Option<SessionRef> {
    beginning(path)?.session_id.and_then(|session| SessionRef::try_from(session).ok())
}

/// The output in this file, read until it tells of a session.
fn beginning(path: &Path) -> Option<RunOutput> {
    if !path.exists() {
        return None;
    }
    let mut output = RunOutput::open(path, 0, "");
    loop {
        let (_, more) = output.read();
        if output.signs.begun {
            return Some(output);
        }
        if !more || output.position() > BEGINNING_BYTES {
            return None;
        }
    }
}

impl RunOutput {
    /// The output that is being written to `path`, so many bytes after its beginning, by an agent in `directory`.
    pub fn open(path: &Path, position: u64, directory: &str) -> Self {
        let source = Tail::open(path, position);
        // The file is made before claude is started: where it is missing, no claude ever was.
        let started = !matches!(&source, Err(error) if error.kind() == io::ErrorKind::NotFound);
        let source = source
            .inspect_err(|error| tracing::warn!(path = %path.display(), %error, "claude's output cannot be read"))
            .ok()
            .map(|tail| (tail, Reader::new()));
        let signs = SessionSigns { started, ..SessionSigns::default() };
        Self { source, signs, directory: directory.to_owned(), ..Self::default() }
    }

    /// The same run's output, for one more start of claude that writes to `path` from `position` on. `again`: that start
    /// is to give the answer again, and the one before it is kept.
    pub fn go_on(&mut self, path: &Path, position: u64, directory: &str, again: bool) {
        let mut before = std::mem::take(self);
        let missed = before.missed.take().or_else(|| if again { before.result.take() } else { None });
        let paid = [before.paid_before_usd, before.result.as_ref().and_then(ResultEvent::cost_usd)];
        *self = Self {
            session_id: before.session_id,
            mcp_servers: before.mcp_servers,
            last_text: before.last_text,
            missed,
            paid_before_usd: paid.into_iter().flatten().reduce(|sum, cost| sum + cost),
            signs: SessionSigns { started: true, missing: false, ..before.signs },
            turns_before: before.turns_before + before.turns,
            started_at: Some(clock::unix_seconds()),
            ..Self::open(path, position, directory)
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
        let (mut seen, mut turns) = (Vec::new(), Vec::new());
        let mut more = true;
        for _ in 0..CHUNKS_AT_ONCE {
            let read = tail.read().inspect_err(|error| tracing::warn!(%error, "claude's output cannot be read"));
            let bytes = read.unwrap_or_default();
            if bytes.is_empty() {
                more = false;
                break;
            }
            let events = reader.push(bytes);
            turns.extend(reader.turns().iter().map(|at| at + seen.len()));
            seen.extend(events);
        }
        self.take(seen, &turns, &mut signs);
        (signs, more)
    }

    /// How far the run has come with this deed.
    pub fn activity(&self, deed: String) -> Activity {
        let background_tasks = self.tasks.living().count();
        Activity { turn: self.turns_before + self.turns, doing: Some(deed), cost_usd: self.cost_usd, background_tasks }
    }

    /// How long this claude took to its last word, in milliseconds. `claimed_at`: when its run began, which counts where its
    /// own start was not seen.
    pub fn wall_ms(&self, claimed_at: Option<f64>) -> Option<u64> {
        Some(clock::ms(self.written_at? - self.started_at.or(claimed_at)?))
    }

    /// Whether this claude was started by somebody else.
    pub const fn is_adopted(&self) -> bool {
        self.started_at.is_none()
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
        if let Some((tail, reader)) = self.source.take() {
            self.written_at = tail.written_at();
            let rest = reader.finish();
            self.last_text = rest.last_text.or(self.last_text.take());
            self.stray = rest.stray;
            self.plain = rest.plain;
            self.take(rest.seen, &[], &mut signs);
        }
        signs
    }

    fn take(&mut self, seen: Vec<StreamEvent>, turns: &[usize], signs: &mut Vec<Sign>) {
        let mut turns = turns.iter().peekable();
        for (at, seen) in seen.into_iter().enumerate() {
            while turns.next_if(|turn| **turn <= at).is_some() {
                self.turns = self.turns.saturating_add(1);
                self.tasks.turn_began();
            }
            self.begun |= !matches!(seen, StreamEvent::Other);
            self.signs.begun |=
                !matches!(seen, StreamEvent::Other | StreamEvent::RateLimit(_) | StreamEvent::Result(_));
            self.signs.worked |= matches!(seen, StreamEvent::AssistantText(_) | StreamEvent::ToolUse { .. });
            match seen {
                StreamEvent::Init(init) => {
                    self.take_init(*init);
                    signs.push(Sign::Turn);
                }
                StreamEvent::AssistantText(text) => signs.extend([Sign::Turn, self.shown(text)]),
                StreamEvent::ToolUse { name, subject } => {
                    let deed = activity::tool_use(&name, subject.as_deref(), &self.directory);
                    let (text, activity) = (format!("Using tool: {name}"), self.activity(deed));
                    signs.extend([Sign::Turn, Sign::Progress { text, activity }]);
                }
                StreamEvent::Retry(retry) => {
                    let attempt = retry.attempt.map_or(String::new(), |attempt| format!(", attempt {attempt}"));
                    signs.push(self.shown(format!("Waiting for the API: {}{attempt}", retry.error)));
                    self.last_retry = Some(retry);
                }
                StreamEvent::RateLimit(limit) if limit.rejected => self.rate_limit = Some(limit),
                StreamEvent::RateLimit(_) => {}
                // After a result of the same process it is one of several, and says nothing of the session.
                StreamEvent::Result(result) if !self.answered && verdict::is_session_missing(&result) => {
                    // No answer: whether the task is given again instead is not decided here.
                    self.signs.missing = true;
                    self.result = Some(*result);
                }
                // Of a turn in which the CLI only told a resumed session what was stopped in it; the turn of the prompt follows.
                StreamEvent::Result(result) if verdict::is_silent(&result) => {
                    self.result.get_or_insert(*result);
                }
                StreamEvent::Result(result) => self.take_result(*result, signs),
                StreamEvent::Task(event) => self.take_task(event, signs),
                StreamEvent::Other => {}
            }
        }
    }

    fn take_init(&mut self, init: Init) {
        if std::mem::take(&mut self.signs.missing) {
            self.result = None;
        }
        self.session_id = init.session_id.or(self.session_id.take());
        self.permission_mode = self.permission_mode.take().or(init.permission_mode);
        self.mcp_servers = Some(init.mcp_servers);
        self.servers_told = true;
    }

    fn take_result(&mut self, result: ResultEvent, signs: &mut Vec<Sign>) {
        (self.signs.begun, self.signs.worked) = (true, true);
        self.session_id = result.session_id.clone().or(self.session_id.take());
        let result = match self.result.take() {
            Some(before) if self.answered => before.followed_by(result),
            Some(_) | None => result,
        };
        self.answered = true;
        self.cost_usd = result.cost_usd().or(self.cost_usd);
        self.result = Some(result);
        signs.push(Sign::Result);
        self.show_tasks("Waits for what works in the background", signs);
    }

    fn take_task(&mut self, event: TaskEvent, signs: &mut Vec<Sign>) {
        // A result of the process before is none of this one's: it was held back, or missed the schema.
        if event == TaskEvent::Begun {
            self.answered = false;
        }
        let before: Vec<Task> = self.tasks.living().cloned().collect();
        self.tasks.take(event);
        let alive = self.tasks.living().next().is_some();
        if alive == before.is_empty() {
            signs.push(Sign::Tasks { alive });
        }
        if !self.tasks.living().eq(&before) {
            self.show_tasks("In the background", signs);
        }
    }

    /// Shows the background tasks, if any lives.
    fn show_tasks(&self, what: &str, signs: &mut Vec<Sign>) {
        let living: Vec<Task> = self.tasks.living().cloned().collect();
        if !living.is_empty() {
            signs.push(self.shown(format!("{what}: {}", tasks::listed(&living))));
        }
    }

    /// A text to show that says itself what the agent is doing.
    fn shown(&self, text: String) -> Sign {
        Sign::Progress { activity: self.activity(activity::deed(&text)), text }
    }
}
