//! House rules that no compiler holds. Each rule is a function from a file to what is wrong with it; one test applies it to
//! the tree, another shows it a file that breaks it.

mod circles;
mod layers;
mod source;
mod unused;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// More lines than this do not fit a screen and a head.
const FUNCTION_LINES: usize = 60;
/// A longer file has two subjects.
const FILE_LINES: usize = 400;

/// What the pure core may use of the standard library. `Arc` shares text, it starts nothing; no hash maps: their order
/// changes from run to run.
const PURE_STD: [&str; 21] = [
    "any",
    "array",
    "ascii",
    "borrow",
    "boxed",
    "char",
    "cmp",
    "collections::BTreeMap",
    "collections::BTreeSet",
    "collections::VecDeque",
    "convert",
    "error",
    "fmt",
    "iter",
    "mem",
    "num",
    "ops",
    "str",
    "string",
    "sync::Arc",
    "vec",
];
/// The crates that the pure core may use.
const PURE_CRATES: [&str; 8] =
    ["memchr", "regex_lite", "serde", "serde_json", "statig", "strsim", "strum", "thiserror"];
/// The rooms, and which rooms each may use. `main.rs` and `lib.rs` belong to no room and may use all.
const ROOMS: [(&str, &[&str]); 7] = [
    ("machines", &["machines"]),
    ("os", &["os", "machines"]),
    ("fs", &["fs", "os"]),
    ("config", &["config", "fs", "os", "machines"]),
    ("shell", &["shell", "config", "fs", "os", "machines"]),
    ("mcp", &["mcp", "shell", "config", "fs", "os", "machines"]),
    ("cli", &["cli", "mcp", "shell", "config", "fs", "os", "machines"]),
];
/// The one room that knows on which system it runs, and the words that tell.
const SYSTEM: &str = "src/os/";
const SYSTEMS: [&str; 11] = [
    "target_os",
    "target_vendor",
    "target_env",
    "/proc",
    "inotify",
    "pidfd",
    "kqueue",
    "Linux",
    "macOS",
    "Darwin",
    "Apple",
];
/// The one place that prints.
const OUTPUT: &str = "src/cli/output.rs";
const PRINTING: [&str; 5] = ["println!", "eprintln!", "print!", "eprint!", "dbg!"];
/// Marks of unfinished work, in two halves so that this file has none.
const UNFINISHED: [&str; 4] =
    [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("todo", "!("), concat!("unimplemented", "!(")];
/// Where the project's own text is.
const OWN: [&str; 9] =
    ["src", "tests", "spec", "fuzz/src", "fuzz/fuzz_targets", "benches", "fake-claude", "packages", ".ci"];

/// A rule: the path of a file below the package, its text, and what is wrong with it.
type Rule = fn(&str, &str) -> Vec<String>;
/// As [`Rule`], for what can only be judged of all files of `src/` together.
type RuleForAll = fn(&[(String, String)]) -> Vec<String>;

#[test]
fn the_core_is_pure() {
    hold("src/machines", "rs", pure);
}

#[test]
fn imports_go_one_way() {
    hold("src", "rs", direction);
}

#[test]
fn no_modules_use_each_other_in_a_circle() {
    hold_together(circles::circles);
}

#[test]
fn the_shell_is_layered() {
    hold_together(layers::layers);
}

#[test]
fn what_src_never_uses_is_not_in_src() {
    hold_together(unused::unused);
}

#[test]
fn functions_and_files_are_short() {
    hold("src", "rs", short);
}

#[test]
fn tests_live_in_tests() {
    hold("src", "rs", no_tests_inside);
}

#[test]
fn only_the_output_prints() {
    hold("src", "rs", no_printing);
}

#[test]
fn one_room_knows_the_system() {
    hold("src", "rs", no_system);
}

#[test]
fn nothing_is_left_unfinished() {
    for directory in OWN {
        hold(directory, "", finished);
    }
}

#[test]
fn links_lead_somewhere() {
    hold("", "md", links);
}

