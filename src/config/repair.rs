//! The corrected line for a mistake that one line holds, mostly for want of quotes. A line is proposed only if the file
//! reads with it, up to there at least.
use super::model::Problem;
use super::node::{flow_list, flow_text};
use super::tree::Tree;
use crate::machines::rule;

/// Longest line that is corrected, in bytes: it is repeated in the message.
const MAX_LINE_BYTES: usize = 200;
/// Largest text in which lines are corrected, in bytes: each attempt reads it again.
const MAX_TEXT_BYTES: usize = 256 * 1024;
/// Spaces that a tab may stand for.
const TAB_WIDTHS: [usize; 3] = [2, 4, 8];

/// How the keys of lists of texts end.
const LISTS: &[&str] = &["tools", "capabilities"];
/// How the parser says that a tab stands where a line is indented.
const OF_TAB: &[&str] = &["found character that cannot start any token", "found a tab character"];

/// The problem with the line that is right, where there is one. `reads` tells how far a text can be read: to its end
/// (`None`), or to the line of its first mistake.
pub(super) fn repaired(text: &str, mut problem: Problem, reads: impl Fn(&str) -> Option<u32>) -> Problem {
    let Some(number) = problem.line else { return problem };
    let Some((start, old)) = line(text, number) else { return problem };
    let tabbed = indented(old).0.contains('\t') && OF_TAB.iter().any(|said| problem.message.starts_with(said));
    if tabbed {
        "YAML takes no tabs for indentation: write spaces in their place".clone_into(&mut problem.message);
    }
    let found = match old.len() {
        ..=MAX_LINE_BYTES if tabbed => without_tabs(old),
        ..=MAX_LINE_BYTES => candidates(old),
        _ => Vec::new(),
    };
    proposed(text, problem, (start, old), found, reads)
}

/// The problem with the line in which a key has its right name, where that can be told.
pub(super) fn renamed(
    text: &str,
    problem: Problem,
    (key, meant): (&str, &str),
    reads: impl Fn(&str) -> Option<u32>,
) -> Problem {
    let Some((start, old)) = problem.line.and_then(|number| line(text, number)) else { return problem };
    proposed(text, problem, (start, old), vec![old.replacen(key, meant, 1)], reads)
}

/// The problem with the first of the lines with which the text can be read further than the line.
fn proposed(
    text: &str,
    problem: Problem,
    (start, old): (usize, &str),
    found: Vec<String>,
    reads: impl Fn(&str) -> Option<u32>,
) -> Problem {
    let Some(number) = problem.line.filter(|_| text.len() <= MAX_TEXT_BYTES && old.len() <= MAX_LINE_BYTES) else {
        return problem;
    };
    let reads_further = |candidate: &String| {
        let whole = format!("{}{candidate}{}", &text[..start], &text[start + old.len()..]);
        reads(&whole).is_none_or(|fault| fault > number)
    };
    let Some(new) = found.into_iter().find(reads_further) else { return problem };
    let how = match (indented(old).0 == indented(&new).0, bare(&new) == bare(old)) {
        (false, _) => "",
        (true, true) => " put it in quotes:",
        (true, false) => " correct it:",
    };
    // A text that has backticks itself stands between two of them on either side.
    let mark = if new.contains('`') { "``" } else { "`" };
    let message = format!("{};{how} line {number} is then {mark}{}{mark}", problem.message, new.trim_end());
    Problem { message, ..problem }
}

/// Where the line begins, and the line without its end.
fn line(text: &str, number: u32) -> Option<(usize, &str)> {
    let start: usize = text.split_inclusive('\n').take(number.checked_sub(1)? as usize).map(str::len).sum();
    let line = text.get(start..)?.split('\n').next()?.trim_end_matches('\r');
    Some((start, line))
}

/// The indentation and what follows.
fn indented(line: &str) -> (&str, &str) {
    line.split_at(line.len() - line.trim_start_matches([' ', '\t']).len())
}

/// What two lines have in common that differ in quotes only.
fn bare(line: &str) -> String {
    line.replace(['\'', '"'], "").trim_end().to_owned()
}

