//! What docs/ says: the files that it names are there, the names that it gives stand in them, and what it says is absent is.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Directories of the tree that a name in docs/ may begin with.
const TREE: [&str; 9] = ["src/", "spec/", "tests/", "docs/", "fuzz/", "benches/", "fake-claude/", ".ci/", ".config/"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What stands in single backticks, outside of code blocks, line by line.
fn quoted(text: &str) -> Vec<Vec<&str>> {
    let mut fenced = false;
    let lines = text.lines().map(|line| {
        let fence = line.starts_with("```");
        fenced ^= fence;
        if fenced || fence { Vec::new() } else { line.split('`').skip(1).step_by(2).collect() }
    });
    lines.collect()
}

/// The file or directory that a quoted name means, `None` where it means none.
fn path_of(name: &str) -> Option<PathBuf> {
    let at_the_top = ["Cargo.toml", "deny.toml"].contains(&name);
    let inside = TREE.iter().any(|directory| name.starts_with(directory)) && !name.contains([' ', '<', '*']);
    (at_the_top || inside).then(|| root().join(name))
}

/// Where the names of a line are not: `(name, path)`. A name belongs to the path before it in its line.
fn astray<'a>(line: &[&'a str]) -> Vec<(&'a str, PathBuf)> {
    let mut wrong = Vec::new();
    let mut at: Option<PathBuf> = None;
    for name in line {
        match (path_of(name), &at) {
            (Some(path), _) => {
                if !path.exists() {
                    wrong.push((*name, path.clone()));
                }
                at = Some(path);
            }
            (None, Some(path)) if !fs::read_to_string(path).is_ok_and(|text| text.contains(name)) => {
                wrong.push((*name, path.clone()));
            }
            (None, _) => {}
        }
    }
    wrong
}

#[test]
fn named_files_are_there() {
    for page in ["docs/architecture.md", "docs/glossary.md"] {
        let text = read(page);
        let names = quoted(&text).into_iter().flatten().collect::<Vec<_>>();
        let missing: Vec<&&str> =
            names.iter().filter(|name| path_of(name).is_some_and(|path| !path.exists())).collect();
        assert!(missing.is_empty(), "{page} names what is not there: {missing:#?}");
    }
}

/// A row that says where to change something gives names that stand in the file before them; so does one that says which
/// test holds an invariant, with the name before the file.
#[test]
fn given_names_stand_in_the_files() {
    let text = read("docs/architecture.md");
    let (before, changes) = text.split_once("## Where to change what").unwrap();
    let wrong: Vec<_> = quoted(changes).iter().flat_map(|line| astray(line)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let (_, invariants) = before.split_once("## Invariants").unwrap();
    let mut held = 0;
    for line in invariants.lines().filter(|line| line.starts_with("| ") && line.contains("` in `")) {
        let holder = line.trim_end_matches(" |").rsplit_once(" | ").unwrap().1;
        for pair in holder.split("; ").filter_map(|pair| pair.split_once("` in `")) {
            let path = pair.1.split('`').next().unwrap();
            for name in pair.0.split('`').filter(|name| name.contains('_')) {
                held += 1;
                assert!(read(path).contains(name), "{name} is not in {path}");
            }
        }
    }
    assert!(held > 5, "{held} names were looked for");
}

#[test]
fn every_term_of_the_glossary_is_a_word_of_the_program() {
    let mut source = String::new();
    texts(&root().join("src"), &mut |_, text| source.push_str(&text.to_lowercase()));
    let glossary = read("docs/glossary.md");
    let terms: Vec<&str> = glossary.lines().filter_map(|line| line.strip_prefix("| **")?.split("**").next()).collect();
    assert!(terms.len() > 30, "{} terms", terms.len());
    assert_eq!(terms.len(), terms.iter().collect::<BTreeSet<_>>().len(), "one meaning each");
    let (_, tests) = glossary.split_once("## In tests").unwrap();
    for term in terms.into_iter().filter(|term| !tests.contains(&format!("**{term}**"))) {
        let spelled = [term.to_owned(), term.replace(' ', "_"), term.replace(' ', "-"), term.replace(' ', "")];
        assert!(spelled.iter().any(|word| source.contains(word.as_str())), "nothing in src/ is called {term}");
    }
}

/// The rules above see what they are there for.
#[test]
fn a_wrong_page_is_seen() {
    assert_eq!(astray(&["src/main.rs", "fn main"]), []);
    assert_eq!(astray(&["words before", "src/main.rs", "fn nowhere"]).len(), 1);
    assert_eq!(astray(&["src/nowhere.rs"]).len(), 1);
    assert_eq!(quoted("a `b` c `d e`\n```\n`f`\n```"), [vec!["b", "d e"], vec![], vec![], vec![]]);
}

/// Nothing in the program opens a socket of the Internet: all of tokio's and the standard library's would be named here.
#[test]
fn nothing_of_the_network_is_used() {
    let mut wrong = Vec::new();
    texts(&root().join("src"), &mut |path, text| {
        for word in ["TcpStream", "TcpListener", "TcpSocket", "UdpSocket", "ToSocketAddrs", "std::net::", "SocketAddr"]
        {
            if text.contains(word) {
                wrong.push(format!("{}: {word}", path.display()));
            }
        }
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A server that waits for many runs has no thread for each: threads that wrote files for them go when they have nothing to do.
#[cfg(target_os = "linux")]
#[test]
fn waiting_costs_no_threads() {
    use std::time::Duration;

    use serde_json::json;

    use crate::support::client::{Client, said};
    use crate::support::world::World;
    use crate::support::{until, within};

    const RUNS: usize = 12;
    /// The loop, and one that may be reading standard input.
    const THREADS: usize = 2;
    /// Tokio lets a thread for files go when it had nothing to do for ten seconds.
    const GONE_WITHIN: Duration = Duration::from_secs(60);
    let mut world = World::with("wait-file go\nresult ok");
    world.settings(&format!("max_concurrency: {RUNS}"));
    let mut client = Client::new(&world);
    let items: Vec<_> = (0..RUNS).map(|index| json!({"agent": "echo", "task": format!("t{index}")})).collect();
    let call = client.call("dispatch_parallel", json!({"dispatches": items}));
    until("all to run", || (world.supervisors().len() == RUNS).then_some(()));
    let threads = || fs::read_dir(format!("/proc/{}/task", client.pid())).unwrap().count();
    within(GONE_WITHIN, "the threads to go", || (threads() <= THREADS).then_some(()));
    assert_eq!(world.supervisors().len(), RUNS);
    fs::write(world.path("echo").join("go"), "").unwrap();
    let said = said(&client.answer(call));
    assert_eq!(said.as_array().map(Vec::len), Some(RUNS), "{said}");
    client.bye();
}

/// Shows every Rust file below a directory.
fn texts(directory: &Path, show: &mut dyn FnMut(&Path, &str)) {
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            texts(&path, show);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            show(&path, &fs::read_to_string(&path).unwrap());
        }
    }
}
