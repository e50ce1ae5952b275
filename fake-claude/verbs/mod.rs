//! The verbs, by what they do. Each family parses its own words.

pub mod ask;
pub mod ending;
pub mod event;
pub mod file;
pub mod process;
pub mod setting;
pub mod task;
pub mod wait;

use crate::player::{Flow, Player};

/// One step of a scene.
#[derive(Debug)]
pub enum Verb {
    /// The place of the `init` event when it is not the start.
    Init,
    /// Changes what later steps show.
    Set(setting::Setting),
    /// Emits an event.
    Event(event::Event),
    /// Something about a background task.
    Task(task::Task),
    /// Emits a result, whole or broken.
    End(ending::End),
    /// Lets time pass.
    Wait(wait::Wait),
    /// Touches files and streams beside the protocol.
    File(file::FileVerb),
    /// Starts processes, or ends this one.
    Process(process::Process),
}

impl Verb {
    /// Can it last?
    pub const fn lasts(&self) -> bool {
        match self {
            Self::Wait(_) => true,
            Self::Process(p) => p.lasts(),
            Self::File(f) => f.lasts(),
            Self::Init | Self::Set(_) | Self::Event(_) | Self::Task(_) | Self::End(_) => false,
        }
    }

    /// Plays it.
    pub fn play(&self, player: &mut Player) -> Flow {
        match self {
            Self::Init => {
                player.init();
                Flow::Next
            }
            Self::Set(setting) => setting.play(player),
            Self::Event(event) => event.play(player),
            Self::Task(task) => task.play(player),
            Self::End(end) => end.play(player),
            Self::Wait(wait) => wait.play(player),
            Self::File(file) => file.play(player),
            Self::Process(process) => process.play(player),
        }
    }
}

/// One line. The error says what is wrong with it.
pub fn parse(word: &str, rest: &str) -> Result<Verb, String> {
    if word == "init" {
        return Ok(Verb::Init);
    }
    if let Some(v) = setting::parse(word, rest)? {
        return Ok(Verb::Set(v));
    }
    if let Some(v) = event::parse(word, rest)? {
        return Ok(Verb::Event(v));
    }
    if let Some(v) = task::parse(word, rest)? {
        return Ok(Verb::Task(v));
    }
    if let Some(v) = ending::parse(word, rest)? {
        return Ok(Verb::End(v));
    }
    if let Some(v) = wait::parse(word, rest)? {
        return Ok(Verb::Wait(v));
    }
    if let Some(v) = file::parse(word, rest)? {
        return Ok(Verb::File(v));
    }
    match process::parse(word, rest)? {
        Some(v) => Ok(Verb::Process(v)),
        None => Err(format!("unknown verb \"{word}\"; fake-claude/README.md lists them")),
    }
}

/// A whole number, or what is wrong with it.
pub fn number(verb: &str, text: &str) -> Result<u64, String> {
    text.trim().parse().map_err(|_| format!("{verb} needs a whole number, not \"{}\"", text.trim()))
}

/// Something must be said.
pub fn needed(verb: &str, text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() { Err(format!("{verb} needs an argument")) } else { Ok(text.to_owned()) }
}

/// Text with its escapes undone: `\n \t \r \0 \\` and `\u{HEX}`; other backslashes stand for themselves.
pub fn text(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (shown, used) = match after.chars().next() {
            Some('n') => ('\n', 1),
            Some('t') => ('\t', 1),
            Some('r') => ('\r', 1),
            Some('0') => ('\0', 1),
            Some('\\') => ('\\', 1),
            Some('u') => unicode(after).unwrap_or(('\\', 0)),
            _ => ('\\', 0),
        };
        out.push(shown);
        rest = &after[used..];
    }
    out.push_str(rest);
    out
}

fn unicode(after: &str) -> Option<(char, usize)> {
    let hex = after.strip_prefix("u{")?.split_once('}')?.0;
    let c = u32::from_str_radix(hex, 16).ok().and_then(char::from_u32)?;
    Some((c, hex.len() + 3))
}