#[test]
fn every_test_file_is_part_of_the_suite() {
    let reached = reached(&root().join("tests/main.rs"));
    let all: BTreeSet<PathBuf> = files("tests", "rs").into_iter().map(|path| root().join(path)).collect();
    let forgotten: Vec<&PathBuf> = all.difference(&reached).collect();
    assert!(forgotten.is_empty(), "not reached from tests/main.rs: {forgotten:#?}");
}

/// Each rule sees what it is there for, and lets pass what it should.
#[test]
fn the_rules_can_fail() {
    let red: [(Rule, &str, &str); 24] = [
        (no_system, "src/a.rs", "#[cfg(target_os = \"linux\")]\nfn f() {}"),
        (no_system, "src/shell/a.rs", "// as Linux has it"),
        (pure, "src/machines/a.rs", "use std::{fmt, fs::File};"),
        (pure, "src/machines/a.rs", "fn f() -> u64 { std::time::Instant::now() }"),
        (pure, "src/machines/a.rs", "use std::collections::HashMap;"),
        (pure, "src/machines/a.rs", "use tokio::time::sleep;"),
        (pure, "src/machines/a.rs", "use crate::shell::store;"),
        (pure, "src/machines/a.rs", "use super::super::shell::store;"),
        (pure, "src/machines/a.rs", "fn f() { uuid::Uuid::new_v4(); }"),
        (direction, "src/shell/a.rs", "use crate::{machines::job, mcp::server};"),
        (direction, "src/shell/a/b.rs", "fn f() { super::super::super::cli::run() }"),
        (direction, "src/config/a.rs", "use crate::shell::store;"),
        (direction, "src/fs/a.rs", "use crate::machines::ids;"),
        (direction, "src/mcp/a.rs", "use crate::cli::output;"),
        (direction, "src/attic/a.rs", "use crate::machines::job;"),
        (short, "src/a.rs", &format!("fn f() {{{}}}", "\n".repeat(FUNCTION_LINES))),
        (short, "src/a.rs", &"// \n".repeat(FILE_LINES + 1)),
        (no_tests_inside, "src/a.rs", "#[cfg(test)]\nmod tests {}"),
        (no_tests_inside, "src/a.rs", "#[cfg(any(test, unix))]\nfn f() {}"),
        (no_printing, "src/mcp/a.rs", "fn f() { println!(\"x\") }"),
        (finished, "src/a.rs", concat!("// TO", "DO: later")),
        (finished, "src/a.rs", concat!("fn f() { todo", "!() }")),
        (links, "spec/a.md", "see [this](nowhere.md)"),
        (links, "README.md", "![picture](docs/none.png \"title\")"),
    ];
    for (number, (rule, path, text)) in red.into_iter().enumerate() {
        assert!(!rule(path, text).is_empty(), "sample {number} passes: {text}");
    }
    let green: [(Rule, &str, &str); 12] = [
        (no_system, "src/os/a.rs", "#[cfg(target_os = \"linux\")]\nfn f() {}"),
        (no_system, "src/a.rs", "fn process() {} // the system"),
        (
            pure,
            "src/machines/a/b.rs",
            "use super::super::effect::Effects; use statig::prelude::*; use entry::X; mod entry;",
        ),
        (
            pure,
            "src/machines/a.rs",
            "// std::fs\nconst A: &str = \"std::fs::read\"; const B: char = '\"'; const C: &str = r#\"tokio::x\"#;",
        ),
        (
            pure,
            "src/machines/a.rs",
            "use std::collections::{BTreeMap, VecDeque}; use crate::machines::time::Millis as M;",
        ),
        (direction, "src/cli/a.rs", "use crate::shell::store; use crate::mcp;"),
        (direction, "src/shell/a.rs", "use super::store; use crate::machines;"),
        (short, "src/a.rs", &format!("fn f() {{{}}}", "\n".repeat(FUNCTION_LINES - 1))),
        (no_printing, OUTPUT, "fn f() { println!(\"x\") }"),
        (no_printing, "src/a.rs", "// println!(\"x\")\nfn pretty_println() {}"),
        (finished, "src/a.rs", "// the autodoc of a method"),
        (links, "spec/README.md", "[a](dispatch.yaml#x), [b](https://example.org), [c](#here)\n```\n[d](nowhere)\n```"),
    ];
    for (number, (rule, path, text)) in green.into_iter().enumerate() {
        assert_eq!(rule(path, text), Vec::<String>::new(), "sample {number}: {text}");
    }
}

