//! Permission rules as the claude CLI reads them: `Tool`, or `Tool(pattern)`.
//!
//! The CLI takes any text for a rule. What is no rule has no effect, or more than it seems to have: `Bash (ls:*)` is all
//! of Bash. So each entry of a list is checked before it is kept; each fault says what the CLI (2.1.197 to 2.1.332) makes
//! of such an entry.

use super::text;

/// The list that a rule stands in: the CLI takes more wildcards in one than in the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// What runs without being asked for.
    Allowed,
    /// What does not run.
    Disallowed,
}

/// Why an entry is not the rule that it seems to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The rule is blank.
    #[error("is empty")]
    Empty,
    /// It holds a line break or the like.
    #[error("contains the control character U+{:04X}", u32::from(*.0))]
    Control(char),
    /// It is rules, which are taken apart at commas and spaces outside of brackets.
    #[error("is {0} rules in one entry")]
    Several(usize),
    /// It is neither form.
    #[error("is not a rule: `Tool` or `Tool(pattern)`")]
    Form,
    /// The bracket is never closed; such a rule has no effect.
    #[error("has no closing bracket, so that claude ignores it")]
    Open,
    /// More closing brackets than opening ones, or the other way round.
    #[error("has unbalanced brackets, so that claude ignores it")]
    Unbalanced,
    /// Something follows the closing bracket; such a rule has no effect.
    #[error("goes on behind its closing bracket, so that claude ignores it")]
    Tail,
    /// A space before the bracket ends the rule, which then is the whole tool.
    #[error("has a space before its bracket, so that claude takes it for the whole tool")]
    Spaced,
    /// A bracket within quotes counts as well, and the next space ends the rule.
    #[error("ends for claude at the space behind the first closing bracket; write `*` for that bracket")]
    Cut,
    /// Patterns with commas between them match only a command that has those commas.
    #[error("holds several patterns, and a rule has one")]
    Patterns,
    /// A colon and a space are part of what is matched: `git log: *` means the command `git log:`.
    #[error("has a space behind its colon, so that claude takes the colon for a part of what is matched")]
    Colon,
    /// No tool is called that.
    #[error("names no tool: names begin with a capital letter, those of MCP servers with `mcp__`")]
    Case,
    /// No tool has that letter in its name.
    #[error("names no tool: names have no {0:?}")]
    Letter(char),
    /// Such a wildcard has no effect where something is allowed.
    #[error("allows nothing: in allowed tools `*` may stand only behind `mcp__SERVER__`, so name each tool")]
    Wildcard,
    /// A pattern for an MCP tool has no effect.
    #[error("has no effect: an MCP tool takes no pattern in brackets")]
    McpPattern,
}

/// An entry that is not the rule that it seems to be, and what would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The rule as it was written.
    pub entry: String,
    /// What is wrong with it.
    pub fault: Fault,
    /// The rules to write in its place, where that can be told.
    pub corrected: Option<Vec<String>>,
}

/// Longest part of a wrong entry that is repeated, in characters.
const SHOWN_CHARS: usize = 100;
/// How the names of MCP tools begin.
const MCP: &str = "mcp__";
/// Tools whose patterns are paths, which a colon may be part of.
const OF_PATHS: &[&str] = &["Edit", "Glob", "Grep", "LS", "MultiEdit", "NotebookEdit", "NotebookRead", "Read", "Write"];
/// How the pattern of WebFetch begins.
const DOMAIN: &str = "domain:";
/// Tools that claude has had, to tell what a name in another case means. One that is missing here costs a suggestion.
const TOOLS: &[&str] = &[
    "Agent",
    "AskUserQuestion",
    "Bash",
    "BashOutput",
    "Edit",
    "ExitPlanMode",
    "Glob",
    "Grep",
    "KillShell",
    "LS",
    "Monitor",
    "MultiEdit",
    "NotebookEdit",
    "NotebookRead",
    "Read",
    "SendMessage",
    "Skill",
    "Task",
    "TaskStop",
    "TodoWrite",
    "ToolSearch",
    "WebFetch",
    "WebSearch",
    "Workflow",
    "Write",
];

impl Fault {
    /// Whether a rule may show that fault when this one is corrected. No fault comes before itself.
    const fn comes_before(self, next: Self) -> bool {
        match next {
            Self::Patterns => !matches!(self, Self::Patterns | Self::Colon),
            Self::Colon => !matches!(self, Self::Colon),
            _ => false,
        }
    }
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "`{}` {}", shown(&self.entry), self.fault)?;
        match self.corrected.as_deref() {
            None => Ok(()),
            Some(rules) => {
                let rules: Vec<String> = rules.iter().map(|rule| format!("`{}`", shown(rule))).collect();
                write!(out, "; write {}", rules.join(" and "))
            }
        }
    }
}

/// A text as it may stand in a message.
fn shown(text: &str) -> String {
    let beginning = text::first_chars(text, SHOWN_CHARS);
    let more = if beginning.len() < text.len() { "…" } else { "" };
    format!("{}{more}", beginning.replace(char::is_control, "\u{fffd}"))
}

