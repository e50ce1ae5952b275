//! Spans of entries in the text, and changes made by lines: only whole lines of one entry, nothing around it.
use std::ops::Range;

use yaml_edit::{Mapping, MappingEntry, YamlFile};

use super::guard::{Allowed, Candidate};
use super::node::Node;

/// The entry of this key; of several the last, which is the one that counts. A key such as `5` is found by the text
/// it is written with.
pub(super) fn find(table: &Mapping, key: &str) -> Option<MappingEntry> {
    let matches = |entry: &MappingEntry| {
        entry.key_node().is_some_and(|node| node.as_scalar().is_some_and(|scalar| scalar.as_string() == key))
    };
    table.entries().filter(matches).last()
}

/// The mapping that is the value of an entry.
pub(super) fn inner_mapping(entry: &MappingEntry) -> Option<Mapping> {
    entry.value_node()?.as_mapping().cloned()
}

/// The bytes of an entry: its key and its value, without what only stands behind it.
pub(super) fn range(text: &str, entry: &MappingEntry) -> Range<usize> {
    let range = entry.byte_range();
    tight(text, range.start as usize, range.end as usize)
}

/// The bytes from behind the key to the end of the value.
pub(super) fn value_range(text: &str, entry: &MappingEntry) -> Range<usize> {
    let whole = range(text, entry);
    let start = entry.key_node().map_or(whole.start, |key| key.byte_range().end as usize);
    let end = entry.value_node().map_or(whole.end, |value| (value.byte_range().end as usize).min(whole.end));
    start..end.max(start)
}

/// Leaves out the lines at the end that are blank, or comments that are not indented deeper than the entry: the
/// library counts them to a block text (`|`) that ends the entry, but they belong to what follows.
pub(super) fn tight(text: &str, start: usize, end: usize) -> Range<usize> {
    let indent = start - line_start(text, start);
    let mut end = end.min(text.len());
    loop {
        let trimmed = text[start..end].trim_end_matches([' ', '\t', '\n']);
        let last = line_start(trimmed, trimmed.len());
        let line = &trimmed[last..];
        let comment = line.trim_start_matches(' ');
        if last == 0 || !comment.starts_with('#') || line.len() - comment.len() > indent {
            return start..start + trimmed.len();
        }
        end = start + last;
    }
}

/// The start of the line that `at` is in.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

/// The end of the line that `at` is in, its line break included.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1)
}

/// An entry with its indentation and the rest of its line, or, within `{}`, with the comma on either side.
pub(super) fn with_separators(text: &str, entry: Range<usize>) -> Range<usize> {
    let bytes = text.as_bytes();
    let separates = |byte: u8| b" \t,".contains(&byte);
    let before = bytes[..entry.start].iter().rev().take_while(|byte| separates(**byte)).count();
    let after = bytes[entry.end..].iter().take_while(|byte| separates(**byte)).count();
    let end = entry.end + after;
    let rest = &text[end..];
    let end = if rest.is_empty() || rest.starts_with(['\n', '#']) { line_end(text, end) } else { end };
    entry.start - before..end
}

/// Makes the change by whole lines. Only for keys of block mappings. With `after_blank` a new entry goes behind the blank
/// lines that follow: after a block text that keeps its last line breaks (`|+`) they are part of that text.
pub(super) fn by_lines(text: &str, path: &[&str], value: Option<&Node>, after_blank: bool) -> Option<Candidate> {
    let (key, parents) = path.split_last()?;
    let file: YamlFile = text.parse().ok()?;
    let mut table = file.document()?.as_mapping()?;
    let mut around = None;
    for parent in parents {
        let entry = find(&table, parent)?;
        table = inner_mapping(&entry)?;
        around = Some(entry);
    }
    let entry = find(&table, key);
    // Without the entry, the last one says where the new lines go and how far they are indented.
    let beside = entry.clone().or_else(|| table.entries().last())?;
    let span = range(text, &beside);
    let start = line_start(text, span.start);
    let indent = &text[start..span.start];
    if table.is_flow_style() || !indent.bytes().all(|byte| byte == b' ') {
        return None;
    }
    let mut end = line_end(text, span.end);
    if after_blank {
        let blank = text[end..].len() - text[end..].trim_start_matches([' ', '\n']).len();
        end = line_start(text, end + blank).max(end);
    }
    if let (Some(_), None, 1, Some(around)) = (&entry, value, table.len(), &around) {
        return emptied(text, around, start..end);
    }
    let mut lines = value.map(|node| rendered(indent, key, node)).unwrap_or_default();
    let (cut, allowed) = match (entry, value) {
        (Some(_), Some(_)) => (start..end, Allowed::Replace(start..end)),
        (Some(_), None) => (start..end, Allowed::Delete(start..end)),
        (None, Some(_)) => (end..end, Allowed::Insert(end..end + 1)),
        (None, None) => return None,
    };
    if !text[..cut.start].is_empty() && !text[..cut.start].ends_with('\n') {
        lines.insert(0, '\n');
    }
    Some(Candidate { text: format!("{}{lines}{}", &text[..cut.start], &text[cut.end..]), allowed })
}

/// Takes out the only entry of a block mapping: `{}` behind the key of that mapping says that nothing is in it.
fn emptied(text: &str, around: &MappingEntry, cut: Range<usize>) -> Option<Candidate> {
    let key_end = around.key_node()?.byte_range().end as usize;
    let colon = key_end + text.get(key_end..cut.start)?.find(':')? + 1;
    let (before, between, behind) = (&text[..colon], &text[colon..cut.start], &text[cut.end..]);
    let span = range(text, around);
    // The cut ends behind a line break, which the span of the mapping does not.
    let allowed = Allowed::Replace(span.start..span.end.max(cut.end));
    Some(Candidate { text: format!("{before} {{}}{between}{behind}"), allowed })
}

/// One entry of a block mapping as lines.
fn rendered(indent: &str, key: &str, node: &Node) -> String {
    let table = Mapping::new();
    node.put(&table, key);
    let mut lines = String::new();
    for line in table.to_string().lines() {
        if !line.is_empty() {
            lines.push_str(indent);
        }
        lines.push_str(line);
        lines.push('\n');
    }
    lines
}