/// As [`the_rules_can_fail`], for the rules that judge files together.
#[test]
fn the_rules_for_all_files_can_fail() {
    type Files = &'static [(&'static str, &'static str)];
    let judge_all = |rule: RuleForAll, files: &[(&str, &str)]| {
        rule(&files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect::<Vec<_>>())
    };
    let circles: [Files; 4] = [
        &[("src/r/a.rs", "use super::b::X;"), ("src/r/b.rs", "fn f() { crate::r::a::g() }")],
        &[
            ("src/r/a.rs", "use super::b;"),
            ("src/r/b/d.rs", "use crate::r::c;"),
            ("src/r/b.rs", ""),
            ("src/r/c.rs", "use super::a;"),
        ],
        &[("src/a/mod.rs", "mod x;"), ("src/a/x.rs", "use crate::b;"), ("src/b.rs", "use crate::a::x;")],
        // Through what the parent re-exports.
        &[("src/r/mod.rs", "pub use self::a::X;"), ("src/r/a.rs", "use super::b;"), ("src/r/b.rs", "use super::X;")],
    ];
    for (number, files) in circles.into_iter().enumerate() {
        assert_eq!(judge_all(circles::circles, files).len(), 1, "circle {number}");
    }
    let none: Files = &[
        ("src/r/mod.rs", "mod a; pub use a::X; use b::Y;"),
        ("src/r/a.rs", "use super::b::Y; use super::Z; // use super::c;"),
        ("src/r/b.rs", "use super::c;"),
        ("src/r/c.rs", "const A: &str = \"super::a\"; use std::a;"),
    ];
    assert_eq!(judge_all(circles::circles, none), Vec::<String>::new());

    let map = "//! | l | f | w |\n//! | ground | `a`, `b` | x |\n//! | top | `c` | y |\npub mod a;\nmod b;\nmod c;";
    let shell = |text: &'static str| judge_all(layers::layers, &[(layers::MAP, map), ("src/shell/b/d.rs", text)]);
    assert_eq!(shell("use crate::shell::a; use super::super::b;"), Vec::<String>::new());
    assert_eq!(shell("use crate::shell::{a, c::X};").len(), 1);
    assert_eq!(judge_all(layers::layers, &[(layers::MAP, "//! | top | `c` | y |\nmod a;")]).len(), 2);

    let unused: [Files; 6] = [
        &[("src/a.rs", "pub fn idle() {}")],
        &[("src/a.rs", "pub struct S; impl S { pub fn length(&self) {} } fn main() { let length = S; }")],
        &[("src/a.rs", "pub const IDLE: u32 = 1;"), ("src/b.rs", "pub use crate::a::IDLE; // IDLE")],
        &[("src/a.rs", "enum E { Used(u8), Idle { x: u8 } } fn main() { E::Used(1) }")],
        &[("src/a.rs", "trait T { fn f(); } struct Idle; impl S { fn main() {} }")],
        &[("src/a.rs", "mod idle; pub type Idle = u8;")],
    ];
    for (number, files) in unused.into_iter().enumerate() {
        assert!(!judge_all(unused::unused, files).is_empty(), "unused {number}");
    }
    let all_used: Files = &[
        ("src/a.rs", "struct S {\n#[serde(default = \"limit\")]\na: u8 } fn limit() -> u8 { 1 }"),
        ("src/b.rs", "impl fmt::Display for S { fn fmt(&self) {} } #[state] fn working() {}"),
        ("src/c.rs", "enum E { A, B(fn(u8)), C(#[from] u8) } fn main() { E::A; E::B; x as *const u8; }"),
        ("src/d.rs", "struct L; const A: &str = \"a\"; fn main() { format!(\"{A:>3}\"); let x: &'static L; }"),
    ];
    assert_eq!(judge_all(unused::unused, all_used), Vec::<String>::new());
}