/// Whether the entry is one rule that can have an effect in that list.
///
/// # Errors
/// What is wrong, with the correction.
pub fn check(entry: &str, list: List) -> Result<(), Wrong> {
    fault(entry, list).map_or(Ok(()), |fault| {
        Err(Wrong { entry: entry.trim().to_owned(), fault, corrected: corrected(entry, fault, list) })
    })
}

/// Whether all entries are rules. One that a comma tore apart is told as the rule that it was.
///
/// # Errors
/// What is wrong with the first that is none.
pub fn check_all<S: AsRef<str>>(entries: &[S], list: List) -> Result<(), Wrong> {
    rejoined(entries).iter().try_for_each(|entry| check(entry, list))?;
    // Pieces that make a rule together are none each.
    let torn = |wrong: Wrong| {
        let whole = rejoined(entries).into_iter().find(|whole| whole.starts_with(&wrong.entry));
        Wrong { corrected: whole.map(|whole| vec![whole]), ..wrong }
    };
    entries.iter().try_for_each(|entry| check(entry.as_ref(), list)).map_err(torn)
}

/// The entries, those joined again that a comma within brackets tore apart.
fn rejoined<S: AsRef<str>>(entries: &[S]) -> Vec<String> {
    let mut whole: Vec<String> = Vec::new();
    let mut rest = entries.iter().map(AsRef::as_ref).peekable();
    while let Some(first) = rest.next() {
        let mut joined = first.to_owned();
        let mut taken = rest.clone();
        while is_open(&joined)
            && let Some(next) = taken.next()
        {
            joined = format!("{joined}, {}", next.trim_start());
        }
        if !is_open(&joined) {
            rest = taken;
            whole.push(joined);
        } else {
            whole.push(first.to_owned());
        }
    }
    whole
}

/// Whether an opening bracket is not closed.
fn is_open(text: &str) -> bool {
    text.chars().fold(0i64, |depth, letter| depth + bracket(letter)) > 0
}

const fn bracket(letter: char) -> i64 {
    match letter {
        '(' => 1,
        ')' => -1,
        _ => 0,
    }
}

/// The rules that the CLI makes of a text: it takes it apart at commas and spaces outside of brackets.
#[must_use]
pub fn parts(text: &str) -> Vec<&str> {
    let mut depth = 0i64;
    let apart = |letter: char| {
        depth = (depth + bracket(letter)).max(0);
        depth == 0 && matches!(letter, ',' | ' ')
    };
    text.split(apart).filter(|part| !part.is_empty()).collect()
}

/// What is wrong with the entry; nothing with a rule.
fn fault(entry: &str, list: List) -> Option<Fault> {
    let rule = entry.trim_matches(' ');
    if rule.is_empty() {
        return Some(Fault::Empty);
    }
    if let Some(letter) = rule.chars().find(|letter| letter.is_control()) {
        return Some(Fault::Control(letter));
    }
    let parts = parts(rule);
    if parts.len() != 1 && parts.iter().all(|part| single(part, list).is_none()) {
        return Some(Fault::Several(parts.len()));
    }
    single(rule, list)
}

/// What is wrong with the text as one rule.
fn single(rule: &str, list: List) -> Option<Fault> {
    let Some((name, rest)) = rule.split_once('(') else {
        return if rule.contains([')', ' ', ',']) { Some(Fault::Form) } else { wrong_name(rule, list) };
    };
    let Some(pattern) = rest.strip_suffix(')') else {
        return Some(if is_open(rule) { Fault::Open } else { Fault::Tail });
    };
    if name.ends_with(' ') && wrong_name(name.trim_end(), list).is_none() {
        return Some(Fault::Spaced);
    }
    if name.contains([' ', ',']) {
        return Some(Fault::Form);
    }
    if parts(rule).len() > 1 {
        return Some(Fault::Cut);
    }
    if !is_balanced(pattern) {
        return Some(Fault::Unbalanced);
    }
    wrong_name(name, list).or_else(|| wrong_pattern(name, pattern))
}

/// Whether each bracket has its partner, those in quotes or behind a backslash counted or not.
fn is_balanced(pattern: &str) -> bool {
    closes(pattern.chars()) || closes(unquoted(pattern))
}

