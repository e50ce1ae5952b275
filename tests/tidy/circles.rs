//! Modules that use each other in a circle cannot be read, or changed, one after the other.

use std::collections::{BTreeMap, BTreeSet};

use super::source;

/// A module: its names from the crate's root on.
type Module = Vec<String>;
/// Which sibling uses which, with the place where it does: `file:line`.
type Edges = BTreeMap<String, BTreeMap<String, String>>;

/// The circles among the children of any one module, each as the way around. A parent and its own children are not judged:
/// a parent gathers them, and they share what it declares. What a parent re-exports counts as the child's that has it.
pub fn circles(files: &[(String, String)]) -> Vec<String> {
    let tree = Tree::of(files);
    let mut siblings: BTreeMap<Module, Edges> = BTreeMap::new();
    for (path, text) in files {
        let from = source::module(path);
        for (line, aim) in tree.aims(path, text) {
            let shared = from.iter().zip(&aim).take_while(|(a, b)| a == b).count();
            if shared < from.len() && shared < aim.len() {
                let edges = siblings.entry(from[..shared].to_vec()).or_default();
                let places = edges.entry(from[shared].clone()).or_default();
                places.entry(aim[shared].clone()).or_insert_with(|| format!("{path}:{line}"));
            }
        }
    }
    siblings.iter().filter_map(|(parent, edges)| around(parent, edges)).collect()
}

struct Tree {
    modules: BTreeSet<Module>,
    /// What a module re-exports, and which of its children has it.
    exports: BTreeMap<(Module, String), Module>,
}

impl Tree {
    fn of(files: &[(String, String)]) -> Self {
        let modules: BTreeSet<Module> = files.iter().map(|(path, _)| source::module(path)).collect();
        let mut tree = Self { modules, exports: BTreeMap::new() };
        for (path, text) in files {
            let here = source::module(path);
            for (_, parts) in source::paths(&source::code(text)) {
                let aim = tree.module(&tree.absolute(path, &parts));
                if aim.len() == here.len() + 1 && aim.starts_with(&here) {
                    let name = parts.last().cloned().unwrap_or_default();
                    tree.exports.insert((here.clone(), name), aim);
                }
            }
        }
        tree
    }

    /// The modules that a file names, with the line.
    fn aims(&self, path: &str, text: &str) -> Vec<(usize, Module)> {
        let mut found = Vec::new();
        for (line, parts) in source::paths(&source::code(text)) {
            let absolute = self.absolute(path, &parts);
            let aim = self.module(&absolute);
            let exported = absolute.get(aim.len()).and_then(|name| self.exports.get(&(aim.clone(), name.clone())));
            found.push((line, exported.cloned().unwrap_or(aim)));
        }
        found
    }

    /// The path from the crate's root; empty for what is not of this crate.
    fn absolute(&self, path: &str, parts: &[String]) -> Vec<String> {
        let here = source::module(path);
        let child = [here.as_slice(), &parts[..1]].concat();
        match parts[0].as_str() {
            "crate" | "super" | "self" | "agent_dispatch" => source::absolute(path, parts),
            _ if self.modules.contains(&child) => [here.as_slice(), parts].concat(),
            _ => Vec::new(),
        }
    }

    /// The innermost module on a path.
    fn module(&self, absolute: &[String]) -> Module {
        let length = (0..=absolute.len()).rev().find(|length| self.modules.contains(&absolute[..*length]));
        absolute[..length.unwrap_or(0)].to_vec()
    }
}

/// A shortest circle, if there is one.
fn around(parent: &[String], edges: &Edges) -> Option<String> {
    let mut shortest: Option<Vec<&String>> = None;
    for start in edges.keys() {
        let mut came_from: BTreeMap<&String, &String> = BTreeMap::new();
        let mut next = vec![start];
        'search: while !next.is_empty() {
            for from in std::mem::take(&mut next) {
                for to in edges.get(from).into_iter().flat_map(BTreeMap::keys) {
                    if came_from.contains_key(to) {
                        continue;
                    }
                    came_from.insert(to, from);
                    if to == start {
                        break 'search;
                    }
                    next.push(to);
                }
            }
        }
        let Some(mut at) = came_from.get(start).copied() else { continue };
        let mut way = vec![start];
        while at != start {
            way.push(at);
            at = came_from[at];
        }
        way.push(start);
        way.reverse();
        if shortest.as_ref().is_none_or(|shortest| way.len() < shortest.len()) {
            shortest = Some(way);
        }
    }
    let steps = shortest?;
    let told = steps.windows(2).map(|step| format!("{} uses {} ({})", step[0], step[1], edges[step[0]][step[1]]));
    let room = if parent.is_empty() { "the crate".to_owned() } else { parent.join("::") };
    Some(format!("circle in {room}: {}", told.collect::<Vec<_>>().join(", ")))
}
