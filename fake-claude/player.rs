//! Plays a scene: what every step may do to the run.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::FileType;
use serde_json::{Map, Value, json};

use crate::ending::Ending;
use crate::scene::Scene;
use crate::stream::{Stream, quoted};
use crate::verbs::Verb;
use crate::verbs::file::FileVerb;
use crate::{schema, signals};

/// Nothing waits longer than this: a run that a broken test left behind ends by itself.
const LONGEST_WAIT_S: u64 = 600;
/// Exit code of a run that waited for the longest time.
const WAITED_TOO_LONG: u8 = 70;
/// Exit code of a step that could not be done.
const BROKEN_STEP: u8 = 74;
/// Pause between two looks at what is waited for.
const LOOK_MS: u64 = 2;

/// What comes after a step.
pub enum Flow {
    /// The next step.
    Next,
    /// No further step; the run ends as its last result says.
    Stop,
    /// The process leaves with this code, whatever was said.
    Leave(u8),
}

impl Flow {
    /// A step could not be done: said on stderr, because a test that relies on it must not go on.
    pub fn broken(message: &str) -> Self {
        crate::verbs::file::stderr(format!("fake-claude: {message}\n").as_bytes());
        Self::Leave(BROKEN_STEP)
    }
}

/// What a run was asked for.
pub struct Run {
    /// As the model gets it; nothing while it is not read yet.
    pub prompt: Option<String>,
    /// Number of this invocation, from 1.
    pub call: u64,
    /// Arguments without the program's name.
    pub argv: Vec<String>,
    /// `--max-turns`, when it is a number above zero (chapter 1.2).
    pub max_turns: Option<String>,
    /// `--max-budget-usd`
    pub budget_usd: Option<f64>,
    /// `--json-schema`, when it takes effect.
    pub schema: Option<Value>,
    /// A torn or broken result stands in for the last one.
    pub ended: bool,
}

/// Plays one scene.
pub struct Player {
    stream: Arc<Mutex<Stream>>,
    /// What was asked for.
    pub run: Run,
    scene: Scene,
}

impl Player {
    /// Ready to play.
    pub fn new(stream: Stream, run: Run, scene: Scene) -> Self {
        Self { stream: Arc::new(Mutex::new(stream)), run, scene }
    }

    /// The output, for a moment: signals need it, too.
    pub fn stream(&self) -> MutexGuard<'_, Stream> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Plays to the end. Answers the exit code.
    pub fn play(&mut self) -> u8 {
        if !self.scene.own_init {
            self.init();
        }
        let steps = std::mem::take(&mut self.scene.steps);
        let flow = self.play_steps(&steps);
        if matches!(flow, Flow::Next) && !self.run.ended && !self.scene.no_result && self.stream().results == 0 {
            self.conclude();
        }
        let mut stream = self.stream();
        stream.out.finish();
        if let Flow::Leave(code) = flow { code } else { stream.exit }
    }

    fn play_steps(&mut self, steps: &[Verb]) -> Flow {
        for step in steps {
            match step.play(self) {
                Flow::Next => {}
                other => return other,
            }
        }
        Flow::Next
    }

    /// The run becomes visible: handlers, `init`, then the session's file (chapters 2.2, 3 and 8).
    pub fn init(&mut self) {
        if self.scene.lasts() {
            signals::handle(Arc::clone(&self.stream), self.scene.on_term.clone());
        }
        let prompt = self.run.prompt.clone().unwrap_or_default();
        let mut stream = self.stream();
        stream.init();
        let cwd = stream.cwd.clone();
        stream.session.begin(&prompt, &cwd);
    }

    /// The prompt before this one in the conversation.
    pub fn previous(&self) -> String {
        self.stream().session.earlier.last().cloned().unwrap_or_default()
    }

