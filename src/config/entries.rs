//! The sections `agents:` and `groups:`: a mapping of names to entries, each of which can fail alone.
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};

use super::model::{Agent, Entry, Group, Problem};
use super::name::is_valid_name;
use super::pass::{Keys, Pass};
use super::problem::bounded;
use super::raw::{Context, RawAgent, RawGroup, RawMember, Table};

/// Entries in the order of the file.
type Entries<T> = Vec<(String, Entry<T>)>;

/// A table that is an entry of a section.
pub(super) trait EntryTable<'de>: Table<'de> {
    /// What it becomes.
    type Checked;
    /// Hands over the keys that need a word from `doctor`.
    fn note(&mut self, path: &[&str], keys: &mut Keys);
    /// Turns it into what it becomes, or says what is wrong.
    fn check(self, name: &str, context: &Context) -> Result<Self::Checked, String>;
}

impl EntryTable<'_> for RawAgent {
    type Checked = Agent;

    fn note(&mut self, path: &[&str], keys: &mut Keys) {
        keys.note(path, std::mem::take(&mut self.noted), Self::KEYS);
    }

    fn check(self, _name: &str, context: &Context) -> Result<Agent, String> {
        self.checked(context)
    }
}

impl EntryTable<'_> for RawGroup {
    type Checked = Group;

    fn note(&mut self, path: &[&str], keys: &mut Keys) {
        keys.note(path, std::mem::take(&mut self.noted), Self::KEYS);
        let members = self.members.iter_mut().flatten().flat_map(|members| &mut members.0);
        for (index, member) in members.enumerate() {
            let index = index.to_string();
            let path = [path, &["members", &index]].concat();
            keys.note(&path, std::mem::take(&mut member.noted), RawMember::KEYS);
        }
    }

    fn check(self, name: &str, _context: &Context) -> Result<Group, String> {
        if !is_valid_name(name) {
            return Err("the name of a group is made of letters, digits, `-` and `_`".to_owned());
        }
        self.checked()
    }
}

/// Reads a section, or the value of a merge key in one: a section or a list of them.
pub(super) struct Section<'a, 'p, T> {
    pass: &'a Pass<'p>,
    name: &'static str,
    merged: bool,
    table: PhantomData<T>,
}

impl<T> Clone for Section<'_, '_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Section<'_, '_, T> {}

impl<'a, 'p, T> Section<'a, 'p, T> {
    /// The section of this name.
    pub fn new(pass: &'a Pass<'p>, name: &'static str) -> Self {
        Self { pass, name, merged: false, table: PhantomData }
    }
}

impl<'de, T: EntryTable<'de>> DeserializeSeed<'de> for Section<'_, '_, T> {
    type Value = Entries<T::Checked>;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Self::Value, D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de, T: EntryTable<'de>> Visitor<'de> for Section<'_, '_, T> {
    type Value = Entries<T::Checked>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.merged {
            return out.write_str("a mapping or a list of mappings to merge");
        }
        let example = if self.name == "agents" { "directory: ~/projects/infra" } else { "members: [{agent: infra}]" };
        write!(out, "a mapping of names to {}, such as `{{infra: {{{example}}}}}`", self.name)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        if self.merged { Err(E::invalid_type(Unexpected::Unit, &self)) } else { Ok(Vec::new()) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        if !self.merged {
            return Err(A::Error::invalid_type(Unexpected::Seq, &self));
        }
        let mut entries = Vec::new();
        while let Some(section) = seq.next_element_seed(Self { merged: false, ..self })? {
            entries.extend(section);
        }
        Ok(entries)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries: Self::Value = Vec::new();
        let mut indexes = std::collections::HashMap::new();
        let mut merged: Self::Value = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if name == "<<" {
                merged.extend(map.next_value_seed(Self { merged: true, ..self })?);
                continue;
            }
            let entry = self.entry(&name, &mut map)?;
            if let Some(&index) = indexes.get(&name) {
                self.pass.keys.borrow_mut().repeated(vec![self.name.to_owned(), name.clone()]);
                entries[index] = (name, entry);
            } else {
                indexes.insert(name.clone(), entries.len());
                entries.push((name, entry));
            }
        }
        for (name, entry) in merged {
            if indexes.insert(name.clone(), entries.len()).is_none() {
                entries.push((name, entry));
            }
        }
        Ok(entries)
    }
}

impl<T> Section<'_, '_, T> {
    fn entry<'de, A>(&self, name: &str, map: &mut A) -> Result<Entry<T::Checked>, A::Error>
    where
        T: EntryTable<'de>,
        A: MapAccess<'de>,
    {
        let number = self.pass.next.get();
        self.pass.next.set(number + 1);
        if let Some(problem) = self.pass.bad.get(&number) {
            self.pass.passing.set(Some(number));
            map.next_value::<IgnoredAny>()?;
            self.pass.passing.set(None);
            return Ok(Entry::Invalid(problem.clone()));
        }
        let seed = EntrySeed { section: *self, name };
        if self.pass.salvage {
            let tree = map.next_value::<serde_yaml::Value>()?;
            return Ok(seed.deserialize(tree).map_or_else(
                |error| Entry::Invalid(Problem::unplaced(bounded(format!("{}.{name}: {error}", self.name)))),
                Entry::Valid,
            ));
        }
        self.pass.reading.set(Some(number));
        let entry = map.next_value_seed(seed)?;
        self.pass.reading.set(None);
        Ok(Entry::Valid(entry))
    }
}

struct EntrySeed<'s, 'a, 'p, T> {
    section: Section<'a, 'p, T>,
    name: &'s str,
}

impl<'de, T: EntryTable<'de>> DeserializeSeed<'de> for EntrySeed<'_, '_, '_, T> {
    type Value = T::Checked;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<T::Checked, D::Error> {
        source.deserialize_map(self)
    }
}

impl<'de, T: EntryTable<'de>> Visitor<'de> for EntrySeed<'_, '_, '_, T> {
    type Value = T::Checked;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(T::EXPECTED)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T::Checked, A::Error> {
        let mut table = T::collect(map)?;
        let pass = self.section.pass;
        table.note(&[self.section.name, self.name], &mut pass.keys.borrow_mut());
        table.check(self.name, pass.context).map_err(A::Error::custom)
    }
}
