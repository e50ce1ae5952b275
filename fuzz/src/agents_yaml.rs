//! agents.yaml: any bytes are read without a panic, and a change touches nothing but its own entry.

use std::path::Path;

use agent_dispatch::config::edit::{Action, Change, Node, Section, edit};
use agent_dispatch::config::model::Config;
use agent_dispatch::config::read;

/// An entry that no corpus file has.
const ADDED: &str = "zz-added-by-the-fuzz-target";

/// Reads the bytes as a configuration; adds an agent, gives the first one a timeout, takes it out.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some(before) = parse(text) else { return };
    let fields = vec![("directory", Node::Text("/tmp".to_owned()))];
    changed(text, &before, ADDED, Action::Add(fields));
    let Some(first) = before.agent_names().next().map(str::to_owned) else { return };
    changed(text, &before, &first, Action::Set(vec![("timeout", Some(Node::Whole(42)))]));
    changed(text, &before, &first, Action::Remove);
}

fn parse(text: &str) -> Option<Config> {
    read::parse_text(Path::new("/agents.yaml"), text, None).ok()
}

/// A change that is made leaves every other agent, the groups and the settings as they were; one that is refused changes
/// nothing by being refused.
fn changed(text: &str, before: &Config, name: &str, action: Action) {
    let removes = matches!(action, Action::Remove);
    let change = Change { section: Section::Agents, name: name.to_owned(), action };
    let Ok(edited) = edit(text, &change) else { return };
    let after = parse(&edited).unwrap_or_else(|| panic!("a valid file became an invalid one:\n{text}\n---\n{edited}"));
    let others = |config: &Config| {
        let agents = config.agents.iter().filter(|(agent, _)| agent != name);
        agents.map(|(agent, entry)| (agent.clone(), entry.valid().cloned())).collect::<Vec<_>>()
    };
    assert_eq!(others(before), others(&after), "another agent changed:\n{text}\n---\n{edited}");
    assert_eq!(before.settings, after.settings, "the settings changed:\n{text}\n---\n{edited}");
    assert_eq!(before.groups.len(), after.groups.len(), "a group came or went:\n{text}\n---\n{edited}");
    assert_eq!(after.agent(name).is_none(), removes, "the entry itself:\n{text}\n---\n{edited}");
}
