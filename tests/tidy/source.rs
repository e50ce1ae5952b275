//! Just enough of Rust's grammar to judge a source file: its code without comments and texts, its paths, its functions.

/// The code with comments, string and character literals blanked out. Lines stay where they are.
pub fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = literal_or_comment(rest, out.chars().last());
        if length == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            out.extend(rest[..length].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = &rest[length..];
        }
    }
    out
}

/// The length of the comment or literal that `rest` begins with, or 0.
fn literal_or_comment(rest: &str, before: Option<char>) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment(rest);
    }
    if rest.starts_with('"') {
        return quoted(rest, 1);
    }
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if !in_word && let Some(length) = raw_string(rest) {
        return length;
    }
    if rest.starts_with('\'') { character(rest) } else { 0 }
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        let tail = &rest[at..];
        if tail.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if tail.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += tail.chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// A literal up to its closing quote, from `start` on.
fn quoted(rest: &str, start: usize) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip_while(|(at, _)| *at < start) {
        match c {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => return at + 1,
            _ => escaped = false,
        }
    }
    rest.len()
}

fn raw_string(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix("br").or_else(|| rest.strip_prefix("cr")).or_else(|| rest.strip_prefix('r'))?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    body[hashes..].strip_prefix('"')?;
    let start = rest.len() - body.len() + hashes + 1;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(rest[start..].find(&end).map_or(rest.len(), |at| start + at + end.len()))
}

/// A character literal; a lifetime is none.
fn character(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            chars.next();
            rest[3..].find('\'').map_or(0, |at| at + 4)
        }
        Some(_) => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 0,
        },
        None => 0,
    }
}

/// Every path in the code, `use` trees spread out, with its line: `["std", "fmt", "Write"]`.
pub fn paths(code: &str) -> Vec<(usize, Vec<String>)> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at].1 == "use" && !(at > 0 && tokens[at - 1].1 == "::") {
            at = use_tree(&tokens, at + 1, &[], &mut found);
        } else if is_word(tokens[at].1) {
            let line = tokens[at].0;
            let mut path = vec![tokens[at].1.to_owned()];
            while at + 2 < tokens.len() && tokens[at + 1].1 == "::" && is_word(tokens[at + 2].1) {
                path.push(tokens[at + 2].1.to_owned());
                at += 2;
            }
            if path.len() > 1 {
                found.push((line, path));
            }
            at += 1;
        } else {
            at += 1;
        }
    }
    found
}

/// Spreads out the tree that begins at `at`; returns where it ends.
fn use_tree(
    tokens: &[(usize, &str)],
    mut at: usize,
    prefix: &[String],
    found: &mut Vec<(usize, Vec<String>)>,
) -> usize {
    let mut path = prefix.to_vec();
    while at < tokens.len() {
        match tokens[at].1 {
            "::" => {}
            "as" => at += 1,
            "{" => loop {
                at = use_tree(tokens, at + 1, &path, found);
                if at >= tokens.len() || tokens[at].1 != "," {
                    return at + 1;
                }
            },
            ";" | "," | "}" => {
                if path.len() > prefix.len() {
                    found.push((tokens[at].0, path));
                }
                return at;
            }
            word => path.push(word.to_owned()),
        }
        at += 1;
    }
    at
}

/// Words, `::` and single marks, each with its line.
pub fn tokens(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = if is_word_character(first) {
                rest.find(|c| !is_word_character(c)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            found.push((number + 1, &rest[..length]));
            rest = rest[length..].trim_start();
        }
    }
    found
}

pub fn is_word(token: &str) -> bool {
    token.starts_with(is_word_character)
}

pub fn is_word_character(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Each function with a body: its line, its name, and how many lines it has.
pub fn functions(code: &str) -> Vec<(usize, String, usize)> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    for (at, (line, token)) in tokens.iter().enumerate() {
        let Some((_, name)) = tokens.get(at + 1).filter(|(_, name)| *token == "fn" && is_word(name)) else { continue };
        let body = tokens[at..].iter().position(|(_, token)| *token == "{" || *token == ";");
        let Some(open) = body.map(|offset| at + offset).filter(|open| tokens[*open].1 == "{") else { continue };
        let mut depth = 0_usize;
        let close = tokens[open..].iter().find(|(_, token)| {
            match *token {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        let last = close.map_or(*line, |(line, _)| *line);
        found.push((*line, (*name).to_owned(), last + 1 - line));
    }
    found
}

/// The modules that a file declares without a body, with the `#[path]` of those that have one.
pub fn modules(text: &str) -> Vec<(String, Option<String>)> {
    let mut found = Vec::new();
    let mut path = None;
    for line in text.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("#[path = \"") {
            path = rest.split('"').next().map(str::to_owned);
        } else if let Some(name) =
            line.strip_suffix(';').and_then(|line| line.rsplit_once("mod ").map(|(_, name)| name))
        {
            let is_plain = matches!(line.split("mod ").next(), Some("" | "pub " | "pub(crate) " | "pub(super) "));
            if is_plain {
                found.push((name.to_owned(), path.take()));
            }
        } else if !line.starts_with("#[") {
            path = None;
        }
    }
    found
}

/// The module that a file below `src/` is, from the crate's root on.
pub fn module(file: &str) -> Vec<String> {
    let inside = file.strip_prefix("src/").and_then(|file| file.strip_suffix(".rs")).unwrap_or(file);
    let mut module: Vec<String> = inside.split('/').map(str::to_owned).collect();
    if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        module.pop();
    }
    module
}

/// The path from the crate's root, where it starts with `crate`, `self` or `super`.
pub fn absolute(file: &str, parts: &[String]) -> Vec<String> {
    let mut module = module(file);
    let mut rest = parts;
    while let Some((first, tail)) = rest.split_first() {
        match first.as_str() {
            "crate" | "agent_dispatch" => module.clear(),
            "super" => drop(module.pop()),
            "self" => {}
            _ => break,
        }
        rest = tail;
    }
    module.into_iter().chain(rest.iter().cloned()).collect()
}