fn without_tabs(line: &str) -> Vec<String> {
    let (space, rest) = indented(line);
    TAB_WIDTHS.iter().map(|width| format!("{}{rest}", space.replace('\t', &" ".repeat(*width)))).collect()
}

/// What the line may have been meant to be, the likeliest first.
fn candidates(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (start, end) in lists(line) {
        let items = items(&line[start + 1..end]);
        let rules: Vec<String> = items.iter().flat_map(|item| meant(item)).collect();
        for items in [items, rules] {
            found.push(format!("{}{}{}", &line[..start], flow_list(&items), &line[end + 1..]));
        }
    }
    let (space, rest) = indented(line);
    let Some(at) = value_start(rest).map(|at| space.len() + at) else { return found };
    let (before, value) = (&line[..at], line[at..].trim_end());
    let mut add = |value: &str, behind: &str| {
        found.extend(values(before, value).into_iter().map(|value| format!("{before}{value}{behind}")));
    };
    add(value, "");
    if let Some((without, comment)) = value.split_once(" #") {
        add(without.trim_end(), &format!(" #{comment}"));
    }
    found
}

/// What the value may have been meant to be; `before` is what stands before it on its line.
fn values(before: &str, value: &str) -> Vec<String> {
    if value.is_empty() {
        return Vec::new();
    }
    let key = before.trim_start_matches([' ', '-']).trim_end().strip_suffix(':');
    let text = unquoted(half_quoted(value).unwrap_or(value));
    let mut found = Vec::new();
    if let Some(close) = unclosed(value) {
        let closed = format!("{value}{close}");
        found.extend(shaped(key, &closed));
        found.push(closed);
    }
    found.extend(shaped(key, value));
    // In quotes a list is a text that nobody meant.
    if value.starts_with(['[', '{']) && matches!(Tree::read(value), Ok(Tree::List(_) | Tree::Map(_))) {
        return found;
    }
    let rules = meant(text);
    // An item can be one rule only.
    if let (None, [rule]) = (key, rules.as_slice()) {
        found.push(flow_text(rule));
    }
    found.push(quoted(text));
    match key {
        Some(key) if key.ends_with("tools") => {
            found.push(flow_list(&rule::parts(text).into_iter().flat_map(meant).collect::<Vec<_>>()));
        }
        Some(_) => found.push(flow_list(&items(text))),
        None => found.push(format!("agent: {text}")),
    }
    found
}

/// The same in the shape that the key takes: the one element of a list or mapping, the members of a group as mappings, the
/// switch of the cache.
fn shaped(key: Option<&str>, value: &str) -> Vec<String> {
    let inner = |open, close| value.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    let list = inner('[', ']').map(items);
    if key == Some("members") {
        let members = list.unwrap_or_else(|| items(value));
        let members: Vec<String> = members.iter().map(|name| format!("{{agent: {name}}}")).collect();
        return vec![format!("[{}]", members.join(", "))];
    }
    let table = inner('{', '}').map(|pairs| {
        let pairs = items(pairs);
        pairs
            .iter()
            .map(|pair| unquoted(pair.split_once(": ").map_or(pair.as_str(), |(_, value)| value).trim()).to_owned())
            .collect()
    });
    let mut found = Vec::new();
    let whole = matches!(Tree::read(value), Ok(Tree::List(_) | Tree::Map(_)));
    if let (true, Some([element])) = (whole, list.or(table).as_deref()) {
        match Tree::read(element) {
            Ok(Tree::List(_)) => found.push(element.clone()),
            // Nothing, or a tag, is no value; and a list stays one.
            Ok(Tree::Null | Tree::Tagged(..)) => {}
            _ if key.is_some_and(|key| LISTS.iter().any(|ends| key.ends_with(ends))) => {}
            _ => found.extend([element.clone(), quoted(element)]),
        }
    }
    if key == Some("cache") {
        found.extend([format!("{{enabled: {value}}}"), format!("{{ttl: {value}}}")]);
    }
    found
}