/// A file that no `mod` names is seen, and one behind a `#[path]` is found.
#[test]
fn forgotten_test_files_are_seen() {
    let declared = source::modules("mod a;\n#[path = \"x/y.rs\"]\nmod b;\n    pub mod c;\nmod d {\n}\n// mod e;\n");
    let names: Vec<(&str, Option<&str>)> =
        declared.iter().map(|(name, path)| (name.as_str(), path.as_deref())).collect();
    assert_eq!(names, [("a", None), ("b", Some("x/y.rs")), ("c", None)]);
    assert!(!reached(&root().join("tests/spec/mod.rs")).contains(&root().join("tests/tidy.rs")));
}

fn pure(path: &str, text: &str) -> Vec<String> {
    let code = source::code(text);
    let local: BTreeSet<String> = source::modules(&code).into_iter().map(|(name, _)| name).collect();
    let wrong = source::paths(&code).into_iter().filter(|(_, parts)| !is_pure(path, parts, &local));
    wrong.map(|(line, parts)| format!("{path}:{line}: {} is not for the core", parts.join("::"))).collect()
}

fn is_pure(path: &str, parts: &[String], local: &BTreeSet<String>) -> bool {
    let first = parts[0].as_str();
    match first {
        "std" | "core" | "alloc" => {
            let rest = parts[1..].join("::");
            PURE_STD.iter().any(|allowed| rest == *allowed || rest.starts_with(&format!("{allowed}::")))
        }
        "crate" | "super" | "self" => source::absolute(path, parts).first().is_some_and(|room| room == "machines"),
        _ if PURE_CRATES.contains(&first) || local.contains(first) => true,
        // A type, a variant's owner or something brought in by a `use` that was judged itself; a crate's name is neither.
        _ => !foreign_crates().contains(first),
    }
}

/// The crates of Cargo.toml, as code spells them.
fn foreign_crates() -> BTreeSet<String> {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let lines = manifest.lines().skip_while(|line| *line != "[dependencies]").take_while(|line| *line != "[lints]");
    let names = lines.filter_map(|line| line.split_once(" = ")).map(|(name, _)| name.replace('-', "_"));
    names.filter(|name| !PURE_CRATES.contains(&name.as_str())).collect()
}

fn direction(path: &str, text: &str) -> Vec<String> {
    let Some((room, _)) = path.strip_prefix("src/").and_then(|inside| inside.split_once('/')) else {
        return Vec::new();
    };
    let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
        return vec![format!("{path}: `{room}` is no room of the house; give it a place in ROOMS")];
    };
    let paths = source::paths(&source::code(text)).into_iter();
    let inner = paths.filter(|(_, parts)| matches!(parts[0].as_str(), "crate" | "super" | "self" | "agent_dispatch"));
    let aims = inner.map(|(line, parts)| (line, source::absolute(path, &parts)));
    let wrong = aims.filter(|(_, aim)| {
        aim.first().is_some_and(|aim| ROOMS.iter().any(|(name, _)| name == aim) && !allowed.contains(&aim.as_str()))
    });
    wrong.map(|(line, aim)| format!("{path}:{line}: {room} uses {}", aim.join("::"))).collect()
}

fn short(path: &str, text: &str) -> Vec<String> {
    let lines = text.lines().count();
    let long_file = (lines > FILE_LINES).then(|| format!("{path}: {lines} lines, at most {FILE_LINES}"));
    let functions = source::functions(&source::code(text)).into_iter().filter(|(_, _, lines)| *lines > FUNCTION_LINES);
    let long = functions
        .map(|(line, name, lines)| format!("{path}:{line}: {name} has {lines} lines, at most {FUNCTION_LINES}"));
    long_file.into_iter().chain(long).collect()
}

fn no_tests_inside(path: &str, text: &str) -> Vec<String> {
    let code: String = source::code(text).split_whitespace().collect();
    let conditions = code.split("cfg(").skip(1).map(|rest| rest.split(")]").next().unwrap_or(rest));
    let tests = conditions
        .filter(|condition| condition.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "test"));
    tests.map(|condition| format!("{path}: cfg({condition}): tests live in tests/")).collect()
}

