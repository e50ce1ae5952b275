//! Values to write into agents.yaml.
use yaml_edit::{Mapping, ScalarValue, Sequence};

use super::tree::Tree;

/// A value to write.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// A text, in quotes where it needs them.
    Text(String),
    /// A whole number.
    Whole(u64),
    /// Any other finite number.
    Number(f64),
    /// A list of texts, written on one line.
    List(Vec<String>),
    /// A mapping of keys to values.
    Table(Fields),
    /// A list of mappings.
    Tables(Vec<Fields>),
}

/// Keys with their values, in the order they are written.
pub type Fields = Vec<(&'static str, Node)>;

impl Node {
    /// What reading the written value must give.
    pub(super) fn tree(&self) -> Tree {
        let table = |fields: &Fields| {
            Tree::Map(fields.iter().map(|(key, node)| (Tree::Text((*key).to_owned()), node.tree())).collect())
        };
        match self {
            Self::Text(text) => Tree::Text(text.clone()),
            Self::Whole(number) => Tree::Whole((*number).into()),
            Self::Number(number) => Tree::Float(number.to_bits()),
            Self::List(items) => Tree::List(items.iter().cloned().map(Tree::Text).collect()),
            Self::Table(fields) => table(fields),
            Self::Tables(items) => Tree::List(items.iter().map(table).collect()),
        }
    }

    /// Gives this value to a key of a mapping of the editing library.
    pub(super) fn put(&self, target: &Mapping, key: &str) {
        match self {
            // The mapping may stand in braces, where the same is bare as in brackets.
            Self::Text(text) => target.set(key, in_brackets(text)),
            Self::Whole(number) => target.set(key, *number),
            Self::Number(number) => target.set(key, *number),
            Self::List(items) => {
                let list = Sequence::new_flow();
                items.iter().for_each(|item| list.push(in_brackets(item)));
                target.set(key, list);
            }
            Self::Table(fields) => target.set(key, mapping(fields)),
            Self::Tables(items) => {
                let list = Sequence::new();
                items.iter().for_each(|fields| list.push(mapping(fields)));
                target.set(key, list);
            }
        }
    }
}

/// A text between brackets or braces, in the quotes that the editing library chooses, where it reads as itself in those. It
/// does not know of a colon before `?`, which ends a bare text there.
fn in_brackets(item: &str) -> ScalarValue {
    let chosen = ScalarValue::string(item);
    let read = Tree::read(&format!("[{}]", chosen.to_yaml_string()));
    let reads = read == Ok(Tree::List(vec![Tree::Text(item.to_owned())]));
    if reads { chosen } else { ScalarValue::double_quoted(item) }
}

/// A list of texts as it may stand behind a key.
pub(super) fn flow_list(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| flow_text(item)).collect();
    format!("[{}]", items.join(", "))
}

/// A text as it may stand in such a list, or as an entry of a list of lines.
pub(super) fn flow_text(item: &str) -> String {
    in_brackets(item).to_yaml_string()
}

fn mapping(fields: &Fields) -> Mapping {
    let table = Mapping::new();
    fields.iter().for_each(|(key, node)| node.put(&table, key));
    table
}