    /// Puts the run's own texts in the place of `{prompt}`, `{previous}`, `{session}`, `{model}`, `{cwd}` and `{call}`.
    pub fn expand(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            let named = rest.find('}').and_then(|end| Some((end, self.named(&rest[1..end])?)));
            match named {
                Some((end, value)) => {
                    out.push_str(&value);
                    rest = &rest[end + 1..];
                }
                None => {
                    out.push('{');
                    rest = &rest[1..];
                }
            }
        }
        out + rest
    }

    fn named(&self, name: &str) -> Option<String> {
        Some(match name {
            "prompt" => self.run.prompt.clone().unwrap_or_default(),
            "previous" => self.previous(),
            "session" => self.stream().session.id.clone(),
            "model" => self.stream().model.clone(),
            "cwd" => self.stream().cwd.to_string_lossy().into_owned(),
            "call" => self.run.call.to_string(),
            _ => return None,
        })
    }

    /// The model says a scene's text.
    pub fn say(&self, text: &str) {
        let text = self.expand(text);
        self.say_plain(&text);
    }

    /// The model says a text as it is.
    pub fn say_plain(&self, text: &str) {
        self.stream().say(quoted(text));
    }

    /// JSON text of what the model answers when the scene says nothing else.
    pub fn default_answer(&self) -> String {
        let said = self.stream().said.clone();
        said.unwrap_or_else(|| quoted(&format!("echo: {}", self.run.prompt.as_deref().unwrap_or_default())))
    }

    /// The model answers, unless it just said the same, and the run succeeds or passes its budget.
    pub fn answer(&self, text: String) {
        let mut stream = self.stream();
        if text != "\"\"" && stream.said.as_ref() != Some(&text) {
            stream.say(text.clone());
        }
        let ending = Ending::success(text);
        self.end(&mut stream, &ending);
    }

    /// Ends the run as a scene does that does not say how.
    pub fn conclude(&self) {
        let spoke = self.stream().said.is_some();
        match &self.run.schema {
            Some(schema) if !spoke => {
                let echo = format!("echo: {}", self.run.prompt.as_deref().unwrap_or_default());
                self.structured(&schema::instance(schema, &echo));
            }
            Some(_) => {
                self.stream().reminder(
                    "[structured-output-enforce] You MUST call the StructuredOutput tool to complete this request.",
                );
                self.answer(self.default_answer());
            }
            None => self.answer(self.default_answer()),
        }
    }

    /// The model answers in the schema's form; without a schema that takes effect, it can only say it (chapter 10).
    pub fn structured(&self, value: &Value) {
        let text = quoted(&value.to_string());
        if self.run.schema.is_none() {
            return self.answer(text);
        }
        let mut stream = self.stream();
        let id = stream.tool_use("StructuredOutput", value);
        stream.tool_result(&id, "Structured output provided successfully", false);
        let ending = Ending { structured: Some(value.clone()), ..Ending::success(text) };
        self.end(&mut stream, &ending);
    }

    fn end(&self, stream: &mut Stream, ending: &Ending) {
        match self.run.budget_usd {
            Some(limit) if stream.cost_usd > limit => stream.end(&Ending::max_budget(limit)),
            _ => stream.end(ending),
        }
    }

    /// After a tool's result the CLI looks at its limits.
    pub fn after_tool(&self) -> Flow {
        let mut stream = self.stream();
        let turns = 1 + stream.tool_results;
        match (&self.run.max_turns, self.run.budget_usd) {
            (_, Some(limit)) if stream.cost_usd > limit => stream.end(&Ending::max_budget(limit)),
            (Some(limit), _) if limit.parse::<u64>().is_ok_and(|l| turns > l) => stream.end(&Ending::max_turns(limit)),
            _ => return Flow::Next,
        }
        Flow::Stop
    }

    /// Waits until the time is over or something is there, and keeps a pipe moving meanwhile.
    pub fn pass(&self, time: Option<Duration>, mut there: impl FnMut() -> bool) -> Flow {
        let start = Instant::now();
        let longest = Duration::from_secs(LONGEST_WAIT_S);
        let end = time.unwrap_or(longest);
        while !there() {
            let left = end.saturating_sub(start.elapsed());
            if left.is_zero() && time.is_some() {
                return Flow::Next;
            }
            if left.is_zero() || start.elapsed() > longest {
                crate::verbs::file::stderr(b"fake-claude: waited for the longest time, and leaves\n");
                return Flow::Leave(WAITED_TOO_LONG);
            }
            self.stream().out.pump();
            std::thread::sleep(left.min(Duration::from_millis(LOOK_MS)));
        }
        Flow::Next
    }

    /// Plays the `dump` steps alone: a CLI that refuses an option is to leave its report all the same.
    pub fn dump_all(argv: &[String], scene: &Scene, call: u64) {
        for step in &scene.steps {
            if let Verb::File(FileVerb::Dump(path)) = step
                && let Err(e) = report(argv, None, call, None, path)
            {
                crate::verbs::file::stderr(format!("fake-claude: dump {}: {e}\n", path.display()).as_bytes());
            }
        }
    }

    /// Appends what this invocation was given, as one line of JSON.
    pub fn dump(&self, path: &Path) -> std::io::Result<()> {
        let session = self.stream().session.id.clone();
        report(&self.run.argv, self.run.prompt.as_deref(), self.run.call, Some(&session), path)
    }
}

fn report(argv: &[String], prompt: Option<&str>, call: u64, session: Option<&str>, path: &Path) -> std::io::Result<()> {
    let env: Map<String, Value> = std::env::vars_os()
        .map(|(k, v)| (k.to_string_lossy().into_owned(), Value::from(v.to_string_lossy().into_owned())))
        .collect();
    let (group, session_leader) = group_and_session();
    let line = json!({"argv":argv,"cwd":std::env::current_dir()?.to_string_lossy(),"prompt":prompt,"call":call,"session":session,
        "pid":std::process::id(),"pgid":group,"sid":session_leader,
        "stdin":kind(io::stdin()),"stdout":kind(io::stdout()),"stderr":kind(io::stderr()),"env":env});
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.lock()?;
    file.write_all(format!("{line}\n").as_bytes())
}

/// The ids of this process's group and session; 0 where the leader is outside of the PID namespace, see proc(5).
fn group_and_session() -> (Option<i32>, Option<i32>) {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else {
        // A system without PID namespaces.
        let session = rustix::process::getsid(None).ok();
        return (Some(rustix::process::getpgrp().as_raw_pid()), session.map(rustix::process::Pid::as_raw_pid));
    };
    // The fields begin after the program's name, which stands in parentheses.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let mut ids = fields.split_whitespace().skip(2).map(|field| field.parse().ok());
    (ids.next().flatten(), ids.next().flatten())
}

/// What a descriptor is.
fn kind(fd: impl AsFd) -> &'static str {
    let Ok(stat) = rustix::fs::fstat(fd) else { return "closed" };
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => "file",
        FileType::Fifo => "pipe",
        FileType::Socket => "socket",
        FileType::CharacterDevice => "device",
        _ => "other",
    }
}