fn no_printing(path: &str, text: &str) -> Vec<String> {
    if path == OUTPUT {
        return Vec::new();
    }
    let code = source::code(text);
    let mut wrong = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let words = line.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '!'));
        let printing = words.filter(|word| PRINTING.contains(word));
        wrong.extend(printing.map(|word| format!("{path}:{}: {word}: only {OUTPUT} prints", number + 1)));
    }
    wrong
}

/// In comments as well: what is said of a system outside its room is missed when another one comes.
fn no_system(path: &str, text: &str) -> Vec<String> {
    if path.starts_with(SYSTEM) {
        return Vec::new();
    }
    let told = |line: &str| SYSTEMS.into_iter().find(|word| line.contains(word));
    let lines = text.lines().enumerate().filter_map(|(number, line)| Some((number + 1, told(line)?)));
    lines.map(|(number, word)| format!("{path}:{number}: {word}: only {SYSTEM} knows the system")).collect()
}

fn finished(path: &str, text: &str) -> Vec<String> {
    let marked = text.lines().enumerate().filter(|(_, line)| UNFINISHED.iter().any(|mark| line.contains(mark)));
    marked.map(|(number, line)| format!("{path}:{}: unfinished: {}", number + 1, line.trim())).collect()
}

fn links(path: &str, text: &str) -> Vec<String> {
    let directory = root().join(path).parent().map(Path::to_path_buf).unwrap_or_default();
    let mut fenced = false;
    let mut wrong = Vec::new();
    for (number, line) in text.lines().enumerate() {
        fenced ^= line.trim_start().starts_with("```");
        if fenced {
            continue;
        }
        for rest in line.split("](").skip(1) {
            let target = rest.split([')', ' ', '#']).next().unwrap_or_default();
            if !target.is_empty() && !target.contains(':') && !directory.join(target).exists() {
                wrong.push(format!("{path}:{}: `{target}` does not exist", number + 1));
            }
        }
    }
    wrong
}

/// Every file that a test file and the modules below it are made of.
fn reached(file: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::from([file.to_path_buf()]);
    let directory = file.parent().unwrap();
    let stem = file.file_stem().unwrap().to_str().unwrap();
    let below = if matches!(stem, "mod" | "main") { directory.to_path_buf() } else { directory.join(stem) };
    for (name, path) in source::modules(&std::fs::read_to_string(file).unwrap()) {
        let candidates = match path {
            Some(path) => vec![directory.join(path)],
            None => vec![below.join(format!("{name}.rs")), below.join(&name).join("mod.rs")],
        };
        for candidate in candidates.iter().filter(|candidate| candidate.is_file()) {
            found.extend(reached(candidate));
        }
    }
    found
}

fn hold(directory: &str, extension: &str, rule: Rule) {
    let judged = files(directory, extension).into_iter().flat_map(|path| {
        let text = std::fs::read(root().join(&path)).unwrap();
        rule(&path, &String::from_utf8_lossy(&text))
    });
    let wrong: Vec<String> = judged.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn hold_together(rule: RuleForAll) {
    let text = |path: &String| std::fs::read_to_string(root().join(path)).unwrap();
    let all = files("src", "rs").into_iter().map(|path| (path.clone(), text(&path))).collect::<Vec<_>>();
    let wrong = rule(&all);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The files below a directory of the package, sorted; what is built, hidden or fetched is left out.
fn files(directory: &str, extension: &str) -> Vec<String> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(root().join(directory)) else { return found };
    for entry in entries {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let path = if directory.is_empty() { name.clone() } else { format!("{directory}/{name}") };
        if root().join(&path).is_dir() {
            if !matches!(name.as_str(), "target" | "node_modules" | "corpus" | "artifacts") && !name.starts_with('.') {
                found.extend(files(&path, extension));
            }
        } else if extension.is_empty() || name.ends_with(&format!(".{extension}")) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
