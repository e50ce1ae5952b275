//! MCP servers that an agent lacked in a run, and what is remembered of that: the agent works on without them, and whoever
//! chooses an agent is to know beforehand.
//!
//! A line is kept for each change; the last one about a directory counts. By directory and not by agent, because MCP
//! servers are the project's: what one agent of a directory met holds for every agent there, whatever it is called by now,
//! and a name that leads elsewhere by now brings nothing along.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::events::McpServer;
use super::{json, text, time};

/// Most servers of each kind that are remembered: when more are lacking at once, they have one cause.
pub const MAX_REMEMBERED: usize = 10;
/// Most servers that a sentence names.
const MAX_NAMED: usize = 5;
/// Most characters of a server's name.
const MAX_NAME_CHARS: usize = 100;
/// How long a line stands for further runs that meet the same, in seconds (an hour): many runs of one agent must not push
/// out what is known of the others.
const STANDS_SECONDS: u64 = 3_600;
/// What tells why a server does not start. A run starts the servers of `.mcp.json` unasked; `claude mcp` does not look at one
/// that nobody approved, and of one that ends at once only the debug log has the words (seen with CLI 2.1.197 to 2.1.332).
const WHY: &str = "claude --settings '{\"enableAllProjectMcpServers\":true}' --debug-file /dev/stderr mcp get";
/// What the CLI says of a server that it has not connected to yet.
const PENDING: &str = "pending";

/// Why an agent lacks a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It did not start.
    Failed,
    /// It wants a login.
    NeedsAuth,
}

impl Trouble {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Failed, Self::NeedsAuth];

    /// What is wrong with a server, if anything. One of the user's own that wants a login wants it in every run of every
    /// agent: that is no news.
    #[must_use]
    pub fn of(server: &McpServer) -> Option<Self> {
        let trouble = Self::ALL.into_iter().find(|trouble| trouble.status() == server.status)?;
        (trouble == Self::Failed || server.of_project).then_some(trouble)
    }

    /// The CLI's word for it.
    #[must_use]
    pub const fn status(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::NeedsAuth => "needs-auth",
        }
    }

    /// What such servers do, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Failed => "did not start",
            Self::NeedsAuth => "want a login",
        }
    }

    /// Which servers a run found in this trouble.
    #[must_use]
    pub fn told(self, when: &str, names: &[impl AsRef<str>]) -> String {
        format!("MCP servers {} (run of {when}): {}", self.words(), listed(names))
    }

    /// What to do about it, with the first of them as the example. `place`: the project's directory, as a message names it.
    #[must_use]
    pub fn remedy(self, place: &str, names: &[impl AsRef<str>]) -> String {
        match self {
            Self::Failed => {
                let name = text::shell_word(names.first().map_or("NAME", AsRef::as_ref));
                format!("`{WHY} {name}` in {place} tells why, in its lines with `MCP server`")
            }
            Self::NeedsAuth => format!("start `claude` in {place}, then /mcp"),
        }
    }
}

/// The first names, and how many more there are.
#[must_use]
pub fn listed(names: &[impl AsRef<str>]) -> String {
    text::listed(names, MAX_NAMED)
}

/// How a `.mcp.json` looks from outside; a change shows in at least one of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStamp {
    /// Size of the file, in bytes.
    pub size: u64,
    /// When it was written: Unix seconds, and nanoseconds of the second.
    pub modified: (i64, i64),
}

/// The `.mcp.json` of a project when claude was started there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConfigFile {
    /// Nobody looked, or the disk did not answer.
    #[default]
    Unseen,
    /// The directory had no such file.
    Missing,
    /// The directory had such a file.
    There(FileStamp),
}

impl ConfigFile {
    /// How it looked, where somebody looked.
    const fn seen(self) -> Option<Option<FileStamp>> {
        match self {
            Self::Unseen => None,
            Self::Missing => Some(None),
            Self::There(stamp) => Some(Some(stamp)),
        }
    }
}

/// What was lacking in a directory; nothing, when all servers came up again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    directory: String,
    /// When a run met it, in Unix seconds.
    at: u64,
    /// The `.mcp.json` that the run had: what is said of its servers says nothing of another one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mcp_file: Option<FileStamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    failed: Vec<String>,
    #[serde(default, rename = "needs-auth", skip_serializing_if = "Vec::is_empty")]
    needs_auth: Vec<String>,
}

impl Note {
    /// The servers in this trouble.
    #[must_use]
    pub fn names(&self, trouble: Trouble) -> &[String] {
        match trouble {
            Trouble::Failed => &self.failed,
            Trouble::NeedsAuth => &self.needs_auth,
        }
    }

    /// What is wrong, with the servers; nothing of what is not.
    pub fn troubles(&self) -> impl Iterator<Item = (Trouble, &[String])> {
        Trouble::ALL.into_iter().map(|trouble| (trouble, self.names(trouble))).filter(|(_, names)| !names.is_empty())
    }

