//! The scene language: one verb per line. Everything is understood before anything is played.

use crate::Stop;
use crate::verbs::{self, Verb};

/// Exit code for a scene that cannot be played (`EX_USAGE`), so that a mistake in a test is not taken for a CLI error.
const BAD_SCENE: u8 = 64;

/// What SIGTERM does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnTerm {
    /// The CLI's way: exit code 143, nothing added (chapter 8).
    Leave,
    /// Nothing at all: only SIGKILL ends it.
    Ignore,
    /// Prints the result that it held back while a sub-agent worked in the background, then leaves with 143.
    HeldBack,
    /// Leaves with 143 after so many milliseconds.
    LeaveAfterMs(u64),
    /// An MCP call was in flight: a whole result is printed before it leaves with 143 (chapter 8).
    Result,
}

/// A scene, ready to be played.
#[derive(Debug)]
pub struct Scene {
    /// In order.
    pub steps: Vec<Verb>,
    /// Options that this CLI does not know.
    pub rejects: Vec<String>,
    /// `init` is a step of its own, or left out.
    pub own_init: bool,
    /// The end adds no result.
    pub no_result: bool,
    /// What SIGTERM does.
    pub on_term: OnTerm,
}

impl Scene {
    /// The scene of a run that has none: the default answer.
    pub const fn empty() -> Self {
        Self { steps: Vec::new(), rejects: Vec::new(), own_init: false, no_result: false, on_term: OnTerm::Leave }
    }

    /// Can it last so long that somebody may interrupt it? Only then are signals handled.
    pub fn lasts(&self) -> bool {
        self.on_term != OnTerm::Leave || self.steps.iter().any(Verb::lasts)
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match word {
            "reject-flag" if rest.trim().starts_with("--") => self.rejects.push(rest.trim().to_owned()),
            "reject-flag" => return Err("reject-flag needs an option such as --session-id".to_owned()),
            "no-init" => self.own_init = true,
            "no-result" => self.no_result = true,
            "ignore-term" => self.on_term = OnTerm::Ignore,
            "on-term" => self.on_term = on_term(rest)?,
            _ => {
                let verb = verbs::parse(word, rest)?;
                self.own_init |= matches!(verb, Verb::Init);
                self.steps.push(verb);
            }
        }
        Ok(())
    }
}

fn on_term(words: &str) -> Result<OnTerm, String> {
    match words.split_whitespace().collect::<Vec<_>>().as_slice() {
        ["ignore"] => Ok(OnTerm::Ignore),
        ["result"] => Ok(OnTerm::Result),
        ["held-back"] => Ok(OnTerm::HeldBack),
        ["after", ms] => Ok(OnTerm::LeaveAfterMs(verbs::number("on-term after", ms)?)),
        _ => Err("on-term is one of: ignore, result, held-back, after MS".to_owned()),
    }
}

/// Does the text tell invocations apart?
pub fn counts_calls(text: &str) -> bool {
    text.lines().any(|l| l.trim_start().starts_with("on-call"))
}

/// Parses what the invocation numbered `call` (from 1) is to play. `name` says in errors where the text came from.
pub fn parse(name: &str, text: &str, call: u64) -> Result<Scene, Stop> {
    let mut scene = Scene::empty();
    let mut playing = true;
    let mut taken = false;
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_start().trim_end_matches('\r');
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let done = match line.strip_prefix("on-call") {
            Some(number) => section(number.trim(), call, taken).map(|now| {
                playing = now;
                taken |= now;
            }),
            // Lines of other sections are read all the same: a mistake in them shows at the first call.
            None if !playing => Scene::empty().line(line),
            None => scene.line(line),
        };
        done.map_err(|e| Stop {
            code: BAD_SCENE,
            stderr: format!("fake-claude: {name}, line {}: {e}\n", at + 1),
            ..Stop::default()
        })?;
    }
    Ok(scene)
}

/// Is the section for this call? `*` is for the calls that no section before it names.
fn section(number: &str, call: u64, taken: bool) -> Result<bool, String> {
    match number {
        "*" => Ok(!taken),
        n => n.parse().map(|n: u64| n == call).map_err(|_| format!("on-call needs a number from 1, or *, not \"{n}\"")),
    }
}

/// Verbs of an inline scene: `;` separates them, `\;` stands for itself.
pub fn inline(text: &str) -> String {
    text.replace("\\;", "\u{0}").replace(';', "\n").replace('\u{0}', ";")
}