fn closes(letters: impl Iterator<Item = char>) -> bool {
    let mut depth = 0;
    for letter in letters {
        depth += bracket(letter);
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

/// What stands neither in quotes nor behind a backslash.
fn unquoted(text: &str) -> impl Iterator<Item = char> {
    let mut quote = None;
    let mut escaped = false;
    text.chars().filter(move |letter| {
        let plain = !escaped && quote.is_none() && !matches!(letter, '\\' | '"' | '\'');
        match (quote, *letter) {
            _ if escaped => escaped = false,
            (_, '\\') => escaped = true,
            (Some(open), letter) if letter == open => quote = None,
            (None, letter @ ('"' | '\'')) => quote = Some(letter),
            _ => {}
        }
        plain
    })
}

fn wrong_name(name: &str, list: List) -> Option<Fault> {
    let known = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '*');
    if let Some(letter) = name.chars().find(|letter| !known(*letter)) {
        return Some(Fault::Letter(letter));
    }
    let Some((literal, _)) = name.split_once('*') else {
        let of_server = name.strip_prefix(MCP).is_some_and(|rest| !rest.is_empty());
        let capital = name.starts_with(|letter: char| letter.is_ascii_uppercase()) && !begins_like_mcp(name);
        return (!of_server && !capital).then_some(Fault::Case);
    };
    match list {
        List::Allowed => {
            let of_server = literal.strip_prefix(MCP).and_then(|rest| rest.split_once("__"));
            of_server.is_none_or(|(server, _)| server.is_empty()).then_some(Fault::Wildcard)
        }
        List::Disallowed => {
            let capital = literal.starts_with(|letter: char| letter.is_ascii_uppercase()) && !begins_like_mcp(literal);
            let fits = capital || MCP.starts_with(literal) || literal.starts_with(MCP);
            (!fits).then_some(Fault::Case)
        }
    }
}

/// `Mcp__` and the like, which is not how such names begin.
fn begins_like_mcp(name: &str) -> bool {
    name.get(..MCP.len()).is_some_and(|start| start.eq_ignore_ascii_case(MCP))
}

fn wrong_pattern(name: &str, pattern: &str) -> Option<Fault> {
    if name.starts_with(MCP) && !matches!(pattern.trim(), "" | "*") {
        return Some(Fault::McpPattern);
    }
    if patterns(name, pattern).len() > 1 {
        return Some(Fault::Patterns);
    }
    without_space(name, pattern).map(|_| Fault::Colon)
}

/// The pattern without the space that stands between a colon and what the colon belongs to.
fn without_space(name: &str, pattern: &str) -> Option<String> {
    if name == "WebFetch" {
        let domain = pattern.trim_start().strip_prefix(DOMAIN)?;
        return domain.starts_with(' ').then(|| format!("{DOMAIN}{}", domain.trim()));
    }
    let prefix = pattern.trim_end().strip_suffix('*')?.strip_suffix(' ')?.trim_end();
    // `:` alone is a command of the shell, and in quotes a colon is text.
    let ends = prefix.trim_start().len() > 1 && unquoted(prefix).last() == Some(':');
    (ends && !OF_PATHS.contains(&name)).then(|| format!("{prefix}*"))
}

/// The patterns between commas, where that is what the commas can mean: otherwise a comma is part of the pattern.
fn patterns<'a>(name: &str, pattern: &'a str) -> Vec<&'a str> {
    let pieces: Vec<&str> = pattern.split(',').map(str::trim).collect();
    let all = |means: fn(&str) -> bool| pieces.iter().all(|piece| means(piece));
    let several = pieces.iter().rev().skip(1).any(|piece| piece.ends_with(":*"))
        || all(|piece| piece.ends_with('*'))
        || name == "WebFetch" && all(|piece| piece.starts_with(DOMAIN));
    if several && all(|piece| !piece.is_empty()) { pieces } else { vec![pattern] }
}

/// The rules that were meant, where that can be told. Each of them passes the check.
fn corrected(entry: &str, fault: Fault, list: List) -> Option<Vec<String>> {
    let rule = entry.trim();
    let (name, rest) = rule.split_once('(').unwrap_or((rule, ""));
    let rules: Vec<String> = match fault {
        Fault::Several(_) => parts(rule).into_iter().map(str::to_owned).collect(),
        Fault::Open => vec![format!("{rule})")],
        Fault::Spaced => vec![format!("{}({rest}", name.trim_end())],
        Fault::Patterns => {
            let pieces = patterns(name, rest.strip_suffix(')')?);
            pieces.into_iter().map(|piece| format!("{name}({piece})")).collect()
        }
        Fault::Colon => vec![format!("{name}({})", without_space(name, rest.strip_suffix(')')?)?)],
        Fault::Case if begins_like_mcp(name) => vec![format!("{MCP}{}", &rule[MCP.len()..])],
        Fault::Case => {
            let tool = TOOLS.iter().find(|tool| tool.eq_ignore_ascii_case(name))?;
            vec![format!("{tool}{}", &rule[name.len()..])]
        }
        Fault::Letter('"' | '\'' | '`') => vec![rule.trim_matches(['"', '\'', '`']).to_owned()],
        // Without its pattern a rule would allow more than was written.
        Fault::McpPattern if list == List::Disallowed => vec![name.to_owned()],
        _ => return None,
    };
    rules
        .into_iter()
        .map(|rule| match self::fault(&rule, list) {
            None => Some(vec![rule]),
            // An unclosed rule may have had several patterns, and each pattern a space behind its colon.
            Some(next) if fault.comes_before(next) => corrected(&rule, next, list),
            Some(_) => None,
        })
        .collect::<Option<Vec<_>>>()
        .map(|rules| rules.concat())
}