/// What closes the brackets that the value leaves open.
fn unclosed(value: &str) -> Option<String> {
    if !value.starts_with(['[', '{']) {
        return None;
    }
    let mut close = Vec::new();
    for letter in value.chars() {
        match letter {
            '[' => close.push(']'),
            '{' => close.push('}'),
            ']' | '}' => drop(close.pop()),
            _ => {}
        }
    }
    (!close.is_empty()).then(|| close.into_iter().rev().collect())
}

/// The text behind a quote that nothing closes. An apostrophe within a word is no quote.
fn half_quoted(value: &str) -> Option<&str> {
    let mark = value.chars().next().filter(|first| matches!(first, '\'' | '"'))?;
    let letters: Vec<char> = value.chars().collect();
    let within = |at: usize| {
        let is_letter =
            |at: Option<usize>| at.and_then(|at| letters.get(at)).is_some_and(|letter| letter.is_alphanumeric());
        is_letter(at.checked_sub(1)) && is_letter(at.checked_add(1))
    };
    let marks = (0..letters.len()).filter(|at| letters[*at] == mark && !within(*at)).count();
    (marks == 1).then(|| value[1..].trim_end())
}

/// Where the value begins: behind the dashes of items and the first key.
fn value_start(line: &str) -> Option<usize> {
    let mut at = 0;
    while line[at..].starts_with("- ") {
        at += 2 + (line[at + 2..].len() - line[at + 2..].trim_start_matches(' ').len());
    }
    // A rule may have a colon; the key before one is a word.
    let word = line[at..].find(|letter: char| !letter.is_alphanumeric() && !matches!(letter, '_' | '-'));
    let behind = word.map_or("", |word| &line[at + word..]);
    if behind.starts_with(": ") {
        let colon = line.len() - behind.len() + 1;
        at = colon + (line[colon..].len() - line[colon..].trim_start_matches(' ').len());
    }
    (at > 0).then_some(at)
}

/// The rules that the item was meant to be, or the item.
fn meant(item: &str) -> Vec<String> {
    let wrong = rule::check(item, rule::List::Disallowed).err();
    wrong.and_then(|wrong| wrong.corrected).unwrap_or_else(|| vec![item.to_owned()])
}

/// The lists `[…]` of a line, each with its end; what stands in round brackets or quotes is part of an item.
fn lists(line: &str) -> Vec<(usize, usize)> {
    let mut lists = Vec::new();
    let mut open = None;
    let mut nesting = Nesting::default();
    for (at, letter) in line.char_indices().filter(|(_, letter)| nesting.is_outside(*letter)) {
        match letter {
            '[' if open.is_none() => open = Some(at),
            ']' => lists.extend(open.take().map(|start| (start, at))),
            _ => {}
        }
    }
    lists
}

/// The items of a list as they were meant: a comma within round brackets or quotes belongs to the item.
fn items(list: &str) -> Vec<String> {
    let mut nesting = Nesting::default();
    let items = list.split(|letter| nesting.is_outside(letter) && letter == ',');
    items.map(|item| unquoted(item.trim()).to_owned()).filter(|item| !item.is_empty()).collect()
}

/// The quotes and round brackets that are open at a place in a line.
#[derive(Default)]
struct Nesting {
    quote: Option<char>,
    depth: usize,
}

impl Nesting {
    /// Goes on by one character, and tells whether it stands outside of all quotes and brackets, and is none of them.
    fn is_outside(&mut self, letter: char) -> bool {
        match (self.quote, letter) {
            (Some(mark), _) if letter == mark => self.quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => self.quote = Some(letter),
            (None, '(') => self.depth += 1,
            (None, ')') => self.depth = self.depth.saturating_sub(1),
            (None, _) => return self.depth == 0,
        }
        false
    }
}

/// A text without the quotes around all of it.
fn unquoted(text: &str) -> &str {
    let inner = |quote: char| text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    inner('\'').or_else(|| inner('"')).unwrap_or(text)
}

/// A text in quotes, those that need no escapes if there are such.
fn quoted(text: &str) -> String {
    if text.contains('\'') && !text.contains(['"', '\\']) {
        return format!("\"{text}\"");
    }
    format!("'{}'", text.replace('\'', "''"))
}
