//! One reading of the file, and what it notes on the way.
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use super::misnamed::MisnamedSection;
use super::model::Problem;
use super::raw::{Context, Noted};

/// How many unknown and how many repeated keys are kept: enough for a person to see what is wrong.
const MAX_NOTED: usize = 100;

/// Which entry of which section: its number in the order of the file.
pub(super) type EntryNumber = usize;

/// One reading of the file.
pub(super) struct Pass<'a> {
    pub context: &'a Context,
    pub bad: &'a BTreeMap<EntryNumber, Problem>,
    /// Read each entry untyped first, so that a bad one costs its position but no further reading.
    pub salvage: bool,
    /// Number of the entry that comes next.
    pub next: Cell<EntryNumber>,
    /// The entry that is being read; an error while there is one is that entry's.
    pub reading: Cell<Option<EntryNumber>>,
    /// The bad entry that is being passed over.
    pub passing: Cell<Option<EntryNumber>>,
    pub keys: RefCell<Keys>,
}

/// Keys that need a word from `doctor`, by their path.
#[derive(Default)]
pub(super) struct Keys {
    pub unknown: Vec<(Vec<String>, &'static [&'static str])>,
    pub repeated: Vec<Vec<String>>,
    pub misnamed: Option<MisnamedSection>,
}

impl Keys {
    /// Notes the keys of the table at `path`, whose known keys are `known`.
    pub fn note(&mut self, path: &[&str], noted: Noted, known: &'static [&'static str]) {
        let below = |key: &str| path.iter().copied().chain([key]).map(str::to_owned).collect::<Vec<_>>();
        noted.unknown.iter().for_each(|key| self.unknown(below(key), known));
        noted.repeated.iter().for_each(|key| self.repeated(below(key)));
    }

    /// Notes a key that nothing reads.
    pub fn unknown(&mut self, path: Vec<String>, known: &'static [&'static str]) {
        if self.unknown.len() < MAX_NOTED && !self.unknown.iter().any(|(other, _)| *other == path) {
            self.unknown.push((path, known));
        }
    }

    /// Notes a key that is given twice.
    pub fn repeated(&mut self, path: Vec<String>) {
        if self.repeated.len() < MAX_NOTED && !self.repeated.contains(&path) {
            self.repeated.push(path);
        }
    }
}

impl<'a> Pass<'a> {
    /// A reading that passes over the entries in `bad`.
    pub fn new(context: &'a Context, bad: &'a BTreeMap<EntryNumber, Problem>, salvage: bool) -> Self {
        let (reading, passing) = (Cell::new(None), Cell::new(None));
        Self { context, bad, salvage, next: Cell::new(0), reading, passing, keys: RefCell::default() }
    }
}
