//! Tests live outside of `src/`, so nearly everything there is `pub`, and no compiler says what only a test uses, or nobody.

use std::collections::BTreeSet;

use super::source;

/// A word after one of these is declared there.
const DECLARES: [&str; 7] = ["fn", "struct", "enum", "trait", "type", "const", "static"];
/// What may stand after those words and is no name: `*const T`, `fn(…)` as a type, `const unsafe fn`.
const NO_NAMES: [&str; 6] = ["_", "main", "mut", "unsafe", "async", "fn"];

/// A declaration.
struct Item {
    line: usize,
    name: String,
    /// A method or a variant: wherever it is used, a `.` or `::` is before it, or it was brought in by a `use`.
    is_member: bool,
}

/// What is declared in these files and named nowhere else in them. Methods of a trait are called by whoever knows the
/// trait, those of a state machine by its macro; the text of an attribute names what a derived implementation calls.
pub fn unused(files: &[(String, String)]) -> Vec<String> {
    let codes: Vec<(&str, String)> = files.iter().map(|(path, text)| (path.as_str(), source::code(text))).collect();
    let (mut words, mut members): (BTreeSet<String>, BTreeSet<String>) = Default::default();
    for ((_, text), (_, code)) in files.iter().zip(&codes) {
        uses(code, &mut words, &mut members);
        words.extend(in_formats(text));
        words.extend(in_attributes(text));
        members.extend(in_attributes(text));
    }
    let mut found = Vec::new();
    for (path, code) in &codes {
        let tokens = source::tokens(code);
        let all = declared(&tokens).into_iter().chain(variants(&tokens));
        let idle = all.filter(|item| !if item.is_member { &members } else { &words }.contains(&item.name));
        found.extend(idle.map(|item| format!("{path}:{}: nothing in src/ uses {}", item.line, item.name)));
    }
    found
}

/// The words of a code that declare nothing, and those of them that name a member. A re-export is no use.
fn uses(code: &str, words: &mut BTreeSet<String>, members: &mut BTreeSet<String>) {
    let tokens = source::tokens(code);
    let (mut imported, mut exported) = (false, false);
    for (at, (_, token)) in tokens.iter().enumerate() {
        let before = before(&tokens, at);
        imported = *token != ";" && (imported || *token == "use");
        exported = imported && (exported || (*token == "use" && matches!(before, "pub" | ")")));
        if !exported && source::is_word(token) && !DECLARES.contains(&before) && before != "mod" {
            words.insert((*token).to_owned());
            if imported || matches!(before, "." | "::") {
                members.insert((*token).to_owned());
            }
        }
    }
}

/// The word or mark before one. `static` of the lifetime is none of the words that declare.
fn before<'a>(tokens: &[(usize, &'a str)], at: usize) -> &'a str {
    match at.checked_sub(1).map_or("", |before| tokens[before].1) {
        "static" if at > 1 && tokens[at - 2].1 == "'" => "'static",
        before => before,
    }
}

/// The words that texts take in: `"{LIMIT} of {total:>8}"`.
fn in_formats(text: &str) -> impl Iterator<Item = String> {
    let opened =
        text.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| line.split('{').skip(1));
    let words = opened.filter_map(|rest| rest.split(['}', ':']).next());
    words.filter(|word| word.chars().all(source::is_word_character)).map(str::to_owned)
}

/// The words in attributes: `#[serde(default = "limit")]`.
fn in_attributes(text: &str) -> impl Iterator<Item = String> {
    let attributes = text.lines().filter(|line| line.trim_start().starts_with("#["));
    let words = attributes.flat_map(|line| line.split(|c: char| !source::is_word_character(c)));
    words.map(str::to_owned)
}

/// The functions, types and constants of a file.
fn declared(tokens: &[(usize, &str)]) -> Vec<Item> {
    let mut found = Vec::new();
    // For each open brace: what stands before it.
    let mut open: Vec<Vec<&str>> = Vec::new();
    let mut heading: Vec<&str> = Vec::new();
    for (at, (line, token)) in tokens.iter().enumerate() {
        match *token {
            "{" => open.push(std::mem::take(&mut heading)),
            "}" => {
                open.pop();
                heading.clear();
            }
            ";" => heading.clear(),
            word => {
                let before = before(tokens, at);
                let is_name = source::is_word(word) && DECLARES.contains(&before) && !NO_NAMES.contains(&word);
                let of_trait = open.iter().any(|heading| is_impl(heading) && heading.contains(&"for"));
                let of_macro = heading.iter().any(|word| matches!(*word, "state" | "superstate" | "action"));
                if is_name && !of_trait && !of_macro {
                    let is_member = open.last().is_some_and(|heading| is_impl(heading));
                    found.push(Item { line: *line, name: word.to_owned(), is_member });
                }
                heading.push(word);
            }
        }
    }
    found
}

fn is_impl(heading: &[&str]) -> bool {
    heading.contains(&"impl") && !heading.contains(&"fn")
}

/// The variants of the enums of a file.
fn variants(tokens: &[(usize, &str)]) -> Vec<Item> {
    let mut found = Vec::new();
    for at in (0..tokens.len()).filter(|at| tokens[*at].1 == "enum") {
        let Some(open) = tokens[at..].iter().position(|(_, token)| *token == "{") else { continue };
        let (mut depth, mut may_begin) = (0_usize, true);
        for (line, token) in &tokens[at + open..] {
            match *token {
                // `?` makes it.
                "from" if depth > 1 => drop(found.pop()),
                "{" | "(" | "[" => depth += 1,
                "}" | ")" | "]" => depth -= 1,
                "," if depth == 1 => may_begin = true,
                word if depth == 1 && may_begin && source::is_word(word) => {
                    found.push(Item { line: *line, name: word.to_owned(), is_member: true });
                    may_begin = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    found
}
