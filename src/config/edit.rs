//! Changes agents.yaml as text, so that comments, order, quoting and unknown keys stay as the user wrote them.
//!
//! The editing library keeps all that but does not judge: it accepts broken files, and a change inside an anchored
//! entry silently changes every alias of it. So each step is checked: the text must be valid before; after it the
//! *whole* tree must be the expected one; and no byte outside the edited node may differ. Otherwise nothing is
//! changed and the error names the line to edit by hand.
use std::panic::AssertUnwindSafe;

use yaml_edit::{Mapping, YamlFile};

use super::flow;
use super::guard::{Allowed, Candidate, holds};
use super::items;
use super::locate;
use super::model::Problem;
pub use super::node::{Fields, Node};
use super::splice::{self, find, inner_mapping, range, value_range, with_separators};
use super::tree::Tree;

/// One change of one entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Where the entry is.
    pub section: Section,
    /// The name of the entry.
    pub name: String,
    /// What happens to it.
    pub action: Action,
}

/// The sections with named entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// `agents:`
    Agents,
    /// `groups:`
    Groups,
}

/// What happens to an entry.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// It is added, as the last one.
    Add(Fields),
    /// Keys get a value, or are taken out (`None`).
    Set(Vec<(&'static str, Option<Node>)>),
    /// Items are added to a list of mappings, as the last ones.
    Push(&'static str, Vec<Fields>),
    /// Items at these places, from 0, in rising order, are taken out of a list.
    Take(&'static str, Vec<usize>),
    /// It is taken out.
    Remove,
}

/// Why a change was not made. The text is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The file is broken already.
    #[error("agents.yaml must be valid before it is changed: {0}")]
    Broken(Problem),
    /// An entry of that name is there.
    #[error("{0} exists already")]
    Exists(String),
    /// No entry of that name is there.
    #[error("{0} does not exist")]
    Missing(String),
    /// The change cannot be made without touching something else.
    #[error("{path} is written in a way that cannot be changed without touching other lines{}", by_hand(*line))]
    Refused {
        /// What was to be changed, such as `agents.infra.timeout`.
        path: String,
        /// The line to edit by hand, from 1.
        line: Option<u32>,
    },
}

fn by_hand(line: Option<u32>) -> String {
    line.map_or_else(|| "; edit it by hand".to_owned(), |line| format!("; edit line {line} by hand"))
}

impl Section {
    /// The key in the file.
    pub fn key(self) -> &'static str {
        match self {
            Self::Agents => "agents",
            Self::Groups => "groups",
        }
    }
}

/// The text with the change made.
///
/// # Errors
/// When the text is broken, the entry is there already or is not there, or the change would touch something else.
pub fn edit(text: &str, change: &Change) -> Result<String, EditError> {
    let form = Form::of(text);
    let body = form.strip(text);
    let tree = Tree::read(&body).map_err(EditError::Broken)?;
    let section = change.section.key();
    let path = format!("{section}.{}", change.name);
    let exists = tree.get(section).and_then(|entries| entries.get(&change.name)).is_some();
    let edited = match &change.action {
        Action::Add(_) if exists => return Err(EditError::Exists(path)),
        Action::Set(_) | Action::Push(..) | Action::Take(..) | Action::Remove if !exists => {
            return Err(EditError::Missing(path));
        }
        Action::Add(fields) => step(&body, &[section], &change.name, Some(&Node::Table(fields.clone())))?,
        Action::Remove => step(&body, &[section], &change.name, None)?,
        Action::Set(fields) => {
            let mut text = body;
            for (key, value) in fields {
                let known = Tree::read(&text).map_err(EditError::Broken)?;
                let there = known.get(section).and_then(|entries| entries.get(&change.name)?.get(key)).is_some();
                if value.is_some() || there {
                    text = step(&text, &[section, &change.name], key, value.as_ref())?;
                }
            }
            text
        }
        Action::Push(key, items) => {
            items.iter().try_fold(body, |text, item| push(&text, &[section, &change.name], key, item))?
        }
        Action::Take(key, places) => {
            places.iter().rev().try_fold(body, |text, place| take(&text, &[section, &change.name], key, *place))?
        }
    };
    let restored = form.restore(edited.clone());
    // Line ends and the mark mean nothing to YAML; that the whole text still says the same is cheap to make sure.
    if Tree::read(&restored) == Tree::read(&edited) {
        Ok(restored)
    } else {
        Err(EditError::Refused { path, line: None })
    }
}

/// Adds an item to the list below `parents`. One that is missing or empty is written anew.
fn push(text: &str, parents: &[&str], key: &str, item: &Fields) -> Result<String, EditError> {
    if length(text, parents, key)? == 0 {
        return step(text, parents, key, Some(&Node::Tables(vec![item.clone()])));
    }
    in_list(text, parents, key, items::Change::Push(item))
}

/// Takes an item out of the list below `parents`. The last one leaves an empty list.
fn take(text: &str, parents: &[&str], key: &str, place: usize) -> Result<String, EditError> {
    if length(text, parents, key)? <= 1 {
        return step(text, parents, key, Some(&Node::List(Vec::new())));
    }
    in_list(text, parents, key, items::Change::Take(place))
}

/// How many items the list has; none where there is no list.
fn length(text: &str, parents: &[&str], key: &str) -> Result<usize, EditError> {
    let tree = Tree::read(text).map_err(EditError::Broken)?;
    let list = parents.iter().chain([&key]).try_fold(&tree, |table, key| table.get(key));
    Ok(if let Some(Tree::List(items)) = list { items.len() } else { 0 })
}

fn in_list(text: &str, parents: &[&str], key: &str, change: items::Change<'_>) -> Result<String, EditError> {
    let path: Vec<&str> = parents.iter().copied().chain([key]).collect();
    let method = || items::in_place(text, &path, change);
    checked(text, &path, |tree| items::change_tree(tree, &path, change), &[&method])
}

/// Sets or removes one key below `parents`.
fn step(text: &str, parents: &[&str], key: &str, value: Option<&Node>) -> Result<String, EditError> {
    let path: Vec<&str> = parents.iter().copied().chain([key]).collect();
    // The library knows more forms, the others keep more of what surrounds an entry.
    let methods: [Method<'_>; 4] = [
        &|| flow::without(text, &path, value),
        &|| by_library(text, &path, value),
        &|| splice::by_lines(text, &path, value, false),
        &|| splice::by_lines(text, &path, value, true),
    ];
    checked(text, &path, |tree| change_tree(tree, parents, key, value), &methods)
}

/// One way to make a change in the text.
type Method<'a> = &'a dyn Fn() -> Option<Candidate>;

/// Makes a change of what stands at `path` by the first method whose text says what the changed tree says.
fn checked(
    text: &str,
    path: &[&str],
    change: impl FnOnce(&mut Tree) -> Option<()>,
    methods: &[Method<'_>],
) -> Result<String, EditError> {
    let mut expected = Tree::read(text).map_err(EditError::Broken)?;
    // The library is built for valid input, which this is; a panic of it must still be an answer.
    let attempt = |method: &Method<'_>| std::panic::catch_unwind(AssertUnwindSafe(method)).ok().flatten();
    let made = change(&mut expected)
        .and_then(|()| methods.iter().find_map(|method| accepted(text, &expected, attempt(method)?)));
    made.ok_or_else(|| refused(text, path))
}

/// The candidate's text, if it says what is expected and differs from the old one only where it may.
fn accepted(text: &str, expected: &Tree, mut candidate: Candidate) -> Option<String> {
    let mut old = text.to_owned();
    if !old.ends_with('\n') && !old.is_empty() {
        old.push('\n');
    }
    if !candidate.text.ends_with('\n') {
        candidate.text.push('\n');
    }
    let same = Tree::read(&candidate.text).is_ok_and(|found| found == *expected);
    (same && holds(&old, &candidate.text, &candidate.allowed)).then_some(candidate.text)
}

fn refused(text: &str, path: &[&str]) -> EditError {
    // What is not there yet has no line; its parent has.
    let line = (1..=path.len()).rev().find_map(|length| locate::key(text, &path[..length]));
    EditError::Refused { path: path.join("."), line: line.map(|(line, _)| line) }
}

/// Makes the change in the tree; `None` when a parent is no mapping.
fn change_tree(tree: &mut Tree, parents: &[&str], key: &str, value: Option<&Node>) -> Option<()> {
    let mut table = tree;
    for parent in parents {
        fill(table);
        if table.get(parent).is_none() {
            let Tree::Map(pairs) = table else { return None };
            pairs.push((Tree::Text((*parent).to_owned()), Tree::Null));
        }
        table = table.get_mut(parent)?;
    }
    fill(table);
    let known = table.get_mut(key).is_some();
    let Tree::Map(pairs) = table else { return None };
    match value {
        None => pairs.retain(|(name, _)| !name.is_text(key)),
        Some(node) if known => {
            let (_, old) = pairs.iter_mut().rev().find(|(name, _)| name.is_text(key))?;
            *old = node.tree();
        }
        Some(node) => pairs.push((Tree::Text(key.to_owned()), node.tree())),
    }
    Some(())
}

/// Nothing becomes a mapping when something is put into it.
fn fill(tree: &mut Tree) {
    if *tree == Tree::Null {
        *tree = Tree::Map(Vec::new());
    }
}

/// Lets the library make the change in its own tree.
fn by_library(text: &str, path: &[&str], value: Option<&Node>) -> Option<Candidate> {
    let (key, parents) = path.split_last()?;
    let file: YamlFile = text.parse().ok()?;
    let whole = 0..text.len() + 1;
    let Some(mut table) = file.ensure_document().as_mapping() else {
        // Nothing but comments, or nothing at all.
        let separator = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        let text = format!("{text}{separator}{}", nest(parents, key, value?));
        return Some(Candidate { text, allowed: Allowed::Insert(whole) });
    };
    let mut inside = whole.clone();
    for (depth, parent) in parents.iter().enumerate() {
        let entry = find(&table, parent);
        let Some(inner) = entry.as_ref().and_then(inner_mapping) else {
            let allowed = entry.map_or(Allowed::Insert(whole), |entry| Allowed::Replace(range(text, &entry)));
            table.set(*parent, nest(&parents[depth + 1..], key, value?));
            return Some(Candidate { text: file.to_string(), allowed });
        };
        inside = entry.map_or(inside, |entry| range(text, &entry));
        table = inner;
    }
    let allowed = match (value, find(&table, key)) {
        (Some(_), Some(old)) => Allowed::Replace(value_range(text, &old)),
        // The end of the parent may be the start of the next line.
        (Some(_), None) => Allowed::Insert(inside.start..inside.end + 1),
        (None, Some(_)) if table.len() == 1 => Allowed::Replace(inside),
        (None, Some(old)) => Allowed::Delete(with_separators(text, range(text, &old))),
        (None, None) => return None,
    };
    match value {
        Some(node) => node.put(&table, key),
        None => drop(table.remove(*key)?),
    }
    Some(Candidate { text: file.to_string(), allowed })
}

/// `parents[0]: {parents[1]: {… key: value}}`.
fn nest(parents: &[&str], key: &str, value: &Node) -> Mapping {
    let table = Mapping::new();
    match parents {
        [] => value.put(&table, key),
        [first, rest @ ..] => table.set(*first, nest(rest, key, value)),
    }
    table
}

/// What the text looks like as a whole, apart from what it says.
struct Form {
    mark: bool,
    carriage_returns: bool,
}

/// U+FEFF at the start of a file, which some editors put there.
const BYTE_ORDER_MARK: char = '\u{feff}';

impl Form {
    fn of(text: &str) -> Self {
        let breaks = text.matches('\n').count();
        // Only a text that uses them throughout can be rebuilt; one that mixes them is edited as it is.
        let throughout = breaks > 0 && text.matches("\r\n").count() == breaks && text.matches('\r').count() == breaks;
        Self { mark: text.starts_with(BYTE_ORDER_MARK), carriage_returns: throughout }
    }

    fn strip(&self, text: &str) -> String {
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        if self.carriage_returns { text.replace("\r\n", "\n") } else { text.to_owned() }
    }

    fn restore(&self, text: String) -> String {
        let text = if self.carriage_returns { text.replace('\n', "\r\n") } else { text };
        if self.mark { format!("{BYTE_ORDER_MARK}{text}") } else { text }
    }
}
