//! The corrected line for a mistake that one line holds, mostly for want of quotes. A line is proposed only if the file
//! reads with it, up to there at least.
use super::model::Problem;
use super::node::flow_list;
use crate::machines::rule;

/// Longest line that is corrected, in bytes: it is repeated in the message.
const MAX_LINE_BYTES: usize = 200;
/// Largest text in which lines are corrected, in bytes: each attempt reads it again.
const MAX_TEXT_BYTES: usize = 256 * 1024;
/// Spaces that a tab may stand for.
const TAB_WIDTHS: [usize; 3] = [2, 4, 8];

/// The problem with the line that is right, where there is one. `reads` tells how far a text can be read: to its end
/// (`None`), or to the line of its first mistake.
pub(super) fn repaired(text: &str, problem: Problem, reads: impl Fn(&str) -> Option<u32>) -> Problem {
    let Some(number) = problem.line else { return problem };
    match line(text, number, reads) {
        Some((old, new)) => {
            let marks = |line: &str| line.matches(['\'', '"']).count();
            let how = if marks(&new) > marks(&old) { "put it in quotes" } else { "correct it" };
            // A text that has backticks itself stands between two of them on either side.
            let mark = if new.contains('`') { "``" } else { "`" };
            let message = format!("{}; {how}: line {number} is then {mark}{}{mark}", problem.message, new.trim());
            Problem { message, ..problem }
        }
        None => problem,
    }
}

/// The line as it is and as it is right.
fn line(text: &str, number: u32, reads: impl Fn(&str) -> Option<u32>) -> Option<(String, String)> {
    if text.len() > MAX_TEXT_BYTES {
        return None;
    }
    let start: usize = text.split_inclusive('\n').take(number.checked_sub(1)? as usize).map(str::len).sum();
    let line = text.get(start..)?.split('\n').next()?.trim_end_matches('\r');
    if line.len() > MAX_LINE_BYTES {
        return None;
    }
    let reads_further = |candidate: &String| {
        let whole = format!("{}{candidate}{}", &text[..start], &text[start + line.len()..]);
        reads(&whole).is_none_or(|fault| fault > number)
    };
    candidates(line).into_iter().find(reads_further).map(|new| (line.to_owned(), new))
}

/// What the line may have been meant to be, the likeliest first.
fn candidates(line: &str) -> Vec<String> {
    let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
    let (space, rest) = line.split_at(indent);
    if space.contains('\t') {
        return TAB_WIDTHS.iter().map(|width| format!("{}{rest}", space.replace('\t', &" ".repeat(*width)))).collect();
    }
    let mut found = Vec::new();
    for (start, end) in lists(line) {
        let items = items(&line[start + 1..end]);
        found.push(format!("{}{}{}", &line[..start], flow_list(&items), &line[end + 1..]));
        let rules: Vec<String> = items.iter().flat_map(|item| meant(item)).collect();
        found.push(format!("{}{}{}", &line[..start], flow_list(&rules), &line[end + 1..]));
    }
    let Some(at) = value_start(rest).map(|at| indent + at) else { return found };
    let (before, value) = (&line[..at], line[at..].trim_end());
    if value.is_empty() {
        return found;
    }
    let is_item = before.trim_end().ends_with('-');
    let bare = unquoted(value);
    found.push(format!("{before}{}", quoted(bare)));
    if let Some((without, comment)) = value.split_once(" #") {
        found.push(format!("{before}{} #{comment}", quoted(without.trim_end())));
    }
    if !is_item {
        let rules: Vec<String> = rule::parts(bare).into_iter().map(str::to_owned).collect();
        found.push(format!("{before}{}", flow_list(&rules)));
    }
    found
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
    let mut depth = 0i32;
    let mut quote = None;
    for (at, letter) in line.char_indices() {
        match (quote, letter) {
            (Some(mark), _) if letter == mark => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(letter),
            (None, '(') => depth += 1,
            (None, ')') => depth = (depth - 1).max(0),
            (None, '[') if depth == 0 && open.is_none() => open = Some(at),
            (None, ']') if depth == 0 => lists.extend(open.take().map(|start| (start, at))),
            (None, _) => {}
        }
    }
    lists
}

/// The items of a list as they were meant: a comma within brackets or quotes belongs to the item.
fn items(list: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut depth = 0i32;
    let mut quote = None;
    for letter in list.chars() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(letter),
            (None, '(') => depth += 1,
            (None, ')') => depth = (depth - 1).max(0),
            (None, ',') if depth == 0 => {
                items.push(String::new());
                continue;
            }
            (None, _) => {}
        }
        if let Some(item) = items.last_mut() {
            item.push(letter);
        }
    }
    items.iter().map(|item| unquoted(item.trim()).to_owned()).filter(|item| !item.is_empty()).collect()
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
