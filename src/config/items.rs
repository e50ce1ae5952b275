//! Adds to and takes from a list of mappings in the text, so that the other items keep their comments and their form.
use std::ops::Range;

use yaml_edit::{Mapping, Sequence, YamlFile};

use super::guard::{Allowed, Candidate};
use super::node::{Fields, Node};
use super::splice::{find, inner_mapping, line_end, line_start, tight};
use super::tree::Tree;

/// What happens to a list.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change<'a> {
    /// An item is added, as the last one.
    Push(&'a Fields),
    /// The item at this place, from 0, is taken out; it is not the only one.
    Take(usize),
}

/// Makes the change in the tree; `None` when there is no such list, or no such item in it.
pub(super) fn change_tree(tree: &mut Tree, path: &[&str], change: Change<'_>) -> Option<()> {
    let list = path.iter().try_fold(tree, |table, key| table.get_mut(key))?;
    let Tree::List(items) = list else { return None };
    match change {
        Change::Push(fields) if !items.is_empty() => items.push(Node::Table(fields.clone()).tree()),
        Change::Take(index) if index < items.len() && items.len() > 1 => drop(items.remove(index)),
        Change::Push(_) | Change::Take(_) => return None,
    }
    Some(())
}

/// Makes the change in the text: whole lines of a block list, or what stands between the commas of a flow list.
pub(super) fn in_place(text: &str, path: &[&str], change: Change<'_>) -> Option<Candidate> {
    let (key, parents) = path.split_last()?;
    let file: YamlFile = text.parse().ok()?;
    let table =
        parents.iter().try_fold(file.document()?.as_mapping()?, |table, key| inner_mapping(&find(&table, key)?))?;
    let list = find(&table, key)?.value_node()?.as_sequence()?.clone();
    let spans = spans(text, &list);
    if list.is_flow_style() { between_commas(text, &spans, change) } else { by_lines(text, &spans, change) }
}

/// The bytes of each item.
fn spans(text: &str, list: &Sequence) -> Vec<Range<usize>> {
    let range = |node: yaml_edit::YamlNode| node.byte_range();
    list.values().map(range).map(|range| tight(text, range.start as usize, range.end as usize)).collect()
}

fn between_commas(text: &str, spans: &[Range<usize>], change: Change<'_>) -> Option<Candidate> {
    match change {
        Change::Push(fields) => {
            let end = spans.last()?.end;
            let text = format!("{}, {}{}", &text[..end], flow(fields), &text[end..]);
            Some(Candidate { text, allowed: Allowed::Insert(end..end + 1) })
        }
        Change::Take(index) => {
            let item = spans.get(index)?;
            let cut = match (spans.get(index + 1), index.checked_sub(1).and_then(|before| spans.get(before))) {
                (Some(next), _) => item.start..next.start,
                (None, Some(before)) => before.end..item.end,
                (None, None) => return None,
            };
            Some(without(text, cut))
        }
    }
}

fn by_lines(text: &str, spans: &[Range<usize>], change: Change<'_>) -> Option<Candidate> {
    let beside = match change {
        Change::Push(_) => spans.last()?,
        Change::Take(index) => spans.get(index)?,
    };
    let start = line_start(text, beside.start);
    let indent = text[start..beside.start].trim_end_matches(' ').strip_suffix('-')?;
    if !indent.bytes().all(|byte| byte == b' ') {
        return None;
    }
    let end = line_end(text, beside.end);
    match change {
        Change::Take(_) => Some(without(text, start..end)),
        Change::Push(fields) => {
            let newline = if text[..end].ends_with('\n') { "" } else { "\n" };
            let text = format!("{}{newline}{}{}", &text[..end], block(indent, fields), &text[end..]);
            Some(Candidate { text, allowed: Allowed::Insert(end..end + 1) })
        }
    }
}

fn without(text: &str, cut: Range<usize>) -> Candidate {
    Candidate { text: format!("{}{}", &text[..cut.start], &text[cut.end..]), allowed: Allowed::Delete(cut) }
}

/// An item of a block list as lines.
fn block(indent: &str, fields: &Fields) -> String {
    let table = Mapping::new();
    fields.iter().for_each(|(key, node)| node.put(&table, key));
    let mut lines = String::new();
    for (index, line) in table.to_string().lines().enumerate() {
        lines.push_str(indent);
        lines.push_str(if index == 0 { "- " } else { "  " });
        lines.push_str(line);
        lines.push('\n');
    }
    lines
}

/// An item of a flow list.
fn flow(fields: &Fields) -> String {
    let entry = |(key, node): &(&'static str, Node)| match node {
        Node::Text(text) => format!("{key}: {}", scalar(text)),
        // An item of ours holds texts only; anything else would fail the comparison of the trees.
        _ => format!("{key}: null"),
    };
    format!("{{{}}}", fields.iter().map(entry).collect::<Vec<_>>().join(", "))
}

/// A text as it may stand between commas: bare where it reads as itself, else quoted as JSON has it, which YAML reads too.
fn scalar(text: &str) -> String {
    let bare = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        && Tree::read(text) == Ok(Tree::Text(text.to_owned()));
    if bare { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}
