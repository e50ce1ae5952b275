//! The table at the top of `src/shell/mod.rs` says which module lies on which; the imports obey it.

use std::collections::BTreeMap;

use super::source;

/// The file with the table. Its rows go from the ground up: `//! | layer | \`file\`, \`file\` | what |`.
pub const MAP: &str = "src/shell/mod.rs";

/// Imports against the order of the table, modules that it lacks, and names that it has without a module.
pub fn layers(files: &[(String, String)]) -> Vec<String> {
    let Some((_, map)) = files.iter().find(|(path, _)| path == MAP) else { return vec![format!("{MAP} is not there")] };
    let ranks = ranks(map);
    let modules: Vec<String> = source::modules(map).into_iter().map(|(name, _)| name).collect();
    let unlisted = modules.iter().filter(|name| !ranks.contains_key(name.as_str()));
    let unknown = ranks.keys().filter(|name| !modules.iter().any(|module| module == *name));
    let mut wrong: Vec<String> = unlisted.map(|name| format!("{MAP}: {name} has no row")).collect();
    wrong.extend(unknown.map(|name| format!("{MAP}: {name} has a row and is no module")));
    for (path, text) in files {
        let [room, from, ..] = &source::module(path)[..] else { continue };
        let Some(rank) = ranks.get(from.as_str()).filter(|_| room == "shell") else { continue };
        for (line, parts) in source::paths(&source::code(text)) {
            let inside = matches!(parts[0].as_str(), "crate" | "super" | "self" | "agent_dispatch");
            let absolute = if inside { source::absolute(path, &parts) } else { Vec::new() };
            if let [room, to, ..] = &absolute[..]
                && room == "shell"
                && ranks.get(to.as_str()).is_some_and(|above| above > rank)
            {
                wrong.push(format!("{path}:{line}: {from} uses {to}, which lies above it in {MAP}"));
            }
        }
    }
    wrong
}

/// The row that each module stands in.
fn ranks(map: &str) -> BTreeMap<&str, usize> {
    let cells = map.lines().filter_map(|line| line.strip_prefix("//! |")?.split('|').nth(1));
    let rows = cells.map(|cell| cell.split(',').filter_map(|name| name.trim().strip_prefix('`')?.strip_suffix('`')));
    rows.enumerate().flat_map(|(row, names)| names.map(move |name| (name, row))).collect()
}