    fn is_empty(&self) -> bool {
        self.troubles().next().is_none()
    }

    /// When a run met it, as text.
    #[must_use]
    pub fn when(&self) -> String {
        time::iso8601_seconds(self.at)
    }

    /// As an answer shows it: the time, and the names under the CLI's word for what is wrong.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let names = self.troubles().map(|(trouble, names)| (trouble.status().to_owned(), Value::from(names.to_vec())));
        Value::Object([("at".to_owned(), Value::from(self.when()))].into_iter().chain(names).collect::<Map<_, _>>())
    }

    /// As a line, with its end.
    #[must_use]
    pub fn to_line(&self) -> Vec<u8> {
        json::line(self)
    }

    fn parse(line: &[u8]) -> Option<Self> {
        let note = serde_json::from_slice::<Self>(line).ok()?;
        let bounded = |names: Vec<String>| remembered(names.iter().map(|name| short(name)));
        Some(Self { failed: bounded(note.failed), needs_auth: bounded(note.needs_auth), ..note })
    }
}

fn remembered(names: impl Iterator<Item = String>) -> Vec<String> {
    names.take(MAX_REMEMBERED).collect()
}

fn short(name: &str) -> String {
    text::one_line(name, MAX_NAME_CHARS)
}

/// What a run told of its servers.
#[derive(Debug, Clone, Copy)]
pub struct ServerReport<'a> {
    /// The directory in which the agent works.
    pub directory: &'a str,
    /// The servers, as its last process that began found them.
    pub servers: &'a [McpServer],
    /// The project's `.mcp.json`, as it was when the run began.
    pub file: ConfigFile,
    /// When it told, in Unix seconds; of a run whose output is read later, when it began.
    pub at: u64,
    /// The present, in Unix seconds.
    pub now: u64,
}

impl ServerReport<'_> {
    /// The line to write; `None` where there is nothing to say that the last line about the directory, `before`, does not
    /// say.
    #[must_use]
    pub fn note(&self, before: Option<&Note>) -> Option<Note> {
        let mcp_file = self.file.seen().filter(|file| !self.is_outdated(before, *file))?;
        // Not connected yet is no news: neither good nor bad.
        let is_pending =
            |name: &str| self.servers.iter().any(|server| server.status == PENDING && short(&server.name) == name);
        let kept = before.filter(|before| before.mcp_file == mcp_file);
        let names = |trouble| {
            let met = self.servers.iter().filter(|server| Trouble::of(server) == Some(trouble));
            let kept = kept.iter().flat_map(|before| before.names(trouble)).filter(|name| is_pending(name));
            remembered(met.map(|server| short(&server.name)).chain(kept.cloned()))
        };
        let (failed, needs_auth) = (names(Trouble::Failed), names(Trouble::NeedsAuth));
        let met = self.servers.iter().any(|server| Trouble::of(server).is_some());
        let lacks = failed.len() + needs_auth.len() > 0;
        // What is only kept was met before.
        let at = kept.filter(|_| lacks && !met).map_or(self.at, |before| before.at);
        let note = Note { directory: self.directory.to_owned(), at, mcp_file, failed, needs_auth };
        let is_said = match before {
            None => note.is_empty(),
            Some(before) if note.is_empty() => before.is_empty(),
            Some(before) => {
                let same = Note { at, ..before.clone() } == note;
                // A clock that was set back makes a line no younger.
                same && at.checked_sub(before.at).is_some_and(|age| age < STANDS_SECONDS)
            }
        };
        (!is_said).then_some(note)
    }

    /// Whether this was read so late that a later run has told already, or that the file was changed meanwhile.
    fn is_outdated(&self, before: Option<&Note>, file: Option<FileStamp>) -> bool {
        let is_later = |at: u64| self.at < at && at <= self.now;
        let written = |file: FileStamp| u64::try_from(file.modified.0).unwrap_or_default();
        before.is_some_and(|before| is_later(before.at)) || file.is_some_and(|file| is_later(written(file)))
    }
}

/// The last line about each directory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notes(BTreeMap<String, Note>);

impl Notes {
    /// Takes lines that are older than all that it has. What is no line is passed over: a writer may have been cut off.
    pub fn add_older(&mut self, lines: &[u8]) {
        for note in lines.rsplit(|byte| *byte == b'\n').filter_map(Note::parse) {
            if !self.0.contains_key(&note.directory) {
                self.0.insert(note.directory.clone(), note);
            }
        }
    }

    /// The last line about a directory.
    #[must_use]
    pub fn last(&self, directory: &str) -> Option<&Note> {
        self.0.get(directory)
    }

    /// What agents of a directory lack whose `.mcp.json` looks like this.
    #[must_use]
    pub fn lacked(&self, directory: &str, mcp_file: Option<FileStamp>) -> Option<&Note> {
        self.last(directory).filter(|note| !note.is_empty() && note.mcp_file == mcp_file)
    }
}
