//! References to variables in the `directory` of an agent. They are not expanded, and never were: the file is read by servers,
//! shells and supervisors, each with variables of its own, and an agent is in one directory for all of them.

/// What to say of a path that is not there and that seems to hold a reference, such as `${WORK}/api`.
#[must_use]
pub fn unexpanded(path: &str) -> Option<String> {
    let (at, _) = path.match_indices('$').find(|(at, _)| length(&path[*at..]) > 1)?;
    let reference = &path[at..at + length(&path[at..])];
    let instead = match reference {
        "$HOME" | "${HOME}" => "write `~` in place of",
        _ => "write the full path, or one below `~`, in place of",
    };
    Some(format!("variables are not expanded in `directory`: {instead} {reference}"))
}

/// The length of the reference at the start of a text, in bytes; 1 where a dollar sign stands for itself.
fn length(text: &str) -> usize {
    let name = |text: &str| {
        let of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let length = text.find(|letter| !of_name(letter)).unwrap_or(text.len());
        if text.starts_with(|first: char| first.is_ascii_digit()) { 0 } else { length }
    };
    match text.strip_prefix("${") {
        Some(inside) if name(inside) > 0 => inside.find('}').map_or(1, |close| close + 3),
        Some(_) => 1,
        None => 1 + name(&text[1..]),
    }
}
