//! The parser's errors as [`Problem`]s: the message bounded, and the position that has to be corrected. The parser names the
//! position where it noticed the mistake, or none.
use super::model::Problem;

/// How many opened brackets may be unclosed at a time, wherever they stand: the parser allows 128 levels, and the
/// time it takes for each token grows with the number of open ones.
const MAX_OPEN_BRACKETS: usize = 256;
/// Longest message kept about one problem, in characters: the bad value is part of it and may be megabytes.
const MAX_MESSAGE_CHARS: usize = 300;

/// Characters that YAML forbids.
fn is_forbidden(letter: char) -> bool {
    letter.is_control() && !matches!(letter, '\t' | '\n' | '\r' | '\u{85}') || matches!(letter, '\u{fffe}' | '\u{ffff}')
}

/// The problem at the place that has to be corrected. The parser does not say where a second document begins (at the second
/// `---`) or where a forbidden character is.
pub(super) fn located(text: &str, mut problem: Problem) -> Problem {
    if problem.line.is_none() && problem.message.contains("more than one document") {
        let mut content = false;
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            if line.starts_with("---") && content {
                problem.line = u32::try_from(index + 1).ok();
                break;
            }
            content |= !line.trim().is_empty() && !line.starts_with(['#', '%']);
        }
        "only one YAML document is allowed, and here a second one begins".clone_into(&mut problem.message);
    }
    if problem.message.contains("control characters are not allowed")
        && let Some(at) = text.find(is_forbidden)
    {
        let code = text[at..].chars().next().map_or(0, u32::from);
        problem = at_byte(text, at, format!("the control character U+{code:04X} is not allowed"));
    }
    opened(text, problem)
}

/// What the parser was about when it met the fault, and where that began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begun {
    Quote,
    List,
    Mapping,
    Key,
}

/// How the parser says so.
const BEGUN: &[(&str, Begun)] = &[
    (", while scanning a quoted scalar", Begun::Quote),
    (", while parsing a flow sequence", Begun::List),
    (", while parsing a flow mapping", Begun::Mapping),
    (", while scanning a simple key", Begun::Key),
];

/// A problem that is noticed behind its place is moved there: to the quote or bracket that nothing closes, to the key that
/// has no colon. None is behind the last line.
fn opened(text: &str, problem: Problem) -> Problem {
    let Some(noticed) = problem.line else { return problem };
    let begun = BEGUN.iter().find_map(|(said, begun)| Some((problem.message.split_once(said)?, *begun)));
    let Some(((_, place), begun)) = begun else { return within(text, problem) };
    let Some((line, column)) = numbers(place).or(problem.line.zip(problem.column)) else {
        return within(text, problem);
    };
    let at = |message: String| Problem::at(message, (line, column));
    let runs_on = line < noticed && indentation(text, noticed).is_none_or(|next| Some(next) <= indentation(text, line));
    let before = match lines(text) {
        last if noticed > last => "before the end of the file".to_owned(),
        _ => format!("before line {noticed}"),
    };
    match begun {
        Begun::Quote if problem.message.starts_with("found unexpected") && line < noticed => {
            at(format!("the quote that opens here is not closed {before}"))
        }
        Begun::List if runs_on => at(format!("the `[` that opens here is not closed {before}")),
        Begun::Mapping if runs_on => at(format!("the `{{` that opens here is not closed {before}")),
        Begun::Key if line < noticed => at("this is no key, for it has no colon".to_owned()),
        _ => within(text, problem),
    }
}

/// The problem, not behind the last line: there it is about a bracket, or the end of the text.
fn within(text: &str, problem: Problem) -> Problem {
    let last = lines(text);
    match problem.line {
        Some(line) if line > last => match open_bracket(text) {
            Some((letter, at)) => {
                at_byte(text, at, format!("the `{letter}` that opens here is not closed before the end of the file"))
            }
            None => Problem { line: Some(last), column: None, ..problem },
        },
        _ => problem,
    }
}

/// The number of the last line that says something, at least 1.
fn lines(text: &str) -> u32 {
    let said = text.trim_end().lines().count().max(1);
    u32::try_from(said).unwrap_or(u32::MAX)
}

/// Line and column at the end of a message.
fn numbers(place: &str) -> Option<(u32, u32)> {
    let (line, column) = place.strip_prefix(" at line ")?.split_once(" column ")?;
    Some((line.parse().ok()?, column.parse().ok()?))
}

/// How far the line is indented; nothing for one that is not there or says nothing.
fn indentation(text: &str, number: u32) -> Option<usize> {
    let line = text.lines().nth(number.checked_sub(1)? as usize)?;
    let said = line.trim_start();
    (!said.is_empty()).then(|| line.len() - said.len())
}

/// The last bracket that begins a value and that nothing closes.
fn open_bracket(text: &str) -> Option<(char, usize)> {
    let mut open = Vec::new();
    let mut quote = None;
    let mut before = ' ';
    let mut comment = false;
    for (at, letter) in text.char_indices() {
        let begins = before.is_whitespace() || !open.is_empty() && matches!(before, '[' | '{' | ',');
        match (quote, letter) {
            _ if comment => comment = letter != '\n',
            (Some(mark), _) if letter == mark => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') if begins => quote = Some(letter),
            (None, '#') if before.is_whitespace() => comment = true,
            (None, '[' | '{') if begins => open.push((letter, at)),
            (None, ']' | '}') => drop(open.pop()),
            (None, _) => {}
        }
        before = letter;
    }
    open.pop()
}

/// Says so when brackets are nested too deep for the parser to end in reasonable time.
pub(super) fn too_deep(text: &str) -> Option<Problem> {
    let mut open = 0usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > MAX_OPEN_BRACKETS {
            return Some(at_byte(text, at, format!("more than {MAX_OPEN_BRACKETS} brackets are open")));
        }
    }
    None
}

/// The error in our own form: position apart from the text, and the text bounded.
pub(super) fn of(error: &serde_yaml::Error) -> Problem {
    let narrow = |number: usize| u32::try_from(number).ok();
    let (line, column) = match error.location() {
        Some(location) => (narrow(location.line()), narrow(location.column())),
        None => (None, None),
    };
    let mut message = error.to_string();
    if let (Some(line), Some(column)) = (line, column) {
        let suffix = format!(" at line {line} column {column}");
        if let Some(rest) = message.strip_suffix(&suffix) {
            message.truncate(rest.len());
        }
    }
    Problem { message: bounded(plain(&message)), line, column }
}

/// The message in words of YAML, where one value is expected and several stand.
fn plain(message: &str) -> String {
    for (found, what) in
        [("invalid type: sequence, expected ", "a list"), ("invalid type: map, expected ", "a mapping")]
    {
        if let Some((path, expected)) = message.split_once(found)
            && !["a list", "a mapping", "a sequence", "a map"].iter().any(|several| expected.starts_with(several))
        {
            return format!("{path}expected one value, not {what}: {expected}");
        }
    }
    message.to_owned()
}

/// The message, cut to the length that is kept.
pub(super) fn bounded(mut message: String) -> String {
    if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE_CHARS) {
        message.truncate(end);
        message.push('…');
    }
    message
}

fn at_byte(text: &str, at: usize, message: String) -> Problem {
    Problem::at(message, position(&text.as_bytes()[..at]))
}

/// Line and column, from 1, of what follows `before`. Columns count characters.
pub(super) fn position(before: &[u8]) -> (u32, u32) {
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}
