//! The environment of a server as Claude Code starts it (seen with CLI 2.1.332).

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::ServerEntry;

/// The variable by which Claude Code tells a server where it stands. It is not known to references in a registration.
const PROJECT_DIRECTORY: &str = "CLAUDE_PROJECT_DIR";

/// What `env` of a settings file sets, and the file.
pub type EnvironmentSetting = (PathBuf, BTreeMap<String, String>);

/// A server of a registration: what decides its environment.
#[derive(Clone, Copy)]
pub struct ServerEnvironment<'a> {
    /// The registration, whose `env` goes before all else.
    pub entry: &'a ServerEntry,
    /// What Claude Code's settings set, the file that goes first first.
    pub settings: &'a [EnvironmentSetting],
    /// Where Claude Code stands.
    pub directory: &'a Path,
    /// What Claude Code itself was started with.
    pub inherited: &'a dyn Fn(&str) -> Option<OsString>,
}

impl ServerEnvironment<'_> {
    /// A variable as the server sees it.
    pub fn variable(&self, name: &str) -> Option<OsString> {
        match self.entry.environment.get(name) {
            Some(value) => Some(expanded(value, &|name| self.of_claude(name))),
            None if name == PROJECT_DIRECTORY => Some(self.directory.into()),
            None => self.of_claude(name),
        }
    }

    /// The variables that this registration sets to something else than another one, or that only one of them sets.
    pub fn differing(&self, other: &Self) -> Vec<String> {
        let names = self.entry.environment.keys().chain(other.entry.environment.keys()).collect::<BTreeSet<_>>();
        names.into_iter().filter(|name| self.variable(name) != other.variable(name)).cloned().collect()
    }

    fn of_claude(&self, name: &str) -> Option<OsString> {
        let set = self.settings.iter().find_map(|(_, set)| set.get(name));
        set.map(OsString::from).or_else(|| (self.inherited)(name))
    }
}

/// Replaces `${NAME}` and `${NAME:-DEFAULT}` as Claude Code does: a variable that is empty counts as set, one that is not set
/// stays as it is written, and so does every other dollar sign.
pub fn expanded(text: &str, lookup: &dyn Fn(&str) -> Option<OsString>) -> OsString {
    let mut done = OsString::new();
    let mut rest = text;
    while let Some((before, from)) = rest.split_once("${") {
        done.push(before);
        let Some((inside, after)) = from.split_once('}') else {
            done.push("${");
            rest = from;
            continue;
        };
        let (name, default) = inside.split_once(":-").map_or((inside, None), |(name, default)| (name, Some(default)));
        match (lookup(name).filter(|_| !name.is_empty()), default) {
            (Some(value), _) => done.push(value),
            (None, Some(default)) => done.push(default),
            (None, None) => done.push(format!("${{{inside}}}")),
        }
        rest = after;
    }
    done.push(rest);
    done
}
