//! What a package's metadata says of the project.

use std::path::Path;

use regex_lite::Regex;
use serde_json::Value;

use super::read;
use crate::fs::open::read_whole;

/// Largest JSON or TOML manifest that is read, in bytes; neither can be understood in part.
const MAX_BYTES: usize = 1024 * 1024;
/// Most entries of a directory that are looked at for a file whose name only its ending tells.
const MAX_ENTRIES: usize = 1_000;
/// A shorter description is a name, in characters.
const MIN_CHARS: usize = 10;

/// The description of the first manifest that has one.
pub fn description(directory: &Path) -> Option<String> {
    let whole = |name: &str| {
        read_whole(&directory.join(name), MAX_BYTES).map(|text| text.trim_start_matches('\u{feff}').to_owned())
    };
    let toml = |name: &str, paths: &[&str]| in_toml(&whole(name)?, paths);
    let json = |name: &str| in_json(&whole(name)?);
    let xml = |name: &str| in_xml(&whole(name)?);
    let code = |name: &str, key: &str| in_code(&read(directory, Path::new(name))?, key);
    let sources: [&dyn Fn() -> Option<String>; 13] = [
        &|| toml("pyproject.toml", &["project", "tool.poetry"]),
        &|| json("package.json"),
        &|| toml("Cargo.toml", &["package", "workspace.package"]),
        &|| json("composer.json"),
        &|| json("deno.json"),
        &|| code("setup.cfg", "description"),
        &|| code("setup.py", "description"),
        &|| xml("pom.xml"),
        &|| code("build.gradle", "description"),
        &|| code("build.gradle.kts", "description"),
        &|| code(&ending(directory, "gemspec")?, r"\w+\.(?:summary|description)"),
        &|| xml(&ending(directory, "csproj")?),
        &|| code("pubspec.yaml", "description"),
    ];
    sources.iter().find_map(|source| source().filter(|text| text.trim().chars().count() >= MIN_CHARS))
}

/// The first file with that ending, by name.
fn ending(directory: &Path, extension: &str) -> Option<String> {
    let entries = std::fs::read_dir(directory).ok()?.take(MAX_ENTRIES).flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| Path::new(name).extension().is_some_and(|found| found == extension)).min()
}

/// `description` of the first of these tables that has one.
fn in_toml(text: &str, tables: &[&str]) -> Option<String> {
    let root: toml::Table = text.parse().ok()?;
    tables.iter().find_map(|path| {
        let mut keys = path.split('.');
        let first = root.get(keys.next()?)?;
        let table = keys.try_fold(first, |table, key| table.get(key))?;
        table.get("description")?.as_str().map(str::to_owned)
    })
}

fn in_json(text: &str) -> Option<String> {
    let json: Value = serde_json::from_str(text).ok()?;
    json.get("description")?.as_str().map(str::to_owned)
}

/// `<description>` of a Maven project, `<Description>` in a property group of a .NET one.
fn in_xml(text: &str) -> Option<String> {
    let document = roxmltree::Document::parse(text).ok()?;
    let root = document.root_element();
    let groups = root.children().filter(|child| child.has_tag_name("PropertyGroup"));
    let mut places = std::iter::once(root).chain(groups).flat_map(|place| place.children());
    let told = places.find(|child| child.tag_name().name().eq_ignore_ascii_case("description"))?;
    told.text().map(str::to_owned)
}

/// `key = text` in a file that is code or nearly so: the first quoted text behind the key, or the rest of its line.
fn in_code(text: &str, key: &str) -> Option<String> {
    let quoted = Regex::new(&format!(r#"(?m)^\s*{key}\s*[=:(]?\s*(?:"([^"\n]+)"|'([^'\n]+)')"#)).ok()?;
    if let Some(found) = quoted.captures(text) {
        return found.get(1).or_else(|| found.get(2)).map(|text| text.as_str().to_owned());
    }
    let plain = Regex::new(&format!(r"(?m)^{key}\s*[=:]\s*(\w[^\n]*)$")).ok()?;
    plain.captures(text)?.get(1).map(|text| text.as_str().to_owned())
}
