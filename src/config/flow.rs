//! Takes entries out of flow mappings (`{a: 1, b: 2}`), on one line or several.
use std::ops::Range;

use yaml_edit::{MappingEntry, YamlFile};

use super::guard::{Allowed, Candidate};
use super::node::Node;
use super::splice::{find, inner_mapping, line_end, line_start, range};

/// The text without the entry; nothing for a change of another kind, or where the mapping is none of that form.
pub(super) fn without(text: &str, path: &[&str], value: Option<&Node>) -> Option<Candidate> {
    let (None, Some((key, parents))) = (value, path.split_last()) else { return None };
    let file: YamlFile = text.parse().ok()?;
    let table =
        parents.iter().try_fold(file.document()?.as_mapping()?, |table, key| inner_mapping(&find(&table, key)?))?;
    if !table.is_flow_style() {
        return None;
    }
    // The library counts the comma behind an entry to it where a line break follows.
    let span = |entry: &MappingEntry| {
        let span = range(text, entry);
        span.start..span.start + text[span.clone()].trim_end_matches([' ', '\n', ',']).len()
    };
    let entry = span(&find(&table, key)?);
    let spans: Vec<Range<usize>> = table.entries().map(|entry| span(&entry)).collect();
    let index = spans.iter().position(|span| *span == entry)?;
    let before = index.checked_sub(1).and_then(|before| spans.get(before));
    let cut = cut(text, entry, before, spans.get(index + 1));
    Some(Candidate { text: format!("{}{}", &text[..cut.start], &text[cut.end..]), allowed: Allowed::Delete(cut) })
}

/// What goes: the lines of the entry where it has lines of its own, else the entry and one of the commas beside it. A comma
/// may stay behind the last entry, where YAML takes it.
fn cut(text: &str, entry: Range<usize>, before: Option<&Range<usize>>, after: Option<&Range<usize>>) -> Range<usize> {
    let start = line_start(text, entry.start);
    if text[start..entry.start].bytes().all(|byte| byte == b' ') && ends_line(&text[entry.end..]) {
        return start..line_end(text, entry.end);
    }
    // A comment between two entries is not ours to take.
    let clear = |range: Range<usize>| !text[range].contains('#');
    match (before, after) {
        (_, Some(next)) if clear(entry.end..next.start) => entry.start..next.start,
        (Some(last), None) if clear(last.end..entry.start) => last.end..entry.end,
        _ => entry.start..entry.end + comma(&text[entry.end..]),
    }
}

/// Whether nothing follows on the line but a comma and a comment.
fn ends_line(rest: &str) -> bool {
    let rest = rest[comma(rest)..].trim_start_matches([' ', '\t']);
    rest.is_empty() || rest.starts_with(['\n', '#'])
}

/// The bytes up to and with the comma that follows, if one does.
fn comma(rest: &str) -> usize {
    let at = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    if rest[at..].starts_with(',') { at + 1 } else { 0 }
}
